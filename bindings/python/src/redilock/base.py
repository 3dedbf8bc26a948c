"""Stands in for python-redilock's module of this name: what both kinds of DistributedLock share."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from ._dropin import (
    DEFAULT_INTERVAL,
    ArgumentError,
    LockName,
    Number,
    checked_interval,
    checked_name,
    checked_wait,
)
from ._options import ttl_ms
from ._request import Request
from .errors import InvalidError

__all__ = ["DistributedLockBase"]

_ClientT = TypeVar("_ClientT")
_CLIENTS = 8


class DistributedLockBase(Generic[_ClientT]):
    """The constructor that both have, and what their locks are asked with.

    It can be pickled and copied: the copy makes connections of its own.
    """

    def __init__(
        self,
        redis_host: str = "localhost",
        redis_port: int = 6379,
        redis_db: int = 0,
        ttl: Number | None = None,
        interval: Number | None = DEFAULT_INTERVAL,
        *,
        raise_lost: bool = True,
    ) -> None:
        host = f"[{redis_host}]" if ":" in redis_host else quote(redis_host)
        self._url = f"redis://{host}:{redis_port}/{redis_db}"
        self._raise_lost = raise_lost
        try:
            self._ttl = None if ttl is None else ttl_ms(ttl)
            self._interval = checked_interval(DEFAULT_INTERVAL if interval is None else interval)
            self._make_clients()
        except InvalidError as error:
            raise ArgumentError(str(error)) from None

    def _new_client(self, url: str, interval: str) -> _ClientT:
        raise NotImplementedError

    def _make_clients(self) -> None:
        self._usual = self._client_of(self._interval)
        self._clients: OrderedDict[int, _ClientT] = OrderedDict()

    def _client_of(self, interval: int) -> _ClientT:
        return self._new_client(self._url, f"{interval}ms")

    def _client(self, interval: int | None = None) -> _ClientT:
        """The client that looks after foreign holders this often; the latest few are kept."""
        if interval is None or interval == self._interval:
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
    ) -> tuple[_ClientT, Request]:
        try:
            lease = self._ttl if ttl is None else ttl_ms(ttl)
            if lease is None:
                raise InvalidError("ttl: neither the lock nor the DistributedLock has one")
            pause = None if interval is None else checked_interval(interval)
            request = Request(checked_name(lock_name), lease, checked_wait(block))
            return self._client(pause), request
        except InvalidError as error:
            raise ArgumentError(str(error)) from None

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["_usual"], state["_clients"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._make_clients()
