"""Stands in for python-redilock's module of this name: what both kinds of DistributedLock share."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Generic, TypeVar

from ._dropin import (
    DEFAULT_DB,
    DEFAULT_HOST,
    DEFAULT_INTERVAL,
    DEFAULT_PORT,
    ArgumentError,
    LockName,
    Number,
    checked_interval,
    checked_name,
    checked_ttl,
    checked_wait,
    url_of,
)
from ._request import Request
from .errors import InvalidError

__all__ = ["DistributedLockBase"]

_ClientT = TypeVar("_ClientT")
_CLIENTS = 8

_SERVER = "pass redis_host, redis_port, redis_db and password, or url, to DistributedLock"
_SCRIPTS = "redilock has scripts and tokens of its own; use lock and unlock"
# What programs of python-redilock replaced to change its behaviour. It would have no effect here.
_NOT_REPLACED = {
    "_redis": _SERVER,
    "_connect": _SERVER,
    "_redis_host": _SERVER,
    "_redis_port": _SERVER,
    "_redis_db": _SERVER,
    "_ttl": "pass ttl to DistributedLock or to lock",
    "_interval": "pass interval to DistributedLock or to lock",
    "_prepare_lock": _SCRIPTS,
    "_unlock_script": _SCRIPTS,
    "_lockname2token": _SCRIPTS,
    "_token2lockname": _SCRIPTS,
}


class DistributedLockBase(Generic[_ClientT]):
    """The constructor that both have, and what their locks are asked with.

    It can be pickled and copied: the copy makes connections of its own.
    """

    def __init__(
        self,
        redis_host: str = DEFAULT_HOST,
        redis_port: int = DEFAULT_PORT,
        redis_db: int = DEFAULT_DB,
        ttl: Number | None = None,
        interval: Number | None = DEFAULT_INTERVAL,
        *,
        password: str | bytes | None = None,
        url: str | None = None,
        raise_lost: bool = False,
    ) -> None:
        for name, instead in _NOT_REPLACED.items():
            if hasattr(type(self), name):
                raise TypeError(f"{name} has no effect here: {instead}")
        place = (redis_host, redis_port, redis_db)
        self._password = password
        self._raise_lost = raise_lost
        try:
            if url is None:
                url = url_of(*place)
            elif place != (DEFAULT_HOST, DEFAULT_PORT, DEFAULT_DB):
                raise InvalidError("url: names the server, so leave redis_host and the like out")
            self._url = url
            self._ttl_ms = None if ttl is None else checked_ttl(ttl)
            self._interval_ms = checked_interval(DEFAULT_INTERVAL if interval is None else interval)
            self._make_clients()
        except (InvalidError, TypeError) as error:
            raise ArgumentError(str(error)) from None
        # For programs that read them.
        self.__dict__.update(_redis=None, _ttl=ttl, _interval=interval)
        self.__dict__.update(zip(("_redis_host", "_redis_port", "_redis_db"), place))

    def __setattr__(self, name: str, value: object) -> None:
        if name in _NOT_REPLACED:
            raise AttributeError(f"{name} has no effect here: {_NOT_REPLACED[name]}")
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return f"<{type(self).__module__}.{type(self).__name__} {self._usual!r}>"

    def _new_client(self, url: str, interval: str) -> _ClientT:
        raise NotImplementedError

    def _make_clients(self) -> None:
        self._usual = self._client_of(self._interval_ms)
        self._clients: OrderedDict[int, _ClientT] = OrderedDict()

    def _client_of(self, interval: int) -> _ClientT:
        return self._new_client(self._url, f"{interval}ms")

    def _client(self, interval: int | None = None) -> _ClientT:
        """The client that looks after foreign holders this often; the latest few are kept."""
        if interval is None or interval == self._interval_ms:
            return self._usual
        client = self._clients.get(interval)
        if client is None:
            client = self._clients[interval] = self._client_of(interval)
            if len(self._clients) > _CLIENTS:
                self._clients.popitem(last=False)  # not closed: calls under way go on with it
        else:
            self._clients.move_to_end(interval)
        return client

    def _request(
        self,
        lock_name: LockName,
        ttl: Number | None,
        block: bool | Number,
        interval: Number | None,
    ) -> tuple[Request, int]:
        """What is asked for, and how often to look again after a foreign holder, in ms."""
        try:
            lease = self._ttl_ms if ttl is None else checked_ttl(ttl)
            if lease is None:
                raise InvalidError("ttl: neither the lock nor the DistributedLock has one")
            pause = self._interval_ms if interval is None else checked_interval(interval)
            return Request(checked_name(lock_name), lease, checked_wait(block)), pause
        except (InvalidError, TypeError) as error:
            raise ArgumentError(str(error)) from None

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["_usual"], state["_clients"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._make_clients()
