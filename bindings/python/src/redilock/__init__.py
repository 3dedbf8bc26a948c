"""A distributed lock kept in Redis, first come, first served.

    import redilock

    client = redilock.Client("redis://localhost")
    with client.lock("nightly", ttl=30, wait=10) as lock:
        print("mine, fence", lock.fence)

`redilock.aio` has the same for asyncio. `redilock.sync_redilock` and `redilock.async_redilock`
stand in for the modules of that name of python-redilock.
"""

from . import _core
from ._info import LockInfo, Waiter
from ._options import CLIENT_OPTIONS
from .client import Client, Lock
from .errors import (
    AuthError,
    ClosedError,
    ForkedError,
    HeldError,
    InternalError,
    InvalidError,
    LostError,
    NotAcquiredError,
    NotOwnerError,
    OperationCancelledError,
    ProtocolError,
    RedilockError,
    ServerError,
    UnavailableError,
    UnknownOutcomeError,
    UnsupportedError,
    WaitTimeoutError,
)

__version__ = "0.2.0"

__all__ = [
    "AuthError",
    "Client",
    "ClosedError",
    "ForkedError",
    "HeldError",
    "InternalError",
    "InvalidError",
    "Lock",
    "LockInfo",
    "LostError",
    "NotAcquiredError",
    "NotOwnerError",
    "OperationCancelledError",
    "ProtocolError",
    "RedilockError",
    "ServerError",
    "UnavailableError",
    "UnknownOutcomeError",
    "UnsupportedError",
    "Waiter",
    "WaitTimeoutError",
    "library_version",
    "options",
]


def library_version() -> str:
    """The version of the C library that runs."""
    return _core.version()


def options() -> dict[str, str]:
    """The options of a client by name, and what each does."""
    return {name: _core.option_doc(index) for name, index in CLIENT_OPTIONS.items()}
