"""The asyncio client: order, cancellation, loss, and one thread for all waits."""

import asyncio
import copy
import gc
import os
import select
import sys
import time

import pytest
from loops import on_a_loop, until, waiters

import redilock
from redilock import aio


@on_a_loop
async def test_with_holds_and_releases(server, client, name):
    async with client.lock(name, ttl=10) as lock:
        assert lock.held and not lock.lost and 9 < lock.remaining <= 10 and lock.fence > 10**15
        assert (await client.info(name)).state == "held"
        assert await client.lock(name).acquire(wait=0) is False
        with pytest.raises(redilock.HeldError):
            async with client.lock(name, wait=0):
                pass
    assert not lock.held and not lock.lost
    assert (await client.info(name)).state == "free"
    with pytest.raises(redilock.NotOwnerError):
        await lock.release()


@on_a_loop
async def test_waiters_are_granted_in_their_order(server, client, name):
    order = []

    async def wait(number):
        async with client.lock(name):
            order.append(number)

    async with client.lock(name):
        tasks = [asyncio.create_task(wait(number)) for number in range(100)]
        await waiters(client, name, 100)
    await asyncio.gather(*tasks)
    assert order == list(range(100))


@on_a_loop
async def test_cancelled_task_leaves_the_queue(server, client, name):
    async with client.lock(name):
        task = asyncio.create_task(client.lock(name).acquire())
        await waiters(client, name, 1)
        begun = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - begun < 0.1
        assert (await client.info(name)).waiters == 0
        assert server.queued(name) == 0
    assert (await client.info(name)).state == "free"


@on_a_loop
async def test_cancel_against_grant_never_keeps_the_lock(server, client, name):
    granted = 0
    for turn in range(300):
        holder = client.lock(name, ttl=30)
        await holder.acquire()
        lock = client.lock(name, ttl=30)
        task = asyncio.create_task(lock.acquire())
        for _ in range(turn % 7):
            await asyncio.sleep(0)
        await asyncio.sleep(turn % 3 * 0.0003)
        releasing = asyncio.create_task(holder.release())
        await asyncio.sleep(turn % 11 * 0.00005)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            assert not lock.held
        else:
            granted += 1
            await lock.release()
        await releasing
        async with client.lock(name, ttl=0.5, wait=0.3):  # no grant was kept
            pass
    assert granted < 300


@on_a_loop
async def test_cancel_many_at_once(server, client, name):
    async with client.lock(name):
        tasks = [asyncio.create_task(client.lock(name).acquire()) for _ in range(500)]
        await waiters(client, name, 500)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert all(task.cancelled() for task in tasks)
        await waiters(client, name, 0)


@on_a_loop
async def test_timeouts_end_in_time(server, client, name):
    async with client.lock(name):
        begun = time.monotonic()
        assert not await client.lock(name).acquire(wait=0.2)
        assert 0.2 <= time.monotonic() - begun < 0.3
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.lock(name).acquire(), 0.1)
        assert (await client.info(name)).waiters == 0


@on_a_loop
async def test_cancel_while_the_server_does_not_answer(server, client, name):
    async with client.lock(name):
        task = asyncio.create_task(client.lock(name).acquire())
        await waiters(client, name, 1)
        server.freeze()
        try:
            begun = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert time.monotonic() - begun < 0.2
        finally:
            server.thaw()
        await waiters(client, name, 0)


@on_a_loop
async def test_loss_is_told_by_an_event(server, client, name):
    lock = client.lock(name, ttl=0.3, renew=True, raise_lost=False)
    async with lock:
        assert not lock.lost_event.is_set()
        server.cli("DEL", name)
        await asyncio.wait_for(lock.lost_event.wait(), 2)
        assert lock.lost
    async with lock:
        assert not lock.lost_event.is_set()


@on_a_loop
async def test_loss_of_an_earlier_grant_is_not_told_of_the_next(server, client, name):
    lock = client.lock(name, ttl=0.1)
    await lock.acquire()
    # The loop does not run now: the loss waits to be taken.
    assert select.select([lock._channel._fd], [], [], 5)[0]
    assert lock.lost
    await lock.acquire(wait=5)
    await lock.extend(10)
    assert lock.held and not lock.lost_event.is_set()
    server.cli("DEL", name)
    with pytest.raises(redilock.LostError):
        await lock.extend()
    await asyncio.wait_for(lock.lost_event.wait(), 2)


@on_a_loop
async def test_lock_used_again_and_again_leaves_nothing_behind(server, client, name):
    lock = client.lock(name, ttl=10)
    for _ in range(5):
        async with lock:
            assert not await client.lock(name).acquire(wait=0)
            task = asyncio.create_task(client.lock(name).acquire())
            await waiters(client, name, 1)
            task.cancel()
            await asyncio.wait([task])
            del task
    gc.collect()
    channel = lock._channel
    assert len(channel._holders) == 1 and not channel._ends


