"""The stand-ins for python-redilock 0.5.0: its programs run unchanged, and what it got wrong is
right.

Where its own code can be found, by REDILOCK_ORIGINAL (the folder that has its `redilock` in it), it
also locks against ours. A bare SET NX PX, which is what it sends, does so in any case.
"""

import asyncio
import contextlib
import inspect
import math
import os
import pathlib
import pickle
import re
import socket
import subprocess
import sys
import threading
import time
import types

import pytest
from conftest import until

import redilock
import redilock.async_redilock
import redilock.sync_redilock


class Awaited:
    """An async DistributedLock behind the sync one's interface, on a loop of its own."""

    loop = None

    def __init__(self, *arguments, **more):
        if Awaited.loop is None:
            Awaited.loop = asyncio.new_event_loop()
            threading.Thread(target=Awaited.loop.run_forever, daemon=True).start()
        self.real = redilock.async_redilock.DistributedLock(*arguments, **more)

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def lock(self, *arguments, **more):
        return self.run(self.real.lock(*arguments, **more))

    def unlock(self, token):
        return self.run(self.real.unlock(token))

    def __call__(self, *arguments, **more):
        manager = self.real(*arguments, **more)
        outer = self

        class Manager:
            def __enter__(self):
                return outer.run(manager.__aenter__())

            def __exit__(self, *error):
                return outer.run(manager.__aexit__(*error))

        return Manager()


@pytest.fixture(params=[redilock.sync_redilock.DistributedLock, Awaited], ids=["sync", "async"])
def stand_in(request):
    return request.param


@pytest.fixture
def make(stand_in, server):
    return lambda **options: stand_in("127.0.0.1", server.port, **options)


def test_signatures_are_those_of_0_5_0():
    for module in (redilock.sync_redilock, redilock.async_redilock):
        constructor = inspect.signature(module.DistributedLock)
        assert list(constructor.parameters)[:5] == [
            "redis_host", "redis_port", "redis_db", "ttl", "interval"
        ]  # fmt: skip
        assert constructor.parameters["redis_host"].default == "localhost"
        assert constructor.parameters["redis_port"].default == 6379
        assert constructor.parameters["interval"].default == 0.25
        lock = inspect.signature(module.DistributedLock.lock).parameters
        assert list(lock) == ["self", "lock_name", "ttl", "block", "interval"]
        assert lock["block"].default is True
        module.DistributedLock()  # asks no server


def test_lock_gives_a_string_that_unlocks(make, client, name):
    mylock = make(ttl=10)
    token = mylock.lock(name)
    assert isinstance(token, str) and token.isprintable() and " " not in token
    assert client.info(name).state == "held"
    assert mylock.lock(name, block=False) is False
    assert mylock.unlock(token) is True
    assert mylock.unlock(token) is False
    assert client.info(name).state == "free"


def test_token_unlocks_in_another_process(make, server, client, program, name):
    token = make().lock(name, 10)
    process = program("""
import sys, redilock.sync_redilock as redilock
print(redilock.DistributedLock("127.0.0.1", int(sys.argv[2])).unlock(sys.argv[3]))
""", token)
    assert process.stdout.readline() == "True\n"
    assert client.info(name).state == "free"


def test_with_gives_itself_and_releases(make, client, name):
    mylock = make(ttl=10)
    with mylock(name, ttl=5) as inside:
        assert inside is getattr(mylock, "real", mylock)
        assert 0 < client.info(name).remaining <= 5
    assert client.info(name).state == "free"
    with pytest.raises(ZeroDivisionError):
        with mylock(name):
            1 / 0
    assert client.info(name).state == "free"


def test_as_a_decorator(server, client, name):
    """contextlib gave python-redilock that, unasked."""

    @redilock.sync_redilock.DistributedLock("127.0.0.1", server.port, ttl=10)(name)
    def job():
        return client.info(name).state

    assert [job(), job()] == ["held", "held"]


