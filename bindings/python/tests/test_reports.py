"""What a program learns: from errors, reprs and the logger, and of a loss without asking."""

import asyncio
import concurrent.futures
import gc
import pickle
import subprocess
import threading
import time
import warnings

import pytest
from conftest import Server, until
from test_aio import on_a_loop
from test_aio import until as until_on_loop

import redilock
import redilock.sync_redilock
from redilock import aio

# A renewal, each third of it, finds a loss.
RENEWED = {"ttl": 0.3, "renew": True}


def dropped_warning(name):
    return pytest.warns(ResourceWarning, match=f"{name}.*dropped")


@pytest.mark.parametrize("wait, kind", [(0, redilock.HeldError), (0.02, redilock.WaitTimeoutError)])
def test_refusals_carry_the_holder_and_what_remains(client, name, wait, kind):
    with client.lock(name, ttl=100, label="web 1/7"):
        with pytest.raises(kind) as caught:
            client.lock(name, wait=wait).__enter__()
    error = caught.value
    assert (error.lock_name, error.holder) == (name, "web 1/7")
    assert 90 <= error.remaining <= 100
    assert "held by web 1/7" in error.reason and name not in error.reason
    again = pickle.loads(pickle.dumps(error))
    assert (again.lock_name, again.holder, again.reason) == (name, "web 1/7", error.reason)


@pytest.mark.parametrize("expires, remaining", [(["PX", "90000"], True), ([], False)])
def test_refusals_by_foreign_holders_name_nobody(server, client, name, expires, remaining):
    server.cli("SET", name, "x", *expires)
    with pytest.raises(redilock.HeldError) as caught:
        client.lock(name, wait=0).__enter__()
    assert caught.value.holder is None
    assert (caught.value.remaining is not None) == remaining


@pytest.mark.parametrize(
    "text, seconds",
    [("12.3s", 12.3), ("40ms", 0.04), ("1m39s", 99), ("2h", 7200), ("3d4h", 273600)],
)
def test_remaining_is_read_in_every_unit(text, seconds):
    error = redilock.HeldError(f'lock "x": held by a/1 for another {text}')
    assert error.remaining == pytest.approx(seconds) and error.holder == "a/1"


def test_losses_carry_the_reason(server, client, name):
    lock = client.lock(name, ttl=0.03)
    lock.acquire()
    until(lambda: lock.lost and not client.locked(name))
    for call in (lock.raise_if_lost, lock.extend, lock.release):
        with pytest.raises(redilock.LostError) as caught:
            call()
        assert caught.value.lock_name == name
        assert "its lease of 30ms has ended" in caught.value.reason


def test_calls_by_name_carry_it(client, name):
    token = "redilock:" + "0" * 32 + ":x"
    for call in (
        lambda: client.release(name, token),
        lambda: client.extend(name, token, 5),
        lambda: client.attach(name=name, token=token),
        lambda: client.break_lock(name),
    ):
        with pytest.raises(redilock.NotOwnerError) as caught:
            call()
        assert caught.value.lock_name == name and caught.value.reason


def test_stand_ins_errors_carry_the_name():
    mylock = redilock.sync_redilock.DistributedLock("127.0.0.1", 1, ttl=5)
    mylock._new_client = lambda url, interval: redilock.Client(url, timeout=0.05)
    mylock._make_clients()
    with pytest.raises(redilock.UnavailableError) as caught:
        mylock.lock("job", block=False)
    assert caught.value.lock_name == b"job"


@pytest.mark.parametrize("kind", [redilock.Client, aio.Client])
def test_repr_of_clients_names_the_server_and_no_secret(kind, monkeypatch):
    monkeypatch.setenv("REDILOCK_URL", "redis://joe:secret@host:7000/3?password=secret")
    for given, reported in [
        (None, "redis://host:7000/3"),
        ("redis://:secret@[::1]:7000", "redis://[::1]:7000"),
        ("unix:///run/redis.sock?db=3", "unix:///run/redis.sock"),
    ]:
        text = repr(kind(given, password="secret"))
        assert reported in text and kind.__module__ in text and "secret" not in text
    monkeypatch.delenv("REDILOCK_URL")
    assert "redis://127.0.0.1:6379/0" in repr(kind())


def test_repr_of_locks_shows_their_state(server, client, name):
    lock = client.lock(name, ttl=100)
    assert f"{name!r}, not held" in repr(lock) and server.socket in repr(lock)
    lock.acquire()
    assert "held for 9" in repr(lock) and f"fence {lock.fence}" in repr(lock)
    assert lock.token not in repr(lock)
    server.cli("DEL", name)
    with pytest.raises(redilock.LostError):
        lock.release()
    assert "lost" in repr(lock)
    client.close()
    assert "closed" in repr(client)


