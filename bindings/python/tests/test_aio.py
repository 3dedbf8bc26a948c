"""The asyncio client: order, cancellation, loss, and one thread for all waits."""

import asyncio
import concurrent.futures
import contextlib
import copy
import functools
import gc
import os
import select
import sys
import threading
import time

import pytest
from conftest import until as wait_until

import redilock
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
    # The loop does not run meanwhile: the loss waits to be taken.
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
    await asyncio.sleep(0.1)  # until its thread has asked: nothing tells
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
            assert time.monotonic() - begun < 0.2
        finally:
            server.thaw()


@on_a_loop
async def test_close_lets_what_is_held_run_out(server, client, name):
    before = server.connections()
    async with aio.Client(server.url) as other:
        lock = other.lock(name, ttl=0.5, renew=True)
        await lock.acquire()
        reported = asyncio.create_task(lock.lost_event.wait())
        assert server.connections() > before
    closed = time.monotonic()

    async def left():
        return server.connections() == before

    await until(left)
    assert lock.held and not reported.done()
    await asyncio.wait_for(reported, 2)
    assert lock.lost and time.monotonic() - closed < 0.6
    await asyncio.sleep(0.1)  # by the drift, which the server's lease is longer
    assert (await client.info(name)).state == "free"
    with pytest.raises(redilock.ClosedError):
        await lock.release()


@on_a_loop
async def test_close_tells_no_loss_of_what_was_released(server, client, name):
    async with aio.Client(server.url) as other:
        lock = other.lock(name, ttl=0.2)
        async with lock:
            pass
    await asyncio.sleep(0.3)
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


def test_client_made_outside_serves_one_loop_after_another(server, name):
    client = aio.Client(server.url)
    for _ in range(3):
        lock = client.lock(name, ttl=5)
        assert asyncio.run(lock.acquire(wait=1))
        asyncio.run(client.break_lock(name))

    async def job():
        async with client.lock(name, wait=5):
            return True

    results = []
    threads = [threading.Thread(target=lambda: results.append(asyncio.run(job()))) for _ in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True, True]


def in_a_second_run(call):
    """Calls it on a new loop, after the one that acquired was closed."""
    return asyncio.run(call())


