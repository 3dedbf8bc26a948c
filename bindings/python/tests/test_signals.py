"""Signals while a call blocks: Ctrl-C ends it within 0.2 s and leaves nothing in the queue; a
handler that returns does not cost the place in it."""

import contextlib
import dis
import gc
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from conftest import until

import redilock
from redilock.sync_redilock import DistributedLock

WAITS = """
import sys, time, redilock
client = redilock.Client(sys.argv[1], label="waits")
print("ready", flush=True)
try:
    client.lock(sys.argv[3]).acquire(wait=eval(sys.argv[4]))
except KeyboardInterrupt:
    print(time.time(), flush=True)
"""


@pytest.mark.parametrize("wait", ["None", "60"])
def test_ctrl_c_ends_a_wait(server, client, program, name, wait):
    with client.lock(name):
        process = program(WAITS, name, wait)
        until(lambda: client.info(name).waiters == 1)
        assert server.queued(name) == 1
        sent = time.time()
        process.send_signal(signal.SIGINT)
        process.wait(5)
        assert process.stdout.readline() == "ready\n"
        assert float(process.stdout.readline()) - sent < 0.2
        assert client.info(name).waiters == 0
        assert server.queued(name) == 0
    assert client.info(name).state == "free"


def test_ctrl_c_ends_a_wait_for_a_server_that_does_not_answer(server, client, program, name):
    with client.lock(name):
        process = program(WAITS, name, "60")
        until(lambda: client.info(name).waiters == 1)
        server.freeze()
        try:
            sent = time.time()
            process.send_signal(signal.SIGINT)
            process.wait(5)
        finally:
            server.thaw()
        process.stdout.readline()
        assert float(process.stdout.readline()) - sent < 0.2


def test_ctrl_c_ends_a_request_to_a_server_that_does_not_answer(server, program, name):
    server.freeze()
    try:
        process = program(WAITS, name, "60")
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.1)  # until it has asked: nothing shows that
        sent = time.time()
        process.send_signal(signal.SIGINT)
        process.wait(5)
    finally:
        server.thaw()
    assert float(process.stdout.readline()) - sent < 0.2


@pytest.mark.parametrize(
    "query, options, wait",
    [
        ("", {}, 0.1),
        ("", {"wait": 0.1}, None),
        ("", {"wait": "100ms", "timeout": 30}, None),
        ("?wait=100ms", {"wait": 60}, None),
        ("?timeout=1m", {"timeout": 1}, 0.1),
    ],
)
def test_wait_ends_in_time_though_no_answer_comes(server, name, query, options, wait):
    assert threading.current_thread() is threading.main_thread()
    with redilock.Client(server.url + query, **options) as client:
        with client.lock(name):
            pass
        server.freeze()
        try:
            begun = time.monotonic()
            with contextlib.suppress(ConnectionError):
                assert not client.lock(name).acquire(wait)
            # The core has a second for the answer, and one to give up the place in the queue.
            assert time.monotonic() - begun < 0.1 + 2 + 1
        finally:
            server.thaw()


@pytest.mark.parametrize("wait", [1.2, 2])
def test_wait_ends_in_time_though_the_first_answer_is_late(server, name, wait):
    with redilock.Client(server.url, timeout=2) as client, client.lock(name):
        assert not client.lock(name).acquire(0.05)  # so that there are all connections
        thaw = threading.Timer(1, server.thaw)
        server.freeze()
        thaw.start()
        begun = time.monotonic()
        assert not client.lock(name).acquire(wait)
        assert wait <= time.monotonic() - begun < wait + 2 + 0.5
        thaw.join()


@pytest.mark.parametrize("wait", [0, 0.5, 60, None])
def test_free_lock_is_had_without_a_thread(server, name, wait):
    def threads():
        return len(os.listdir("/proc/self/task"))

    with redilock.Client(server.url) as client:
        before = threads()
        for options in ({"ttl": 10}, {"label": "web"}):
            with client.lock(name, wait=wait, **options):
                pass
        assert threads() == before


@pytest.mark.parametrize("wait", [4, 60])
@pytest.mark.parametrize("options", [{"ttl": 10}, {"label": "web"}])
def test_contended_grant_costs_one_request_and_its_release(server, client, name, wait, options):
    def scripts():
        stats = server.cli("INFO", "commandstats")
        return int(stats.partition("cmdstat_evalsha:calls=")[2].partition(",")[0])

    with redilock.Client(server.url) as other:
        with other.lock(name + "-before"):
            assert not client.lock(name + "-before").acquire(0.01)  # it subscribes
        holder = other.lock(name)
        holder.acquire()

        def release():
            until(lambda: server.queued(name) == 1)
            counts.append(scripts())
            holder.release()

        thread = threading.Thread(target=release)
        counts = [scripts()]
        thread.start()
        lock = client.lock(name, **options)
        assert lock.acquire(wait)
        thread.join()
        lock.release()
        # Beats and re-checks come later than a second after the queueing.
        assert counts[1] - counts[0] == 1 and scripts() - counts[1] == 2


