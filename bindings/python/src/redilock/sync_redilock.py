"""Stands in for python-redilock's module of this name, for programs written for its version 0.5.0:

    import redilock.sync_redilock as redilock

    mylock = redilock.DistributedLock(ttl=30)
    with mylock("my_lock"):
        ...

Locks exclude those of programs that still run python-redilock, and wait in order among themselves.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Literal, ParamSpec, TypeVar

from ._decorating import guarded
from ._dropin import LockName, Number, OtherType, Token, name_and_token, on_loss, left_held
from ._of_redis import raise_as_expected
from ._request import Request
from .base import DistributedLockBase
from .client import Client
from .errors import NotAcquiredError, NotOwnerError, RedilockError, ServerError

__all__ = ["DistributedLock"]

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class DistributedLock(DistributedLockBase[Client]):
    """Locks of a Redis server by name; any number of them, and of threads that use them.

    `ttl` is the lease in seconds, here or for each lock. `interval` is how often to look again
    while a program holds the lock that does not queue, such as python-redilock's own; all others
    are waited for without looking. `password` is the server's; `url` names the server instead of
    `redis_host`, `redis_port` and `redis_db`. Leaving a `with` after the lock was lost warns, or
    raises LostError with `raise_lost`. Arguments of a wrong type or outside their range are
    ValueErrors that name the argument.
    """

    def _new_client(self, url: str, interval: str) -> Client:
        return Client(url, interval=interval, password=self._password, renew=False)

    def lock(
        self,
        lock_name: LockName,
        ttl: Number | None = None,
        block: bool | Number = True,
        interval: Number | None = None,
    ) -> str | Literal[False]:
        """Acquires the lock of a name.

        `block` is how long to wait: True for ever, False or 0 not at all, else seconds.
        Returns a secret string by which `unlock` releases it, here or in any other process; False
        if it was not granted.
        """
        request, interval_ms = self._request(lock_name, ttl, block, interval)
        try:
            return self._acquire(request, interval_ms)
        except NotAcquiredError:
            return False
        except RedilockError as error:
            raise_as_expected(error, request.name)

    def _acquire(self, request: Request, interval_ms: int) -> str:
        client = self._client(interval_ms)
        core, name = client._here().core, request.name
        try:
            return left_held(core, name, client._acquire(request))
        except ServerError as error:
            wait, failure = OtherType(request, interval_ms), error
        while True:
            time.sleep(wait.pause(failure))
            try:
                return left_held(core, name, client._acquire(wait.rest()))
            except ServerError as error:
                failure = error

    def unlock(self, unlock_secret_token: Token) -> bool:
        """Releases a lock by what `lock` returned; False if that does not hold it (any more)."""
        found = name_and_token(unlock_secret_token)
        if found is None:
            return False
        try:
            self._client().release(*found)
        except NotOwnerError:
            return False
        except RedilockError as error:
            raise_as_expected(error, found[0])
        return True

    def __call__(self, lock_name: LockName, ttl: Number | None = None) -> _With:
        """`with mylock("name"):` waits for the lock and holds it inside; also a decorator."""
        return _With(self, lock_name, ttl)


class _With:
    """What `mylock("name")` gives: holds the lock in a `with`, or in each call of a function."""

    def __init__(self, mylock: DistributedLock, lock_name: LockName, ttl: Number | None) -> None:
        self._mylock = mylock
        self._lock_name = lock_name
        self._ttl = ttl
        self._token: Token = None

    def __enter__(self) -> DistributedLock:
        if self._token is not None:
            raise RuntimeError("this object is in use; make one for each with")
        self._token = False  # until it is granted
        try:
            self._token = self._mylock.lock(self._lock_name, self._ttl)
        finally:
            self._token = self._token or None
        return self._mylock

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        token, self._token = self._token, None
        try:
            if self._mylock.unlock(token):
                return
        except RedilockError:
            if kind is None:  # else what was raised inside says more
                raise
            return
        on_loss(self._lock_name, self._mylock._raise_lost and kind is None)

    def __call__(self, function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
        """As a decorator: each call of the function holds a lock of its own."""
        return guarded(
            function,
            lambda: _With(self._mylock, self._lock_name, self._ttl),
            "redilock.async_redilock",
        )
