"""Threads, forks and pre-forked workers on one client."""

import multiprocessing
import os
import threading

import pytest

import redilock


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