@pytest.mark.parametrize("wrong", [False, None, 5, "", "x", "_LOCK:a:b", "_LOCK:a:b:c", b"x", "::"])
def test_unlock_of_what_is_no_token_is_false(make, wrong):
    assert make().unlock(wrong) is False


@pytest.mark.parametrize(
    "odd", ["a:b:c", "ü", "%41", "x y\n", b"\xff\0:", "_LOCK:x:y", "{t}", 7, 1.5]
)
def test_names_that_python_redilock_could_not_unlock(make, client, odd):
    mylock = make(ttl=10)
    token = mylock.lock(odd, block=1)
    key = odd if isinstance(odd, (str, bytes)) else str(odd)
    assert client.info(key).state == "held"
    assert token.isprintable()
    assert mylock.unlock(token) is True
    assert client.info(key).state == "free"


def test_block_of_zero_tries_once(make, name):
    mylock = make(ttl=10)
    assert mylock.lock(name, block=0)
    begun = time.monotonic()
    assert mylock.lock(name, block=0) is False
    assert mylock.lock(name, block=0.0) is False
    assert time.monotonic() - begun < 0.1


@pytest.mark.parametrize("foreign", [False, True])
def test_block_ends_in_time(make, server, name, foreign):
    mylock = make(ttl=10, interval=2)
    if foreign:
        server.cli("SET", name, "somebody")
    else:
        mylock.lock(name)
    begun = time.monotonic()
    assert mylock.lock(name, block=0.3) is False
    assert 0.3 <= time.monotonic() - begun < 0.45


def test_interval_is_how_often_foreign_holders_are_looked_at(make, server, name):
    server.cli("SET", name, "_LOCK:x:y", "PX", "100")
    begun = time.monotonic()
    assert make(ttl=10, interval=60).lock(name, interval=0.02)
    assert 0.05 < time.monotonic() - begun < 0.3


def test_intervals_without_end_make_no_clients_without_end(make, name):
    mylock = make(ttl=10)
    for number in range(1, 40):
        mylock.unlock(mylock.lock(name, interval=number / 100))
    assert len(getattr(mylock, "real", mylock)._clients) <= 8


def test_leaving_after_a_loss_warns_as_nothing_did_in_0_5_0(make, server, name, caplog):
    with pytest.warns(RuntimeWarning, match=f"{name}.*lost") as caught:
        with make(ttl=10)(name):
            server.cli("DEL", name)
    if type(make()) is redilock.sync_redilock.DistributedLock:
        assert caught[0].filename == __file__
    assert [each.name for each in caplog.records] == ["redilock"]
    with pytest.warns(RuntimeWarning), pytest.raises(ZeroDivisionError):
        with make(ttl=10, raise_lost=True)(name):
            server.cli("DEL", name)
            1 / 0


def test_leaving_after_a_loss_raises_if_asked_to(make, server, name):
    with pytest.raises(redilock.LostError, match=name):
        with make(ttl=10, raise_lost=True)(name):
            server.cli("DEL", name)


def test_a_lock_for_with_is_one_holder(make, client, name):
    held = make(ttl=10)(name)
    for _ in range(2):
        with held:
            with pytest.raises(RuntimeError):
                held.__enter__()
            assert client.info(name).state == "held"
    assert client.info(name).state == "free"


def test_decorators_refuse_what_would_run_without_the_lock(server, client, name):
    async def coroutine():
        pass

    plain = redilock.sync_redilock.DistributedLock("127.0.0.1", server.port, ttl=10)
    with pytest.raises(TypeError, match="async_redilock"):
        plain(name)(coroutine)
    with pytest.raises(TypeError, match="coroutine"):
        plain(name)(lambda: coroutine())()
    assert client.info(name).state == "free"
    with pytest.raises(TypeError, match="async def"):
        redilock.async_redilock.DistributedLock(ttl=10)(name)(lambda: None)


