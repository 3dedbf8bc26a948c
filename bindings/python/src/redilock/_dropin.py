"""Arguments and tokens as programs written for python-redilock 0.5.0 know them, for both stand-ins:
sync_redilock and async_redilock, which have base in common.
"""

from __future__ import annotations

import math
from typing import Union
from urllib.parse import quote_from_bytes, unquote_to_bytes

from . import _core
from ._options import milliseconds, wait_ms
from ._request import Name
from .errors import InvalidError

LockName = Union[str, bytes, int, float]
Number = Union[int, float]

DEFAULT_INTERVAL = 0.25
_HOUR_S = 3600
_YEAR_S = _core.TTL_MAX // 1000
_FOREVER = -1


class ArgumentError(InvalidError, AssertionError):
    """A wrong argument. python-redilock asserted some of them, so it is an AssertionError too."""


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


def name_and_token(unlock_secret_token: object) -> tuple[bytes, str] | None:
    """What token_of made it of, or None for anything else."""
    if not isinstance(unlock_secret_token, str):
        return None
    kind, _, rest = unlock_secret_token.partition(":")
    quoted, _, token = rest.partition(":")
    if kind != "_LOCK" or not quoted or not token.startswith("redilock:"):
        return None
    return unquote_to_bytes(quoted) if "%" in quoted else quoted.encode(), token
