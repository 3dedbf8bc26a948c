"""The end of an asyncio client: what waits ends, and what is held runs out."""

import asyncio
import time

import pytest
from loops import on_a_loop, until, waiters

import redilock
from redilock import aio


@on_a_loop
async def test_close_ends_waits(server, client, name):
    async with client.lock(name), aio.Client(server.url) as other:
        task = asyncio.create_task(other.lock(name).acquire())
        await waiters(client, name, 1)
    with pytest.raises(redilock.ClosedError):
        await task
    with pytest.raises(redilock.ClosedError):
        await other.lock(name).acquire()


@on_a_loop
async def test_close_leaves_the_queue(server, client, name):
    async with client.lock(name):
        async with aio.Client(server.url) as other:
            held = other.lock(f"{name}-held")  # which keeps what the other client has
            await held.acquire()
            tasks = [asyncio.create_task(other.lock(name).acquire()) for _ in range(10)]
            await waiters(client, name, 10)
        assert server.queued(name) == 0
        for task in tasks:
            with pytest.raises(redilock.ClosedError):
                await task


@on_a_loop
async def test_close_while_the_server_does_not_answer(server, client, name):
    async with client.lock(name):
        other = aio.Client(server.url)
        task = asyncio.create_task(other.lock(name).acquire())
        await waiters(client, name, 1)
        server.freeze()
        try:
            begun = time.monotonic()
            await other.close()
            with pytest.raises(redilock.ClosedError):
                await task
            assert time.monotonic() - begun < 2  # not the timeout of 5 s
        finally:
            server.thaw()


@on_a_loop
async def test_close_lets_what_is_held_run_out(server, client, name):
    before = server.connections()
    async with aio.Client(server.url) as other:
        lock = other.lock(name, ttl=2, renew=True)
        await lock.acquire()
        reported = asyncio.create_task(lock.lost_event.wait())
        assert server.connections() > before

    async def left():
        return server.connections() == before

    await until(left)
    assert lock.held and not reported.done()
    await asyncio.wait_for(reported, 20)  # it is renewed no more
    assert lock.lost

    async def ran_out():  # a little later, by the drift
        return (await client.info(name)).state == "free"

    await until(ran_out)
    with pytest.raises(redilock.ClosedError):
        await lock.release()


@on_a_loop
async def test_close_tells_no_loss_of_what_was_released(server, client, name):
    async with aio.Client(server.url) as other:
        lock = other.lock(name, ttl=1)
        async with lock:
            pass
    await asyncio.sleep(1.1)
    assert not lock.lost_event.is_set()


@pytest.mark.parametrize("used_since", [False, True])
def test_close_reaches_the_locks_of_loops_that_ended(server, client, name, used_since):
    shared = aio.Client(server.url)
    lock = shared.lock(name, ttl=0.5, renew=True)
    asyncio.run(lock.acquire())

    async def close():
        if used_since:
            await shared.info(name)
        await shared.close()

    asyncio.run(close())
    time.sleep(0.6)  # longer than the lease
    assert client.info(name).state == "free" and lock.lost
