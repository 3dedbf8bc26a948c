"""Stands in for python-redilock's module of this name, for programs written for its version 0.5.0:

    import redilock.async_redilock as redilock

    mylock = redilock.DistributedLock(ttl=30)
    async with mylock("my_lock"):
        ...

See sync_redilock, which has the same names without await.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Literal

from . import aio
from ._dropin import LockName, Number, name_and_token, token_of
from ._of_redis import raise_as_expected
from ._request import is_outweighed
from .base import DistributedLockBase
from .errors import LostError, NotAcquiredError, NotOwnerError, RedilockError

__all__ = ["DistributedLock"]


class DistributedLock(DistributedLockBase[aio.Client]):
    """Locks of a Redis server by name, for any number of tasks: see sync_redilock."""

    def _new_client(self, url: str, interval: str) -> aio.Client:
        return aio.Client(url, interval=interval, renew=False)

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
        client, request = self._request(lock_name, ttl, block, interval)
        try:
            lease = await client._channel().acquire(request, None)
        except NotAcquiredError:
            return False
        except RedilockError as error:
            raise_as_expected(error)
        return token_of(request.name, lease)

    async def unlock(self, unlock_secret_token: str) -> bool:
        """Releases a lock by what `lock` returned; False if that does not hold it (any more)."""
        found = name_and_token(unlock_secret_token)
        if found is None:
            return False
        try:
            await self._client().release(*found)
        except NotOwnerError:
            return False
        except RedilockError as error:
            raise_as_expected(error)
        return True

    @contextlib.asynccontextmanager
    async def __call__(
        self, lock_name: LockName, ttl: Number | None = None
    ) -> AsyncIterator[DistributedLock]:
        """`async with mylock("name"):` waits for the lock and holds it inside."""
        token = await self.lock(lock_name, ttl)
        failed = True
        try:
            yield self
            failed = False
        finally:
            try:
                if not await self.unlock(str(token)):
                    raise LostError("the lock was lost before it was left")
            except RedilockError as error:
                if not is_outweighed(error, failed, self._raise_lost):
                    raise