@pytest.mark.parametrize("kind", [ValueError, AssertionError])
@pytest.mark.parametrize(
    "options, argument",
    [
        ({}, "ttl"),
        ({"ttl": 0}, "ttl"),
        ({"ttl": -1}, "ttl"),
        ({"ttl": 0.0001}, "ttl"),
        ({"ttl": 0.002}, "ttl"),
        ({"ttl": "5"}, "ttl"),
        ({"ttl": math.nan}, "ttl"),
        ({"ttl": math.inf}, "ttl"),
        ({"ttl": 400 * 86400}, "ttl"),
        ({"ttl": 1e306}, "ttl"),
        ({"ttl": 10**400}, "ttl"),
        ({"ttl": 5, "interval": 0}, "interval"),
        ({"ttl": 5, "interval": -0.1}, "interval"),
        ({"ttl": 5, "interval": "1"}, "interval"),
        ({"ttl": 5, "interval": math.inf}, "interval"),
        ({"ttl": 5, "block": -1}, "block"),
        ({"ttl": 5, "block": math.nan}, "block"),
        ({"ttl": 5, "block": None}, "block"),
        ({"ttl": 5, "block": "1"}, "block"),
    ],
)
def test_arguments_out_of_range(make, name, options, argument, kind):
    with pytest.raises(kind, match=argument):
        make().lock(name, **options)


BOTH = pytest.mark.parametrize(
    "kind", [redilock.sync_redilock.DistributedLock, redilock.async_redilock.DistributedLock]
)


@BOTH
@pytest.mark.parametrize(
    "options, argument",
    [
        ({"ttl": 0}, "ttl"),
        ({"ttl": "5"}, "ttl"),
        ({"ttl": 0.0001}, "ttl"),
        ({"interval": -1}, "interval"),
        ({"redis_host": None}, "redis_host"),
        ({"redis_host": ""}, "redis_host"),
        ({"redis_port": None}, "redis_port"),
        ({"redis_port": 0}, "redis_port"),
        ({"redis_db": "x"}, "redis_db"),
        ({"redis_db": -1}, "redis_db"),
        ({"password": 5}, "password"),
        ({"url": "http://localhost"}, "url"),
        ({"url": "redis://localhost", "redis_host": "elsewhere"}, "url"),
    ],
)
def test_arguments_out_of_range_of_the_constructor(kind, options, argument):
    for error in (ValueError, AssertionError):
        with pytest.raises(error, match=f"^{argument}: "):
            kind(**options)


@BOTH
def test_what_programs_replaced_is_refused_with_what_to_use(kind):
    class Override(kind):
        def _connect(self):
            self._redis = "another server"

    with pytest.raises(TypeError, match="_connect has no effect.*url"):
        Override(ttl=5)
    mylock = pickle.loads(pickle.dumps(kind("host", 7000, 3, ttl=5)))
    assert (mylock._redis_host, mylock._redis_port, mylock._redis_db) == ("host", 7000, 3)
    assert mylock._redis is None and mylock._ttl == 5
    for attribute, instead in [("_redis", "url"), ("_redis_db", "redis_db"), ("_ttl", "ttl")]:
        with pytest.raises(AttributeError, match=f"{attribute} has no effect.*{instead}"):
            setattr(mylock, attribute, 1)


def test_url_and_password(stand_in, make, server, name):
    url = f"redis://:secret@127.0.0.1:{server.port}"
    server.cli("CONFIG", "SET", "requirepass", "secret")
    try:
        for mylock in (make(ttl=10, password="secret"), stand_in(url=url, ttl=10)):
            assert mylock.unlock(mylock.lock(name))
    finally:
        server.cli("-a", "secret", "CONFIG", "SET", "requirepass", "")


def test_a_key_of_another_type_is_held_by_somebody(make, server, name):
    mylock = make(ttl=10, interval=0.01)
    server.cli("RPUSH", name, "x")
    assert mylock.lock(name, block=False) is False
    begun = time.monotonic()
    assert mylock.lock(name, block=0.1) is False
    assert time.monotonic() - begun >= 0.1
    taken = []
    waiter = threading.Thread(target=lambda: taken.append(mylock.lock(name, block=20)))
    waiter.start()
    server.cli("DEL", name)
    waiter.join()
    assert mylock.unlock(taken[0])