def test_durations_of_a_client_are_known(monkeypatch):
    client = redilock.Client("unix:///x")
    assert client._waits._wait == -1
    client = redilock.Client("unix:///x", timeout="2m", wait=0)
    assert client._waits._wait == 0
    monkeypatch.setenv("REDILOCK_URL", "unix:///x?timeout=7s&wait=1h")
    client = redilock.Client(timeout=3)
    assert client._waits._wait == 3_600_000


def granted_soon(client, name):
    """Releases a lock as soon as another waits for it."""
    holder = client.lock(name)
    holder.acquire()

    def release():
        until(lambda: client.info(name).waiters == 1)
        holder.release()

    thread = threading.Thread(target=release)
    thread.start()
    return thread


class Stop(Exception):
    """What a handler raises."""


def stopped_at(step, call, raised):
    """Whether a call reached the `step`th place in the package where Python runs handlers: at the
    begin of a function, in a loop, or after a call of what is not written in Python. There this
    raises as a handler would."""
    package, left, before = os.path.dirname(redilock.__file__), [step], {}

    def trace(frame, event, _):
        if not frame.f_code.co_filename.startswith(package):
            return None
        if event == "call" and before.get(frame.f_back) == "CALL":
            before[frame.f_back] = ""
        frame.f_trace_opcodes = True
        if event == "opcode":
            if before.get(frame, "").startswith(("RESUME", "CALL", "JUMP_BACKWARD")):
                left[0] -= 1
                if left[0] == 0:
                    before.clear()
                    raise Stop
            before[frame] = dis.opname[frame.f_code.co_code[frame.f_lasti]]
        return trace

    gc.disable()  # what it collects is not part of the call
    sys.settrace(trace)
    try:
        call()
    except Stop as error:
        raised.append(error)  # with all variables of the functions that it came through
    finally:
        sys.settrace(None)
        gc.enable()
    return left[0] <= 0


def entered(lock):
    lock.__enter__()


def tried(lock):
    lock.acquire(wait=0)


@pytest.mark.parametrize("call", [entered, tried])
@pytest.mark.parametrize("options", [{"ttl": 60}, {"label": "web"}])
def test_handler_that_raises_at_any_step_leaves_no_lock_held(client, name, call, options):
    lock, step, raised = client.lock(name, **options), 1, []
    while stopped_at(step, lambda: call(lock), raised):
        assert not lock.held
        until(lambda: client.info(name).state == "free")
        step += 1
    assert step > 10 and lock.held
    lock.release()


def test_handler_that_raises_at_any_step_of_the_stand_in_leaves_no_lock_held(server, client, name):
    locks, tokens, step = DistributedLock("127.0.0.1", server.port, ttl=60), [], 1
    while stopped_at(step, lambda: tokens.append(locks.lock(name)), []):
        assert not tokens
        until(lambda: client.info(name).state == "free")
        step += 1
    assert step > 10 and locks.unlock(tokens[0])


def test_handler_that_raises_leaves_no_lock_held_at_the_end_of_the_program(client, program, name):
    process = program("""
import signal, sys, redilock
client = redilock.Client(sys.argv[1])
def stop(*_):
    raise KeyboardInterrupt
signal.signal(signal.SIGALRM, stop)
acquire = client._waits._start
def signalled(*arguments):
    lease = acquire(*arguments)
    signal.raise_signal(signal.SIGALRM)
    return lease
client._waits._start = signalled
client.lock(sys.argv[3], ttl=60).acquire()
""", name, stderr=subprocess.DEVNULL)
    assert process.wait(10) != 0
    until(lambda: client.info(name).state == "free")


def test_ctrl_c_that_comes_with_the_grant_gives_it_back(client, name, monkeypatch):
    real, raised = redilock._core.completions, []

    def interrupted(*arguments):
        took = real(*arguments)
        if took and not raised:
            raised.append(time.monotonic())
            raise KeyboardInterrupt
        return took

    monkeypatch.setattr(redilock._core, "completions", interrupted)
    monkeypatch.setattr(redilock._waits, "_LEAVE_S", 5)
    thread = granted_soon(client, name)
    with pytest.raises(KeyboardInterrupt):
        client.lock(name).acquire()
    assert time.monotonic() - raised[0] < 2  # it did not wait for what had come
    assert client.info(name).state == "free"
    thread.join()


