"""Clients of asyncio on several event loops and threads, in forks, and what they leave behind."""

import asyncio
import concurrent.futures
import contextlib
import gc
import os
import select
import sys
import threading
import time

import pytest
from conftest import until as wait_until
from loops import waiters

import redilock
from redilock import aio


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
        asyncio.get_running_loop().set_debug(True)  # which reports calls by other threads
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