@pytest.mark.parametrize("wrong", ["", b"", "x" * 1025, "redilock:x"])
def test_names_that_are_refused(make, wrong):
    with pytest.raises(ValueError, match="lock_name"):
        make().lock(wrong, ttl=5)


BEYOND_FLOATS = pytest.param(10**400, id="10**400")


@pytest.mark.parametrize("block", [10**9, 1e306, BEYOND_FLOATS, math.inf, True])
def test_longer_waits_than_a_year_are_for_ever(make, server, client, name, block):
    mylock = make(ttl=10)
    token, taken = mylock.lock(name), []
    waiter = threading.Thread(target=lambda: taken.append(mylock.lock(name, block=block)))
    waiter.start()
    until(lambda: client.info(name).waiters == 1)
    mylock.unlock(token)
    waiter.join(5)
    assert taken and mylock.unlock(taken[0])


@pytest.mark.parametrize("interval", [7200, 1e306, BEYOND_FLOATS])
def test_longer_intervals_than_an_hour_are_an_hour(make, name, interval):
    mylock = make(ttl=10, interval=interval)
    assert mylock.unlock(mylock.lock(name))
    assert mylock.unlock(mylock.lock(name, interval=interval))


def test_base_is_there_as_in_0_5_0():
    from redilock.base import DistributedLockBase

    for module in (redilock.sync_redilock, redilock.async_redilock):
        assert issubclass(module.DistributedLock, DistributedLockBase)


@pytest.fixture
def redis_exceptions(monkeypatch):
    """As if the package redis were there, which programs of python-redilock catch errors of."""

    class RedisError(Exception):
        def __init__(self, *args, error_type="some"):
            super().__init__(*args)
            self.error_type = error_type

        def __repr__(self):
            return self.error_type

    module = types.ModuleType("redis.exceptions")
    for each in ("AuthenticationError", "ConnectionError", "InvalidResponse", "ResponseError"):
        setattr(module, each, type(each, (RedisError,), {}))
    monkeypatch.setitem(sys.modules, "redis.exceptions", module)
    return module


class Peer:
    """Something on a port of the loopback that answers each request with the same bytes."""

    def __init__(self, answer):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.answer = answer
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection = self.listener.accept()[0]
                threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def serve(self, connection):
        with connection, contextlib.suppress(OSError):
            while requests := connection.recv(65536):
                # A request begins with "*" and the number of its words; the greeting has several.
                count = len(re.findall(rb"^\*\d+\r$", requests, re.MULTILINE))
                connection.sendall(self.answer * count)


class Impatient(redilock.sync_redilock.DistributedLock):
    def _new_client(self, url, interval):
        return redilock.Client(url, interval=interval, timeout=0.2)


@pytest.mark.parametrize(
    "answer, ours, theirs",
    [
        (None, redilock.UnavailableError, "ConnectionError"),
        (b"", redilock.UnavailableError, "ConnectionError"),
        (b"!?\r\n", redilock.ProtocolError, "InvalidResponse"),
        (b"-ERR no\r\n", redilock.ServerError, "ResponseError"),
        (b"-NOAUTH no\r\n", redilock.AuthError, "AuthenticationError"),
    ],
)
def test_failures_are_also_those_of_redis(redis_exceptions, answer, ours, theirs):
    port = 1 if answer is None else Peer(answer).port
    mylock = Impatient("127.0.0.1", port, ttl=5)
    theirs = getattr(redis_exceptions, theirs)
    for _ in range(2):
        with pytest.raises(ours) as caught:
            mylock.lock("x", block=False)
        error = caught.value
        assert isinstance(error, theirs) and type(error).__name__ == ours.__name__
        assert isinstance(error, ConnectionError) == ("Connection" in theirs.__name__)
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error) and str(again) == str(error)
        assert ours.__name__ in repr(again) and again.error_type == "some"


