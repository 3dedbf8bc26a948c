"""Arguments and tokens as programs written for python-redilock 0.5.0 know them, for both stand-ins:
sync_redilock and async_redilock, which have base in common.
"""

from __future__ import annotations

import math
import time
import warnings
from typing import Union
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

from . import _core
from ._log import logger
from ._options import milliseconds, ttl_ms, wait_ms
from ._request import Name, Request, named_op
from .errors import HeldError, InvalidError, LostError, ServerError

LockName = Union[str, bytes, int, float]
Number = Union[int, float]
Token = Union[str, bool, None]
"""What `lock` returns, and `unlock` takes."""

DEFAULT_HOST = "localhost"
DEFAULT_PORT = 6379
DEFAULT_DB = 0
DEFAULT_INTERVAL = 0.25
_HOUR_S = 3600
_YEAR_S = _core.TTL_MAX // 1000
_FOREVER = -1
# A lease of 2 ms ends within its safety margin, so nobody ever holds it.
_SHORTEST_MS = 3


class ArgumentError(InvalidError, AssertionError):
    """A wrong argument. python-redilock asserted some of them, so it is an AssertionError too."""


def url_of(host: object, port: object, db: object) -> str:
    """The URL of a server as python-redilock's programs name it."""
    if not isinstance(host, str) or not host:
        raise InvalidError(f"redis_host: a host name, not {host!r}")
    host = f"[{host}]" if ":" in host else quote(host)
    for argument, number, least in (("redis_port", port, 1), ("redis_db", db, 0)):
        if not str(number).isdecimal() or not least <= int(str(number)) <= 65535:
            raise InvalidError(f"{argument}: a number from {least} to 65535, not {number!r}")
    return f"redis://{host}:{port}/{db}"


def checked_ttl(ttl: Number) -> int:
    """Milliseconds of a lease."""
    ms = ttl_ms(ttl)
    if ms < _SHORTEST_MS:
        raise InvalidError(f"ttl: has to be at least {_SHORTEST_MS / 1000} s")
    return ms


def checked_interval(interval: Number) -> int:
    """Milliseconds; the C library looks at a foreign holder once an hour at least."""
    if isinstance(interval, (int, float)) and _HOUR_S < interval < math.inf:
        interval = _HOUR_S
    ms = milliseconds(interval, "interval")
    if ms < 1:
        raise InvalidError("interval: has to be more than 0")
    return ms


def checked_wait(block: object) -> int:
    """Milliseconds; what is longer than the C library's longest wait is for ever."""
    if block is True:
        return _FOREVER
    if block is False:
        return 0
    if block is None:
        raise InvalidError("block: True, False, or seconds")
    if isinstance(block, (int, float)) and block > _YEAR_S:
        return _FOREVER
    return wait_ms(block, "block")  # type: ignore[arg-type]


def checked_name(lock_name: LockName) -> bytes:
    """The key as redis-py would have made it."""
    if isinstance(lock_name, str):
        return lock_name.encode()
    if isinstance(lock_name, bytes):
        return lock_name
    if isinstance(lock_name, (int, float)) and not isinstance(lock_name, bool):
        return repr(lock_name).encode()
    raise TypeError(f"lock_name: str or bytes, not {type(lock_name).__name__}")


def token_of(name: Name, lease: _core.Lock) -> str:
    """One string by which anybody can unlock: the name, percent-encoded, and the token."""
    # Most names need no quoting, and looking is soonest done.
    name = name if isinstance(name, bytes) else name.encode()
    quoted = name.decode() if name.isalnum() else quote_from_bytes(name, safe="")
    return f"_LOCK:{quoted}:{_core.lock_token(lease).decode()}"


def left_held(core: _core.Client, name: Name, lease: _core.Lock) -> str:
    """The same, and the lock stays held for its next owner."""
    secret = None
    try:
        token, secret = token_of(name, lease), _core.lock_token(lease)
        _core.leave_lock(lease)
        return token
    except BaseException:  # of a signal handler: nobody gets the token
        if secret is None:
            _core.drop_lock(lease)
        else:
            op = named_op(core, name, secret.decode())
            _core.op_submit_release(op, None, 0)
        raise


def name_and_token(unlock_secret_token: object) -> tuple[bytes, str] | None:
    """What token_of made it of, or None for anything else."""
    if not isinstance(unlock_secret_token, str):
        return None
    kind, _, rest = unlock_secret_token.partition(":")
    quoted, _, token = rest.partition(":")
    if kind != "_LOCK" or not quoted or not token.startswith("redilock:"):
        return None
    return unquote_to_bytes(quoted) if "%" in quoted else quoted.encode(), token


class OtherType:
    """A wait for a key that is no string: python-redilock waits until it ends, redilock refuses."""

    def __init__(self, request: Request, interval_ms: int) -> None:
        wait = request.wait or 0
        self._request = request
        self._end = math.inf if wait < 0 else time.monotonic() + wait / 1000
        self._interval = interval_ms / 1000

    def pause(self, error: ServerError) -> float:
        """Seconds until the next try. Raises HeldError at the end of the wait, and other errors."""
        if "WRONGTYPE" not in str(error):
            raise error
        left = self._end - time.monotonic()
        if left <= 0:
            raise HeldError(str(error)) from None
        return min(self._interval, left)

    def rest(self) -> Request:
        """The same with what is left of the wait."""
        if self._end == math.inf:
            return self._request
        left = math.ceil(max(0.0, self._end - time.monotonic()) * 1000)
        return self._request._replace(wait=left)


def on_loss(lock_name: LockName, raise_lost: bool) -> None:
    """A `with` is left whose lock was lost inside: warns, or raises LostError."""
    message = f"lock {lock_name!r}: it was lost before the with block was left"
    if raise_lost:
        raise LostError(message)
    logger.warning(message)
    warnings.warn(message, RuntimeWarning, stacklevel=3)
