"""The blocking client: what a lock reports, how it ends, and what is refused."""

import copy
import datetime
import functools
import math
import pickle
import threading
import time

import pytest
from conftest import until

import redilock


def test_with_holds_and_releases(client, name):
    with client.lock(name, ttl=10) as lock:
        assert lock.held and not lock.lost
        assert 9 < lock.remaining <= 10
        assert client.info(name).state == "held"
    assert not lock.held and not lock.lost and lock.remaining == 0
    assert client.info(name).state == "free"


def test_fences_rise(client, name):
    fences = []
    for _ in range(3):
        with client.lock(name) as lock:
            fences.append(lock.fence)
    assert fences == sorted(set(fences)) and fences[0] > 10**15


@pytest.mark.parametrize("bytes_of", [b"a\0b", b"\xff\xfe", "naïve:ü", b"{x}\n"])
def test_names_of_any_bytes_are_told_apart(server, client, bytes_of):
    with client.lock(bytes_of) as lock:
        assert lock.name == bytes_of
        with client.lock(b"a"):
            pass
        assert not client.lock(bytes_of).acquire(wait=0)
        wanted = bytes_of if isinstance(bytes_of, bytes) else bytes_of.encode()
        assert wanted in list(client.names())


def test_acquire_of_held_lock_says_false(client, name):
    with client.lock(name):
        assert client.lock(name).acquire(wait=0) is False
        begun = time.monotonic()
        assert client.lock(name).acquire(wait=0.2) is False
        assert 0.2 <= time.monotonic() - begun < 0.4


def test_with_of_held_lock_raises(client, name):
    with client.lock(name):
        with pytest.raises(redilock.HeldError):
            client.lock(name, wait=0).__enter__()
        with pytest.raises(TimeoutError):
            client.lock(name, wait=0.05).__enter__()


def test_wait_of_the_client_counts(server, name):
    with redilock.Client(server.url, wait=0) as client, client.lock(name):
        with pytest.raises(redilock.HeldError):
            client.lock(name).__enter__()
    with redilock.Client(server.url, wait=0.1) as client, client.lock(name):
        with pytest.raises(redilock.WaitTimeoutError):
            client.lock(name).__enter__()
        assert not client.lock(name).acquire()


def test_waiters_are_granted_in_their_order(client, name):
    order, threads = [], []

    def wait(number):
        with client.lock(name):
            order.append(number)

    with client.lock(name):
        for number in range(5):
            threads.append(threading.Thread(target=wait, args=[number]))
            threads[-1].start()
            until(lambda: client.info(name).waiters == number + 1)
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]


def test_token_releases_and_extends_from_elsewhere(server, client, name):
    lock = client.lock(name, ttl=5)
    assert lock.acquire()
    with redilock.Client(server.url) as other:
        other.extend(name, lock.token, 60)
        assert 59 < other.info(name).remaining <= 60
        with pytest.raises(redilock.NotOwnerError):
            other.release(name, lock.token[:-1] + "#")
        other.release(name, lock.token)
    with pytest.raises(redilock.LostError):
        lock.release()


def test_release_twice_is_not_owner(client, name):
    lock = client.lock(name)
    lock.acquire()
    lock.release()
    with pytest.raises(redilock.NotOwnerError):
        lock.release()


def test_extend_and_renew_outlast_the_ttl(client, name):
    with client.lock(name, ttl=0.3) as lock:
        lock.extend(10)
        assert 9 < lock.remaining <= 10
    with client.lock(name, ttl=0.3, renew=True) as lock:
        until(lambda: lock.remaining < 0.2)
        until(lambda: lock.remaining > 0.25)
        lock.extend()
        time.sleep(0.4)  # longer than the lease: that it is renewed is what is tested
        assert lock.held


def test_leaving_after_loss_raises(server, client, name):
    with pytest.raises(redilock.LostError):
        with client.lock(name, ttl=10) as lock:
            server.cli("DEL", name)
    with client.lock(name, ttl=0.05, raise_lost=False) as lock:
        until(lambda: not lock.held)
        assert lock.lost and lock.remaining == 0
    with pytest.raises(ZeroDivisionError):  # and not LostError, which says less
        with client.lock(name):
            server.cli("DEL", name)
            raise ZeroDivisionError


def test_decorator_holds_while_the_function_runs(client, name):
    @client.lock(name, ttl=10)
    def job(depth):
        """What it does."""
        assert client.info(name).state == "held"
        return depth

    assert job(3) == job(depth=3) == 3
    assert job.__doc__ == "What it does."
    assert client.info(name).state == "free"