def test_logger_has_grants_and_what_a_with_does_not_raise(server, client, name, caplog):
    caplog.set_level("DEBUG", "redilock")
    with pytest.raises(ZeroDivisionError):
        with client.lock(name):
            server.cli("DEL", name)
            1 / 0
    assert [(each.name, each.levelname) for each in caplog.records] == [
        ("redilock", "DEBUG"), ("redilock", "WARNING"),
    ]  # fmt: skip
    assert "granted" in caplog.messages[0] and "lost" in caplog.messages[1]


def test_held_lock_that_is_dropped_warns_and_is_released(client, name, caplog):
    lock = client.lock(name, ttl=100)
    lock.acquire()
    with dropped_warning(name):
        lock = None
        gc.collect()
    until(lambda: not client.locked(name))
    assert name in caplog.messages[0]


def test_dropped_lock_that_is_watched_is_released_without_a_callback(client, name):
    reported = []
    lock = client.lock(name, ttl=100)
    lock.on_lost(reported.append, 1)
    lock.acquire()
    with dropped_warning(name):
        lock = None
        gc.collect()
    until(lambda: not client.locked(name))
    assert not reported


def test_locks_that_are_not_held_are_dropped_in_silence(server, client, name):
    def drop(end):
        lock = client.lock(name, ttl=100, wait=5)
        end(lock)
        lock = None
        gc.collect()

    def lose(lock):
        lock.acquire()
        server.cli("DEL", name)
        with pytest.raises(redilock.LostError):
            lock.extend()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drop(lambda lock: None)
        drop(lambda lock: lock.acquire() and lock.release())
        drop(lose)
        drop(lambda lock: lock.acquire() and lock.detach())
    assert client.locked(name)  # by what was detached


def test_held_lock_of_a_program_that_ends_gives_no_warning(program, client, name):
    process = program("""
import sys, redilock
lock = redilock.Client(sys.argv[1]).lock(sys.argv[3], ttl=100)
lock.acquire()
lock.on_lost(print)
""", name, stderr=subprocess.PIPE)
    assert process.wait(20) == 0
    assert process.stderr.read() == process.stdout.read() == ""
    process.stderr.close()


@on_a_loop
async def test_held_lock_of_asyncio_that_is_dropped_warns_and_is_released(server, client, name):
    lock = client.lock(name, ttl=100)
    await lock.acquire()
    with dropped_warning(name):
        lock = None
        gc.collect()

    async def is_free():
        return not await client.locked(name)

    await until_on_loop(is_free)


def test_loss_calls_back_in_a_program_that_blocks(server, client, name, caplog):
    reported, lost = [], threading.Event()
    with client.lock(name, raise_lost=False, **RENEWED) as lock:
        lock.raise_if_lost()
        lock.on_lost(lambda: 1 / 0)  # is logged, and keeps no other from being called
        lock.on_lost(reported.append, lock)
        lock.on_lost(lost.set)
        server.cli("SET", name, "x")
        assert lost.wait(10)
        assert reported == [lock] and lock.lost
        with pytest.raises(redilock.LostError, match="taken away"):
            lock.raise_if_lost()
        lock.on_lost(reported.append, "at once")
        assert reported == [lock, "at once"]
    assert [each.levelname for each in caplog.records] == ["WARNING", "ERROR", "WARNING"]
    server.cli("DEL", name)


def test_each_lost_grant_calls_back_and_no_release(server, client, name):
    reported = []
    lock = client.lock(name, wait=5, **RENEWED)
    lock.on_lost(lambda: reported.append(lock.fence))
    for _ in range(2):
        lock.acquire()
        lock.release()
    fences = []
    for number in range(2):
        lock.acquire()
        fences.append(lock.fence)
        client.break_lock(name)
        until(lambda: len(reported) == number + 1)
    assert reported == fences


def test_close_of_the_client_does_not_call_back(server, name):
    reported = []
    before = threading.active_count()
    client = redilock.Client(server.url)
    lock = client.lock(name, ttl=100)
    lock.on_lost(reported.append, 1)
    lock.acquire()
    lock.release()
    client.close()
    assert not reported and threading.active_count() == before