def in_a_thread(call):
    """Calls it on a loop of another thread, while the one that acquired still runs."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, call()).result(10)


@pytest.mark.parametrize("elsewhere", [in_a_second_run, in_a_thread])
def test_locks_are_extended_and_released_by_other_loops(server, client, name, elsewhere):
    shared = aio.Client(server.url)
    lock = shared.lock(name, ttl=5)

    async def use():
        await lock.acquire()
        if elsewhere is in_a_thread:
            await asyncio.to_thread(change)

    def change():
        elsewhere(lambda: lock.extend(60))
        assert lock.remaining > 50 and client.info(name).remaining > 50
        elsewhere(lock.release)
        assert not lock.held and not lock.lost
        assert client.info(name).state == "free"

    asyncio.run(use())
    if elsewhere is in_a_second_run:
        change()
    with pytest.raises(redilock.NotOwnerError):
        asyncio.run(lock.release())


def test_with_block_may_be_left_on_another_loop(server, client, name):
    lock = aio.Client(server.url).lock(name)
    asyncio.run(lock.__aenter__())
    asyncio.run(lock.__aexit__(None, None, None))
    assert client.info(name).state == "free"


def test_loss_is_told_on_the_loop_that_acquired_alone(server, name):
    lock = aio.Client(server.url).lock(name)
    asyncio.run(lock.acquire())

    async def ask():
        with pytest.raises(RuntimeError, match="event loop that acquired"):
            lock.lost_event
        await lock.release()

    asyncio.run(ask())


@pytest.mark.parametrize("granted", [False, True])
def test_acquire_that_is_pending_when_its_loop_ends_is_rolled_back(server, client, name, granted):
    shared = aio.Client(server.url)
    holder = client.lock(name)
    holder.acquire()
    loop = asyncio.new_event_loop()
    task = loop.create_task(shared.lock(name, ttl=60).acquire())  # which the test keeps
    while client.info(name).waiters != 1:
        loop.run_until_complete(asyncio.sleep(0.002))
    descriptor = shared._channels[loop]._fd
    if granted:
        holder.release()
        assert select.select([descriptor], [], [], 10)[0]  # it came, and nobody took it
    loop.close()
    if not granted:
        wait_until(lambda: client.info(name).waiters == 0)
        holder.release()
    wait_until(lambda: client.info(name).state == "free")
    assert not task.done()
    task._log_destroy_pending = False


def test_close_ends_the_waits_of_other_threads_loops(server, client, name):
    shared, ended = aio.Client(server.url), []

    async def wait():
        asyncio.get_running_loop().set_debug(True)  # which tells of calls by other threads
        try:
            await shared.lock(name).acquire()
        except redilock.ClosedError as error:
            ended.append(error)
        await asyncio.sleep(0)

    with client.lock(name):
        threads = [
            threading.Thread(target=asyncio.run, args=[wait()], daemon=True) for _ in "abc"
        ]
        for thread in threads:
            thread.start()
        end = time.monotonic() + 10
        while client.info(name).waiters != 3:
            assert time.monotonic() < end
        asyncio.run(shared.close())
        for thread in threads:
            thread.join(5)
    assert len(ended) == 3


def test_loops_of_many_threads_have_a_channel_each(server, monkeypatch):
    made, gate = [], threading.Barrier(8)

    class Slow(dict):
        """Lets all threads look through the channels at once, as none would otherwise."""

        def items(self):
            with contextlib.suppress(threading.BrokenBarrierError):
                gate.wait(0.2)
            return super().items()

    shared = aio.Client(server.url)
    shared._channels = Slow()

    async def use():
        made.append(shared._channel())
        await asyncio.to_thread(done.wait, 5)
        assert shared._channel() in made

    done = threading.Barrier(8)
    threads = [
        threading.Thread(target=asyncio.run, args=[use()], daemon=True) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(made) == 8 and len(shared._channels) == 8


def test_client_that_nobody_has_is_collected(server, name):
    async def body():
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(5):
            client = aio.Client(server.url)
            async with client.lock(name):
                pass
            del client
        gc.collect()
        await asyncio.sleep(0)
        assert len(os.listdir("/proc/self/fd")) <= before + 1

    asyncio.run(body())


def test_no_descriptor_for_the_completions_is_an_error_alone(server, name, monkeypatch):
    def refuse(core):
        raise redilock.UnavailableError("no descriptor is left")

    unraisable = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)
    monkeypatch.setattr(aio._core, "client_fd", refuse)
    with pytest.raises(redilock.UnavailableError):
        asyncio.run(aio.Client(server.url).lock(name).acquire())
    gc.collect()
    assert unraisable == []


def test_ctrl_c_leaves_the_queue_clean(server, client, program, name):
    import signal

    with client.lock(name):
        process = program("""
import asyncio, sys, time
from redilock import aio
async def main():
    async with aio.Client(sys.argv[1]) as client:
        await asyncio.gather(*[client.lock(sys.argv[3]).acquire() for _ in range(20)])
try:
    asyncio.run(main())
except KeyboardInterrupt:
    print(time.time())
""", name)
        end = time.monotonic() + 10
        while client.info(name).waiters != 20:
            assert time.monotonic() < end
        sent = time.time()
        process.send_signal(signal.SIGINT)
        process.wait(5)
        assert float(process.stdout.readline()) - sent < 0.2
        assert client.info(name).waiters == 0


def test_fork_leaves_the_loop_of_the_parent_alone(server, name):
    async def body():
        async with aio.Client(server.url) as client:
            async with client.lock(name):
                child = os.fork()
                if child == 0:
                    status = 1
                    try:
                        asyncio._set_running_loop(None)
                        taken = asyncio.run(client.lock(name + "-2").acquire(wait=5))
                        gc.collect()
                        status = 0 if taken else 2
                    finally:
                        os._exit(status)
                assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
            async with client.lock(name, wait=5):
                pass

    asyncio.run(asyncio.wait_for(body(), 20))