def test_decorator_refuses_what_runs_after_its_call(client, name):
    async def coroutine():
        pass

    def generator():
        yield

    async def both():
        yield

    class Callable:
        async def __call__(self):
            pass

    functions = (coroutine, generator, both, functools.partial(coroutine), Callable())
    for function in functions:
        with pytest.raises(TypeError, match="plain functions.*aio"):
            client.lock(name)(function)
    for function in functions:
        with pytest.raises(TypeError, match="would run without the lock"):
            client.lock(name)(lambda made=function: made())()
        assert client.info(name).state == "free"


def test_lock_object_can_be_used_again_and_is_one_holder(client, name):
    lock = client.lock(name)
    with pytest.raises(RuntimeError):
        lock.release()
    with pytest.raises(RuntimeError):
        lock.fence
    for _ in range(2):
        with lock:
            with pytest.raises(RuntimeError):
                lock.acquire(wait=0)


def test_lock_object_that_is_being_acquired_refuses_a_second_acquire(client, name):
    holder, lock = client.lock(name), client.lock(name, wait=20)
    with holder:
        waiter = threading.Thread(target=lock.acquire)
        waiter.start()
        until(lambda: client.info(name).waiters == 1)
        for call in (lambda: lock.acquire(wait=0), lock.__enter__):
            with pytest.raises(RuntimeError, match=f"{name}.*being acquired"):
                call()
        with pytest.raises(TypeError, match=name):
            copy.copy(lock)
    waiter.join()
    assert lock.held
    lock.release()
    assert lock.acquire(wait=0)  # once the other has ended
    lock.release()


def test_with_releases_no_grant_of_another_caller(server, client, name):
    """The lock is lost inside, and another thread wants it by the same object."""
    refused = []

    def acquire(lock):
        for call in (lambda: lock.acquire(wait=0), lock.__enter__):
            with pytest.raises(RuntimeError, match=name) as caught:
                call()
            refused.append(caught.value)

    with client.lock(name, ttl=0.05, raise_lost=False) as lock:
        until(lambda: lock.lost)
        other = threading.Thread(target=acquire, args=[lock])
        other.start()
        other.join()
        with pytest.raises(RuntimeError):
            lock.__enter__()
        assert lock.acquire(wait=5)  # by the caller itself, whose with releases it
    assert len(refused) == 2 and client.info(name).state == "free"
    with lock:
        assert lock.held


def test_copy_of_a_lock_is_another_holder_and_of_a_held_one_refused(client, name):
    lock = client.lock(name, ttl=5, wait=0)
    copies = [copy.copy(lock), copy.deepcopy(lock), pickle.loads(pickle.dumps(lock))]
    with lock:
        for copied in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match=name):
                copied(lock)
        for each in copies:
            assert each.name == name and not each.held and not each.acquire()
    for each in (*copies, copy.copy(lock)):
        with each:
            assert 4 < each.remaining <= 5


def test_info_of_holder_and_waiters(client, name):
    with client.lock(name, label="first"):
        waiter = threading.Thread(target=client.lock(name, label="second", wait=5).acquire)
        waiter.start()
        until(lambda: client.info(name).waiters == 1)
        info = client.info(name)
        assert (info.state, info.label, info.waiter_labels) == ("held", "first", ("second",))
    waiter.join()


def test_foreign_holder_is_told(server, client, name):
    server.cli("SET", name, "somebody")
    assert client.info(name).state == "foreign" and client.info(name).remaining is None
    assert not client.lock(name).acquire(wait=0)
    client.break_lock(name)
    with pytest.raises(redilock.NotOwnerError):
        client.break_lock(name)


@pytest.mark.parametrize(
    "options, argument",
    [
        ({"ttl": 0}, "ttl"),
        ({"ttl": -1}, "ttl"),
        ({"ttl": 0.0001}, "ttl"),
        ({"ttl": datetime.timedelta(microseconds=1)}, "ttl"),
        ({"ttl": math.inf}, "ttl"),
        ({"ttl": 366 * 86400}, "ttl"),
        ({"wait": -1}, "wait"),
        ({"wait": math.nan}, "wait"),
        ({"wait": -0.0001}, "wait"),
        ({"max_hold": 0}, "max_hold"),
        ({"label": "a\nb"}, "label"),
    ],
)
def test_options_of_a_lock_out_of_range(client, name, options, argument):
    with pytest.raises(ValueError, match=argument):
        client.lock(name, **options).acquire()


@pytest.mark.parametrize("wrong", ["", b"", "x" * 1025, "redilock:x"])
def test_names_that_are_refused(client, wrong):
    with pytest.raises(ValueError, match="name"):
        client.lock(wrong).acquire()


def test_wrong_types(client, name):
    for options in ({"ttl": "5"}, {"ttl": True}, {"wait": "5s"}):
        with pytest.raises(TypeError):
            client.lock(name, **options)
    with pytest.raises(TypeError):
        client.lock(5).acquire()