@on_a_loop
async def test_cancelled_release_and_extension_go_on(server, client, name):
    lock = client.lock(name, ttl=10)
    await lock.acquire()
    for call, ended in [(lock.extend(20), lambda: lock.remaining > 15), (lock.release(), None)]:
        task = asyncio.create_task(call)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not lock._channel._ends

        async def done():
            return ended() if ended else (await client.info(name)).state == "free"

        await until(done)
    assert not lock.held and not lock.lost and "not held" in repr(lock)


@on_a_loop
async def test_release_by_a_cancelled_task_is_carried_out(server, client, name):
    async def hold():
        async with client.lock(name):
            await asyncio.sleep(30)

    task = asyncio.create_task(hold())

    async def held():
        return (await client.info(name)).state == "held"

    await until(held)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await client.info(name)).state == "free"


@on_a_loop
async def test_extend_token_names_and_break(server, client, name):
    lock = client.lock(name, ttl=5)
    await lock.acquire()
    await lock.extend(20)
    assert lock.remaining > 19
    await client.extend(name, lock.token, 60)
    assert 59 < (await client.info(name)).remaining <= 60
    assert name.encode() in [found async for found in client.names()]
    await client.release(name, lock.token)
    with pytest.raises(redilock.LostError):
        await lock.release()
    with pytest.raises(redilock.NotOwnerError):
        await client.break_lock(name)


def test_names_may_be_left_while_they_are_asked_for(server, program, monkeypatch):
    monkeypatch.setenv("MALLOC_PERTURB_", "165")  # what is used after its end is seen to be
    server.freeze()
    try:
        process = program("""
import asyncio, gc, sys
from redilock import aio
async def main():
    client = aio.Client(sys.argv[1])
    asking = client.names().__anext__()
    task = asyncio.ensure_future(asking)
    await asyncio.sleep(0.1)  # until its thread has asked: nothing shows that
    task.cancel()
    await asyncio.wait([task])
    del task, asking
    gc.collect()
    print("left", flush=True)
asyncio.run(main())
""")
        assert process.stdout.readline() == "left\n"
        # The thread knows: the loop's end, which awaits it, needs no answer of the server.
        assert process.wait(4) == 0
    finally:
        server.thaw()


@on_a_loop
async def test_decorator_holds_while_the_coroutine_runs(server, client, name):
    @client.lock(name)
    async def job(depth):
        assert (await client.info(name)).state == "held"
        return depth

    assert await job(3) == 3
    assert (await client.info(name)).state == "free"


def test_decorator_refuses_what_is_no_coroutine(server, name):
    def plain():
        pass

    def generator():
        yield

    async def both():
        yield

    for function in (plain, generator, both):
        with pytest.raises(TypeError, match="async def"):
            aio.Client(server.url).lock(name)(function)


@on_a_loop
async def test_decorator_refuses_a_result_that_would_run_without_the_lock(server, client, name):
    @client.lock(name)
    async def job():
        return asyncio.sleep(0)

    with pytest.raises(TypeError, match="coroutine"):
        await job()
    assert (await client.info(name)).state == "free"


@on_a_loop
async def test_lock_object_that_is_being_acquired_refuses_a_second_acquire(server, client, name):
    lock = client.lock(name, wait=20)
    async with client.lock(name):
        task = asyncio.create_task(lock.acquire())
        await waiters(client, name, 1)
        for call in (lock.acquire, lock.__aenter__):
            with pytest.raises(RuntimeError, match=f"{name}.*being acquired"):
                await call()
        with pytest.raises(TypeError, match=name):
            copy.copy(lock)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await lock.acquire()
    with pytest.raises(TypeError, match=name):
        copy.copy(lock)
    await lock.release()
    async with copy.copy(lock) as copied:
        assert copied.held and not lock.held


@on_a_loop
async def test_with_releases_no_grant_of_another_task(server, client, name):
    async with client.lock(name, ttl=0.05, raise_lost=False) as lock:
        await lock.lost_event.wait()
        for call in (lock.acquire, lock.__aenter__):
            with pytest.raises(RuntimeError, match=name):
                await asyncio.create_task(call())
        assert await lock.acquire()  # by the task itself, whose with releases it
    assert (await client.info(name)).state == "free"
    async with lock:
        assert lock.held


@on_a_loop
async def test_all_waits_take_one_thread_and_two_connections(server, client, name):
    def threads():
        return len(os.listdir("/proc/self/task"))

    before, connected = threads(), server.connections()
    holders = [client.lock(f"{name}-{number}") for number in range(10)]
    for holder in holders:
        await holder.acquire()
    tasks = [
        asyncio.create_task(client.lock(f"{name}-{number % 10}").acquire())
        for number in range(1000)
    ]
    while server.queued(f"{name}-0") != 100:
        await asyncio.sleep(0.01)
    assert threads() <= before + 1
    assert server.connections() <= connected + 2
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