@on_a_loop
async def test_loss_calls_back_on_the_loop(server, client, name):
    reported, lost = [], asyncio.Event()
    lock = client.lock(name, wait=5, **RENEWED)
    lock.on_lost(lambda: reported.append(asyncio.get_running_loop()))
    await lock.acquire()
    lock.on_lost(lost.set)
    await client.break_lock(name)
    await asyncio.wait_for(lost.wait(), 10)
    assert reported == [asyncio.get_running_loop()]
    with pytest.raises(redilock.LostError) as caught:
        lock.raise_if_lost()
    assert caught.value.lock_name == name
    assert await lock.acquire()
    lock.raise_if_lost()
    await lock.release()
    assert len(reported) == 1


def test_attached_lock_is_renewed_and_released_elsewhere(server, client, name):
    lock = client.lock(name, ttl=100, renew=True)
    lock.acquire()
    token = lock.detach()
    assert not lock.held and client.locked(name)
    with redilock.Client(server.url) as other:
        with other.attach(name, token, **RENEWED) as attached:
            assert attached.held and attached.token == token and attached.fence == 0
            with pytest.raises(RuntimeError):
                attached.acquire()
        assert not client.locked(name)
        with pytest.raises(redilock.NotOwnerError):
            other.attach(name, token)
        with attached:  # acquired as any other
            assert attached.fence
    with lock:
        assert lock.fence


def test_detach_inside_a_with_leaves_the_lock_held(client, name):
    with client.lock(name, ttl=100) as lock:
        token = lock.detach()
    client.release(name, token)
    lock.on_lost(print)
    with lock:
        with pytest.raises(RuntimeError, match="on_lost"):
            lock.detach()


@on_a_loop
async def test_attached_lock_of_asyncio_reports_its_loss(server, client, name):
    async with client.lock(name, ttl=100) as lock:
        token = lock.detach()
    async with await client.attach(name, token, raise_lost=False, **RENEWED) as attached:
        assert attached.held and attached.token == token
        await client.break_lock(name)
        await asyncio.wait_for(attached.lost_event.wait(), 10)
    with pytest.raises(redilock.NotOwnerError) as caught:
        await client.attach(name, token)
    assert caught.value.lock_name == name


def test_locked_by_anybody(server, client, name):
    assert client.locked(name) is False
    with client.lock(name):
        assert client.locked(name) is True
    server.cli("RPUSH", name, "x")
    assert client.locked(name) is True
    assert asyncio.run(aio.Client(server.url).locked(name)) is True


def test_info_has_how_long_each_waits(client, name):
    with client.lock(name):
        waiter = threading.Thread(target=client.lock(name, label="second", wait=0.2).acquire)
        waiter.start()
        until(lambda: client.info(name).waiters == 1)
        queue = client.info(name).queue
        assert [each.label for each in queue] == ["second"]
        assert 0 <= queue[0].waited < 60 and queue[0].polls is False
        until(lambda: client.info(name).waiters == 0 or client.info(name).queue[0].waited > 0.01)
        waiter.join()


async def _awaited_check(client):
    async with client:
        return await client.check()


CHECKS = (
    lambda url: redilock.Client(url, timeout=2).check(),
    lambda url: asyncio.run(_awaited_check(aio.Client(url, timeout=2))),
)


@pytest.mark.parametrize("check", CHECKS)
def test_check_names_the_server(server, tmp_path, check):
    assert check(server.url).startswith(f"{server.socket}: ") and "edis" in check(server.url)
    with pytest.raises(redilock.UnavailableError, match="none.sock"):
        check(f"unix://{tmp_path}/none.sock")


@pytest.mark.parametrize("check", CHECKS)
def test_check_names_the_permission_that_is_missing(server, check):
    rules = ("on", ">pw", "~*", "+@all", "-publish")
    # Redis 6.0 has no rules for channels, Redis 5.0 no users.
    if server.cli("ACL", "SETUSER", "poor", "&*", *rules) != "OK":
        if server.cli("ACL", "SETUSER", "poor", *rules) != "OK":
            pytest.skip("this server has no users")
    with pytest.raises(redilock.AuthError, match=r"\+publish"):
        check(f"redis://poor:pw@127.0.0.1:{server.port}")


def test_program_may_start_before_its_server():
    async def awaited(client):
        async with client, client.lock("job", wait=60) as lock:
            return lock.held

    def plain(client):
        with client, client.lock("job", wait=60) as lock:
            return lock.held

    options = {"timeout": 0.2, "connect_wait": 60}
    server = Server()
    try:
        server.kill()
        with concurrent.futures.ThreadPoolExecutor() as threads:
            results = [
                threads.submit(plain, redilock.Client(server.url, **options)),
                threads.submit(asyncio.run, awaited(aio.Client(server.url, **options))),
            ]
            time.sleep(0.4)  # longer than the timeout, which is the subject
            server.start()
            assert [each.result() for each in results] == [True, True]
    finally:
        server.end()