def test_durations_may_be_timedeltas(client, name):
    with client.lock(name, ttl=datetime.timedelta(minutes=1)) as lock:
        assert 58 < lock.remaining <= 60
    with pytest.raises(TypeError):
        redilock.Client(timeout=datetime.date.today())


def test_wrong_urls_and_options_name_the_part_but_no_password():
    for url, options, part in [
        ("redis://:secret@host:99999", {}, "port"),
        ("http://:secret@host", {}, "url"),
        (None, {"bogus": "secret"}, "bogus"),
        (None, {"timeout": 0}, "timeout"),
    ]:
        with pytest.raises(ValueError, match=part) as caught:
            redilock.Client(url, **options)
        assert "secret" not in str(caught.value)
    with pytest.raises(redilock.UnsupportedError):
        redilock.Client("rediss://host")


def test_unreachable_server_is_a_connection_error(tmp_path):
    with redilock.Client(f"unix://{tmp_path}/none.sock", timeout=0.2) as client:
        with pytest.raises(ConnectionError):
            client.lock("x").acquire()


def test_errors_carry_the_words_of_the_server(server, client, name):
    server.cli("CONFIG", "SET", "maxmemory", "1")
    try:
        with pytest.raises(redilock.ServerError, match="OOM|maxmemory"):
            client.lock(name).acquire()
    finally:
        server.cli("CONFIG", "SET", "maxmemory", "0")


def test_close_ends_waits(client, name):
    holder = client.lock(name)
    holder.acquire()
    caught = []

    def wait():
        try:
            client.lock(name).acquire()
        except redilock.ClosedError as error:
            caught.append(error)

    waiter = threading.Thread(target=wait)
    waiter.start()
    until(lambda: client.info(name).waiters == 1)
    client.close()
    waiter.join(2)
    assert caught
    with pytest.raises(redilock.ClosedError):
        client.lock(name).acquire()


@pytest.mark.parametrize(
    "options, kind, argument",
    [
        ({"password": 5}, TypeError, "password: str or bytes, not int"),
        ({"prefix": 1.5}, TypeError, "prefix"),
        ({"label": True}, TypeError, "label"),
        ({"db": True}, TypeError, "db: an int, not bool"),
        ({"db": 1.0}, TypeError, "db"),
        ({"pool": b"8"}, TypeError, "pool"),
        ({"renew": 1.0}, TypeError, "renew"),
        ({"timeout": b"5s"}, TypeError, "timeout"),
        ({"timeout": 1e306}, ValueError, "timeout"),
        ({"prefix": "a\0b"}, ValueError, "prefix"),
        ({"password": b"a\0b"}, ValueError, "password"),
        ({"bogus\0": "x"}, ValueError, "bogus"),
        ({"name": "x"}, ValueError, "name"),
        ({"interruptible_": True}, ValueError, "interruptible_"),
        ({"interruptible": True}, ValueError, "interruptible"),
    ],
)
def test_options_of_a_client_that_are_wrong(options, kind, argument):
    with pytest.raises(kind, match=argument):
        redilock.Client(**options)


@pytest.mark.parametrize("prefix", ["app:", b"app:", b"\xff:"])
def test_options_of_a_client_as_they_were_given(server, client, name, prefix):
    options = {"password": None, "username": None, "timeout": None, "db": 0, "renew": False}
    with redilock.Client(server.url, prefix=prefix, **options) as other:
        with other.lock(name):
            whole = (prefix if isinstance(prefix, bytes) else prefix.encode()) + name.encode()
            assert client.info(whole).state == "held"


def test_password_file_may_be_a_path(server, tmp_path, name):
    (tmp_path / "password").write_text("secret\n")
    server.cli("CONFIG", "SET", "requirepass", "secret")
    try:
        for given in ({"password": "secret"}, {"password": b"secret"},
                      {"password_file": tmp_path / "password"}):  # fmt: skip
            with redilock.Client(server.url, **given) as client:
                with client.lock(name, wait=5):
                    pass
        with redilock.Client(server.url, password=None) as client:
            with pytest.raises(redilock.AuthError):
                client.info(name)
    finally:
        server.cli("-a", "secret", "CONFIG", "SET", "requirepass", "")


def test_text_for_the_c_library_has_no_nul():
    options = redilock._core.options_new()
    for name, value in [("prefix", "a\0b"), ("prefix", b"a\0b"), ("prefix\0", "a")]:
        with pytest.raises(ValueError, match="NUL"):
            redilock._core.options_set(options, name, value)


def test_options_are_told():
    reported = redilock.options()
    assert "timeout" in reported and reported["ttl"]
    assert not {"name", "token", "interruptible"} & set(reported)
    redilock.Client(**dict.fromkeys(reported))
    assert redilock.library_version().startswith("0.")