def test_no_answer_to_a_request_is_a_connection_error(redis_exceptions, server, name):
    mylock = Impatient("127.0.0.1", server.port, ttl=5)
    token = mylock.lock(name)
    server.freeze()
    try:
        for call in (lambda: mylock.unlock(token), lambda: mylock.lock(name, block=0)):
            with pytest.raises(redilock.RedilockError) as caught:
                call()
            assert isinstance(caught.value, ConnectionError)
            assert isinstance(caught.value, redis_exceptions.ConnectionError)
            assert type(pickle.loads(pickle.dumps(caught.value))) is type(caught.value)
    finally:
        server.thaw()
    with pytest.raises(redilock.UnknownOutcomeError) as caught:
        redilock._of_redis.raise_as_expected(redilock.UnknownOutcomeError("x"), b"x")
    assert isinstance(caught.value, redis_exceptions.ConnectionError)


def test_failures_come_as_ours_to_programs_without_redis(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis.exceptions", None)
    with pytest.raises(ConnectionError) as caught:
        Impatient("127.0.0.1", 1, ttl=5).lock("x", block=0)
    assert type(caught.value) is redilock.UnavailableError


ORIGINAL = os.environ.get("REDILOCK_ORIGINAL")


@pytest.mark.skipif(not ORIGINAL, reason="python-redilock is not there: REDILOCK_ORIGINAL")
def test_programs_of_the_readme_print_the_same(server, tmp_path):
    metadata = pathlib.Path(ORIGINAL, "python_redilock-0.5.0.dist-info", "METADATA").read_text()
    programs = re.findall(r"^```\n(.*?)^```", metadata, re.MULTILINE | re.DOTALL)
    assert len(programs) == 6
    # They name no server, so the default's port becomes that of this one.
    start = f'''import redilock.sync_redilock as redilock
from redilock.base import DistributedLockBase as base
host, _, *others = base.__init__.__defaults__
base.__init__.__defaults__ = (host, {server.port}, *others)
mylock = redilock.DistributedLock()
'''
    ours = str(pathlib.Path(redilock.__file__).parents[1])
    for program in programs:
        printed = []
        for folder in (ORIGINAL, ours):
            server.cli("FLUSHALL")
            printed.append(
                subprocess.run(
                    [sys.executable, "-c", start + program], check=True, text=True,
                    stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": folder},
                ).stdout
            )  # fmt: skip
        assert printed[0] == printed[1]


def test_waiters_are_granted_in_their_order(make, client, name):
    mylock, order = make(ttl=10), []

    def wait(number):
        token = mylock.lock(name)
        order.append(number)
        mylock.unlock(token)

    token, threads = mylock.lock(name), []
    for number in range(5):
        threads.append(threading.Thread(target=wait, args=[number]))
        threads[-1].start()
        until(lambda: client.info(name).waiters == number + 1)
    mylock.unlock(token)
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]


def test_plain_clients_and_ours_exclude_each_other(make, server, name):
    mylock = make(ttl=10)
    token = mylock.lock(name)
    assert server.cli("SET", name, "_LOCK:x:y", "NX", "PX", "100") == ""
    assert mylock.unlock(token)
    assert server.cli("SET", name, "_LOCK:x:y", "NX", "PX", "100") == "OK"
    assert mylock.lock(name, block=False) is False
    assert mylock.lock(name, block=5)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_four_processes_on_a_file(server, tmp_path, name, kind):
    """Fifty rounds each; two are python-redilock's own code where it was said where that is."""
    folder = os.path.join(os.path.dirname(__file__), "..", "bench")
    sys.path.insert(0, folder)
    try:
        import shared_file
    finally:
        sys.path.remove(folder)
    result = shared_file.run(kind, server.port, name, ORIGINAL, str(tmp_path))
    assert result["errors"] == 0 and result["count"] == 200
    assert result["with python-redilock"] == (2 if ORIGINAL else 0)