def test_loss_is_not_taken_for_a_grant(client, name, monkeypatch):
    real, begin = redilock._core.completions, redilock._core.op_begin_acquire
    tags, reported = [], []

    def begun(op, tag):
        tags.append(tag)
        return begin(op, tag)

    def with_loss(*arguments):
        reported.append(tags[-1])
        loss = (tags[-1], redilock._core.COMPLETION_LOSS, redilock._core.E_LOST)
        return [loss, *real(*arguments)]

    monkeypatch.setattr(redilock._core, "op_begin_acquire", begun)
    monkeypatch.setattr(redilock._core, "completions", with_loss)
    thread = granted_soon(client, name)
    with client.lock(name) as lock:
        assert lock.held and reported
    thread.join()
    thread = granted_soon(client, name)
    with client.lock(name):
        assert len(set(tags)) == len(tags) == 4
    thread.join()


@pytest.fixture
def alarms():
    """A handler of SIGALRM that calls what is set in its list, and is put back."""
    calls = []
    before = signal.signal(signal.SIGALRM, lambda *_: [call() for call in calls])
    yield calls
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def second_waits(client, name):
    """Another waiter, behind the one that is there."""
    until(lambda: client.info(name).waiters == 1)
    thread = threading.Thread(target=client.lock(name, label="second").acquire)
    thread.start()
    until(lambda: client.info(name).waiters == 2)
    return thread


def test_handler_that_returns_keeps_the_place(server, client, name, alarms):
    holder = client.lock(name)
    holder.acquire()
    labels, count = [], []
    behind = threading.Thread(target=lambda: count.append(second_waits(client, name)))

    def tick():
        count.append(1)
        if len(count) == 200:
            labels.extend(client.info(name).waiter_labels)
            holder.release()

    behind.start()
    alarms.append(tick)
    signal.setitimer(signal.ITIMER_REAL, 0.2, 0.002)
    with client.lock(name, label="first") as lock:
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert labels == ["first", "second"]
        assert client.info(name).label == "first" and lock.held
    behind.join()
    next(thread for thread in count if thread != 1).join()


def test_signals_all_the_time_break_nothing(server, client, name, alarms):
    alarms.append(lambda: None)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    for turn in range(200):
        with client.lock(name, ttl=10) as lock:
            lock.extend(20)
            assert client.info(name).state == "held"
            if turn % 50 == 0:
                thaw = threading.Timer(0.1, server.thaw)
                thaw.start()
                server.freeze()
                assert not client.lock(name).acquire(wait=0)
                thaw.join()
                server.freeze()
                thaw = threading.Timer(0.1, server.thaw)
                thaw.start()
    assert client.info(name).state == "free"


def test_handler_that_locks_while_its_thread_waits(client, name, alarms):
    holder = client.lock(name)
    holder.acquire()
    other, took = name + "-other", []

    def lock_another():
        with client.lock(other, wait=5):
            took.append(True)
        holder.release()

    alarms.append(lock_another)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    assert client.lock(name).acquire(wait=5)
    assert took


def test_handler_does_not_lengthen_the_wait(client, name, alarms):
    with client.lock(name):
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
        begun = time.monotonic()
        alarms.append(lambda: None)
        assert not client.lock(name).acquire(wait=0.3)
        assert 0.3 <= time.monotonic() - begun < 0.5


def test_exception_of_a_handler_comes_out_and_others_go_on(client, name, alarms):
    def stop():
        raise ZeroDivisionError

    alarms.append(stop)
    with client.lock(name):
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(ZeroDivisionError):
            client.lock(name).acquire()
        assert client.info(name).waiters == 0
        assert not client.lock(name).acquire(wait=0.05)


def test_other_threads_run_while_one_waits(client, name):
    with client.lock(name):
        counts = []
        waiter = threading.Thread(target=client.lock(name, wait=0.5).acquire)
        waiter.start()
        while waiter.is_alive():
            counts.append(time.monotonic())
            time.sleep(0.001)
    assert max(b - a for a, b in zip(counts, counts[1:])) < 0.2


def test_program_ends_while_threads_wait(server, client, program, name):
    with client.lock(name):
        process = program("""
import sys, threading, redilock
client = redilock.Client(sys.argv[1])
threading.Thread(target=client.lock(sys.argv[3]).acquire, daemon=True).start()
sys.stdin.readline()
""", name)
        until(lambda: client.info(name).waiters == 1)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.wait(5) == 0
