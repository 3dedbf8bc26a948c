"""Stands in for python-redilock's module of this name, for programs written for its version 0.5.0:

    import redilock.sync_redilock as redilock

    mylock = redilock.DistributedLock(ttl=30)
    with mylock("my_lock"):
        ...

Locks exclude those of programs that still run python-redilock, and wait in order among themselves.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Literal

from ._dropin import LockName, Number, name_and_token, token_of
from ._of_redis import raise_as_expected
from ._request import is_outweighed
from .base import DistributedLockBase
from .client import Client
from .errors import LostError, NotAcquiredError, NotOwnerError, RedilockError

__all__ = ["DistributedLock"]


class DistributedLock(DistributedLockBase[Client]):
    """Locks of a Redis server by name; any number of them, and of threads that use them.

    `ttl` is the lease in seconds, here or for each lock. `interval` is how often to look again
    while a program holds the lock that does not queue, such as python-redilock's own; all others
    are waited for without looking. Leaving a `with` after the lock was lost raises LostError,
    unless `raise_lost` is False. Arguments outside their range are ValueErrors that name the
    argument.
    """

    def _new_client(self, url: str, interval: str) -> Client:
        return Client(url, interval=interval, renew=False)

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
        client, request = self._request(lock_name, ttl, block, interval)
        try:
            lease = client._acquire(request)
        except NotAcquiredError:
            return False
        except RedilockError as error:
            raise_as_expected(error)
        return token_of(request.name, lease)

    def unlock(self, unlock_secret_token: str) -> bool:
        """Releases a lock by what `lock` returned; False if that does not hold it (any more)."""
        found = name_and_token(unlock_secret_token)
        if found is None:
            return False
        try:
            self._client().release(*found)
        except NotOwnerError:
            return False
        except RedilockError as error:
            raise_as_expected(error)
        return True

    @contextlib.contextmanager
    def __call__(
        self, lock_name: LockName, ttl: Number | None = None
    ) -> Iterator[DistributedLock]:
        """`with mylock("name"):` waits for the lock and holds it inside."""
        token = self.lock(lock_name, ttl)
        failed = True
        try:
            yield self
            failed = False
        finally:
            try:
                if not self.unlock(str(token)):
                    raise LostError("the lock was lost before it was left")
            except RedilockError as error:
                if not is_outweighed(error, failed, self._raise_lost):
                    raise
