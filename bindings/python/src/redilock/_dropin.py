"""What both stand-ins for python-redilock 0.5.0 share: arguments, tokens and failures as its
programs know them. The modules themselves are sync_redilock and async_redilock.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, NoReturn, TypeVar, Union
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

from . import _core
from ._request import Name, Request, milliseconds, ttl_ms, wait_ms
from .errors import AuthError, InvalidError, RedilockError, ServerError, UnavailableError

LockName = Union[str, bytes, int, float]
Number = Union[int, float]

DEFAULT_INTERVAL = 0.25
_CLIENTS = 8
_HOUR_MS = 3_600_000


class ArgumentError(InvalidError, AssertionError):
    """A wrong argument. python-redilock asserted some of them, so it is an AssertionError too."""


def _checked_interval(interval: Number) -> int:
    ms = milliseconds(interval, "interval")
    if not 1 <= ms <= _HOUR_MS:
        raise InvalidError("interval: has to be more than 0 and at most an hour")
    return ms


def _checked_wait(block: object) -> int:
    if block is True:
        return -1
    if block is False:
        return 0
    if block is None:
        raise InvalidError("block: True, False, or seconds")
    return wait_ms(block, "block")  # type: ignore[arg-type]


def _checked_name(lock_name: LockName) -> bytes:
    if isinstance(lock_name, str):
        return lock_name.encode()
    if isinstance(lock_name, bytes):
        return lock_name
    if isinstance(lock_name, (int, float)) and not isinstance(lock_name, bool):
        return repr(lock_name).encode()  # redis-py's way with numbers
    raise TypeError(f"lock_name: str or bytes, not {type(lock_name).__name__}")


def token_of(name: Name, lease: _core.Lock) -> str:
    """One string by which anybody can unlock: the name, percent-encoded, and the token."""
    # Most names need no quoting, and looking is soonest done.
    name = name if isinstance(name, bytes) else name.encode()
    quoted = name.decode() if name.isalnum() else quote_from_bytes(name, safe="")
    return f"_LOCK:{quoted}:{_core.lock_token(lease).decode()}"


def name_and_token(unlock_secret_token: object) -> tuple[bytes, str] | None:
    """What token_of made it of, or None for anything else."""
    if not isinstance(unlock_secret_token, str):
        return None
    kind, _, rest = unlock_secret_token.partition(":")
    quoted, _, token = rest.partition(":")
    if kind != "_LOCK" or not quoted or not token.startswith("redilock:"):
        return None
    return unquote_to_bytes(quoted) if "%" in quoted else quoted.encode(), token


_ClientT = TypeVar("_ClientT")


class Base(Generic[_ClientT]):
    """The constructor that both have, and what their locks are asked with."""

    def __init__(
        self,
        make: Callable[..., _ClientT],
        redis_host: str,
        redis_port: int,
        redis_db: int,
        ttl: Number | None,
        interval: Number | None,
        raise_lost: bool,
    ) -> None:
        host = f"[{redis_host}]" if ":" in redis_host else quote(redis_host)
        self._url = f"redis://{host}:{redis_port}/{redis_db}"
        self._make = make
        self._clients: OrderedDict[int, _ClientT] = OrderedDict()
        self._raise_lost = raise_lost
        try:
            self._ttl = None if ttl is None else ttl_ms(ttl)
            self._interval = _checked_interval(DEFAULT_INTERVAL if interval is None else interval)
            self._usual = self._new_client(self._interval)
        except InvalidError as error:
            raise ArgumentError(str(error)) from None

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
            pause = None if interval is None else _checked_interval(interval)
            request = Request(_checked_name(lock_name), lease, _checked_wait(block))
            return self._client(pause), request
        except InvalidError as error:
            raise ArgumentError(str(error)) from None

    def _client(self, interval: int | None = None) -> _ClientT:
        """The client that looks after foreign holders this often; the latest few are kept."""
        if interval is None or interval == self._interval:
            return self._usual
        client = self._clients.get(interval)
        if client is None:
            client = self._clients[interval] = self._new_client(interval)
            if len(self._clients) > _CLIENTS:
                self._clients.popitem(last=False)  # not closed: calls under way go on with it
        else:
            self._clients.move_to_end(interval)
        return client

    def _new_client(self, interval: int) -> _ClientT:
        return self._make(self._url, interval=f"{interval}ms", renew=False)


# Programs written for python-redilock catch the errors of the package redis, which it was made of.
_OF_REDIS = {
    AuthError: "AuthenticationError",
    UnavailableError: "ConnectionError",
    ServerError: "ResponseError",
}


def raise_as_expected(error: RedilockError) -> NoReturn:
    """Raises an error as one that the program catches: also as redis' own, if it has redis."""
    if isinstance(error, InvalidError):
        message = str(error)
        raise ArgumentError(f"lock_{message}" if message.startswith("name:") else message) from None
    theirs = getattr(sys.modules.get("redis.exceptions"), _OF_REDIS.get(type(error), ""), None)
    if theirs is None:
        raise error
    ours = type(error)
    both = type(ours.__name__, (ours, theirs), {"__module__": ours.__module__})
    raise both(str(error)) from error
