"""What the tests of asyncio have in common."""

import asyncio
import functools
import time

from redilock import aio


def on_a_loop(test):
    """Runs a test with `client`, an aio.Client of the server."""

    @functools.wraps(test)
    def run(server, name):
        async def body():
            async with aio.Client(server.url) as client:
                await test(server, client, name)

        asyncio.run(asyncio.wait_for(body(), 30))

    # pytest must ask for the fixtures of run, not for those of the test.
    del run.__wrapped__
    return run


async def until(holds):
    end = time.monotonic() + 10
    while not await holds():
        assert time.monotonic() < end, "it never came true"
        await asyncio.sleep(0.002)


async def waiters(client, name, count):
    async def holds():
        return (await client.info(name)).waiters == count

    await until(holds)
