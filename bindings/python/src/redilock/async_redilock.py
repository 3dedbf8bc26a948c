"""Stands in for python-redilock's module of this name, for programs written for its version 0.5.0:

    import redilock.async_redilock as redilock

    mylock = redilock.DistributedLock(ttl=30)
    async with mylock("my_lock"):
        ...

See sync_redilock, which has the same names without await.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Literal, ParamSpec, TypeVar

from . import aio
from ._decorating import guarded_async
from ._dropin import LockName, Number, OtherType, Token, name_and_token, on_loss, left_held
from ._of_redis import raise_as_expected
from ._request import Request
from .base import DistributedLockBase
from .errors import NotAcquiredError, NotOwnerError, RedilockError, ServerError

__all__ = ["DistributedLock"]

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class DistributedLock(DistributedLockBase[aio.Client]):
    """Locks of a Redis server by name, for any number of tasks: see sync_redilock."""

    def _new_client(self, url: str, interval: str) -> aio.Client:
        return aio.Client(url, interval=interval, password=self._password, renew=False)

    async def lock(
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
            return await self._acquire(request, interval_ms)
        except NotAcquiredError:
            return False
        except RedilockError as error:
            raise_as_expected(error, request.name)

    async def _acquire(self, request: Request, interval_ms: int) -> str:
        channel = self._client(interval_ms)._channel()
        core, name = channel.core, request.name
        try:
            return left_held(core, name, await channel.acquire(request, None))
        except ServerError as error:
            wait, failure = OtherType(request, interval_ms), error
        while True:
            await asyncio.sleep(wait.pause(failure))
            try:
                return left_held(core, name, await channel.acquire(wait.rest(), None))
            except ServerError as error:
                failure = error

    async def unlock(self, unlock_secret_token: Token) -> bool:
        """Releases a lock by what `lock` returned; False if that does not hold it (any more)."""
        found = name_and_token(unlock_secret_token)
        if found is None:
            return False
        try:
            await self._client().release(*found)
        except NotOwnerError:
            return False
        except RedilockError as error:
            raise_as_expected(error, found[0])
        return True

    def __call__(self, lock_name: LockName, ttl: Number | None = None) -> _With:
        """`async with mylock("name"):` waits for the lock and holds it inside; also a decorator."""
        return _With(self, lock_name, ttl)


class _With:
    """What `mylock("name")` gives: see sync_redilock."""

    def __init__(self, mylock: DistributedLock, lock_name: LockName, ttl: Number | None) -> None:
        self._mylock = mylock
        self._lock_name = lock_name
        self._ttl = ttl
        self._token: Token = None

    async def __aenter__(self) -> DistributedLock:
        if self._token is not None:
            raise RuntimeError("this object is in use; make one for each async with")
        self._token = False  # until it is granted
        try:
            self._token = await self._mylock.lock(self._lock_name, self._ttl)
        finally:
            self._token = self._token or None
        return self._mylock

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        token, self._token = self._token, None
        try:
            if await self._mylock.unlock(token):
                return
        except RedilockError:
            if kind is None:  # else what was raised inside says more
                raise
            return
        on_loss(self._lock_name, self._mylock._raise_lost and kind is None)

    def __call__(
        self, function: Callable[_Arguments, Coroutine[Any, Any, _Result]]
    ) -> Callable[_Arguments, Coroutine[Any, Any, _Result]]:
        """As a decorator: each call of the coroutine holds a lock of its own."""
        return guarded_async(
            function, lambda: _With(self._mylock, self._lock_name, self._ttl)
        )
