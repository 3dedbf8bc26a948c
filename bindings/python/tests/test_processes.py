"""Threads, forks and pre-forked workers on one client."""

import asyncio
import copy
import functools
import multiprocessing
import os
import pickle
import threading

import pytest

import redilock
import redilock.aio
import redilock.async_redilock
import redilock.sync_redilock


def test_threads_share_a_client(client, name):
    count = [0]

    def work():
        for _ in range(50):
            with client.lock(name, ttl=10):
                seen = count[0]
                client.info(name)  # others run here
                count[0] = seen + 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count == [400]


def in_child(function):
    """What a function raises or returns in a forked child."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            said = repr(function())
        except BaseException as error:
            said = type(error).__name__
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


def test_client_works_in_a_forked_child(client, name):
    with client.lock(name) as lock:
        assert in_child(lambda: client.lock(name).acquire(wait=0)) == "False"
        assert in_child(lambda: client.lock(name + "-2").acquire(wait=5)) == "True"
        assert lock.held
    assert client.info(name).state == "free"


def test_lock_stays_with_the_parent(client, name):
    with client.lock(name, renew=True) as lock:
        assert in_child(lock.release) == "ForkedError"
        assert in_child(lambda: lock.held) == "False"
        assert in_child(lambda: client.release(name, lock.token)) == "None"  # the token is for all
        assert client.info(name).state == "free"
        assert client.lock(name + "x").acquire()
        with client.lock(name, wait=0):
            pass
        client.lock(name).acquire()
        lock._raise_lost = False


def test_fork_while_another_thread_waits(client, name):
    with client.lock(name):
        waiter = threading.Thread(target=client.lock(name).acquire)
        waiter.start()
        while client.info(name).waiters != 1:
            pass
        assert in_child(lambda: client.lock(name + "-2").acquire(wait=5)) == "True"
        assert client.info(name).waiters == 1
    waiter.join(5)
    assert not waiter.is_alive()


_client = None


def _worker(name, path):
    for _ in range(50):
        with _client.lock(name, ttl=10):
            with open(path) as file:
                count = int(file.read())
            with open(path, "w") as file:
                file.write(str(count + 1))


@pytest.mark.parametrize("method", ["fork"])
def test_preforked_workers(server, name, tmp_path, method):
    """As gunicorn --preload does: the client is made, and used, before the workers are forked."""
    global _client
    _client = redilock.Client(server.url)
    path = tmp_path / "count"
    path.write_text("0")
    with _client.lock(name):
        pass
    context = multiprocessing.get_context(method)
    workers = [context.Process(target=_worker, args=(name, path)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert path.read_text() == "200"


KINDS = [
    redilock.Client,
    redilock.aio.Client,
    redilock.sync_redilock.DistributedLock,
    redilock.async_redilock.DistributedLock,
]


def lock_by(locks, name):
    """Whether it can be had by this client or DistributedLock of any kind. It is left held."""
    if isinstance(locks, redilock.Client):
        lock = locks.lock(name, ttl=60)
        return lock.acquire(wait=0) and bool(lock.detach())
    if isinstance(locks, redilock.aio.Client):
        lock = locks.lock(name, ttl=60)
        return asyncio.run(lock.acquire(wait=0)) and bool(lock.detach())
    if isinstance(locks, redilock.sync_redilock.DistributedLock):
        return bool(locks.lock(name, block=False))
    return bool(asyncio.run(locks.lock(name, block=False)))


def made(kind, server):
    if hasattr(kind, "unlock"):
        return kind("127.0.0.1", server.port, ttl=60, interval=0.5, raise_lost=True)
    return kind(f"redis://127.0.0.1:{server.port}", prefix="app:", timeout=2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda locks: pickle.loads(pickle.dumps(locks))]
)
def test_copies_lock_by_connections_of_their_own(server, client, name, kind, copied):
    first = made(kind, server)
    first.of_a_subclass = "kept"
    assert lock_by(first, name)
    second = copied(first)
    assert not lock_by(second, name)
    assert lock_by(second, name + "-2")
    prefix = "" if hasattr(kind, "unlock") else "app:"
    assert client.info(f"{prefix}{name}-2").state == "held"
    assert second.of_a_subclass == "kept"
    if prefix:
        assert second._settings._given == first._settings._given
    else:
        assert (second._interval, second._raise_lost) == (0.5, True)


def test_copy_of_a_closed_client_is_closed(server):
    first = redilock.Client(server.url)
    first.close()
    with pytest.raises(redilock.ClosedError):
        copy.copy(first).info("x")


@pytest.mark.parametrize("kind", KINDS)
def test_clients_go_to_processes_that_are_not_forked(server, client, name, kind):
    locks = made(kind, server)
    assert lock_by(locks, name)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(functools.partial(lock_by, locks), [name, name + "-2"]) == [False, True]
