"""What mypy has to accept: programs as people write them. Checked, never run."""

import redilock.async_redilock
import redilock.sync_redilock


def plain(mylock: redilock.sync_redilock.DistributedLock) -> bool:
    token = mylock.lock("name")
    assert token
    return mylock.unlock(mylock.lock("name")) and mylock.unlock(token)


async def awaited(mylock: redilock.async_redilock.DistributedLock) -> bool:
    return await mylock.unlock(await mylock.lock("name"))


@redilock.sync_redilock.DistributedLock(ttl=5)("name")
def decorated(count: int) -> str:
    return str(count)


@redilock.async_redilock.DistributedLock(ttl=5)("name")
async def decorated_coroutine(count: int) -> str:
    return str(count)
