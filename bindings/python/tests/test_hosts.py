"""gevent, eventlet, gunicorn and celery: a greenlet that waits lets the others run. The programs
run in an environment that has these, which `./dev test` makes in CI: build/python-hosts.
"""

import concurrent.futures
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import urllib.request

import pytest
from conftest import until

import redilock

PACKAGE = pathlib.Path(redilock.__file__).parents[1]
PYTHON = pathlib.Path(
    os.environ.get("REDILOCK_PYTHON_HOSTS", PACKAGE.parents[1] / "python-hosts/bin/python")
)
PROGRAMS = pathlib.Path(__file__).parent / "hosts"

pytestmark = pytest.mark.skipif(
    not PYTHON.exists(),
    reason=f"there is no {PYTHON}: a venv with gevent, eventlet, gunicorn, celery and redis",
)
greenlets = pytest.mark.parametrize("kind", ["gevent", "eventlet"])


@pytest.fixture
def start(server):
    """Starts a command with the Python of the hosts."""
    started = []

    def begin(*words, **more):
        process = subprocess.Popen(
            [PYTHON, "-W", "ignore::DeprecationWarning", *map(str, words)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=PROGRAMS,
            env={**os.environ, "PYTHONPATH": f"{PACKAGE}:{PROGRAMS}", "REDILOCK_URL": server.url,
                 "BROKER": f"redis+socket://{server.socket}", "PYTHONDONTWRITEBYTECODE": "1"},
            **more,
        )  # fmt: skip
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def host(start, server, name):
    """Starts a program on greenlets, with `client`."""

    def begin(kind, text, patch="import greenlets as host; host.patch(); import redilock"):
        return start("-c", f"""
{patch}
client = redilock.Client(host.URL, wait=20, label="host")
name = host.NAME
{text}
print("end", flush=True)
""", server.url, server.port, server.process.pid, name, kind)  # fmt: skip

    return begin


def ended(process):
    """What a program printed before it ended."""
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and said.endswith("end\n"), said
    return said[: -len("end\n")]


@greenlets
@pytest.mark.parametrize(
    "patch",
    [
        "import greenlets as host; host.patch(); import redilock",
        "import redilock; import greenlets as host; host.patch()",
        "import redilock; import greenlets as host",
    ],
    ids=["before", "after", "never"],
)
def test_waiting_greenlets_let_the_holder_run(host, client, name, kind, patch):
    ended(host(kind, """
order = []
def hold():
    with client.lock(name):
        host.until(lambda: client.info(name).waiters == 200)
def work(number):
    with client.lock(name) as lock:
        lock.extend(40)
        host.sleep(0)
        order.append(number)
        assert lock.held
holder = host.spawn(hold)
host.until(lambda: client.info(name).state == "held")
workers = [host.spawn(work, number) for number in range(200)]
for each in [holder, *workers]:
    host.result(each)
assert order == list(range(200)), order
""", patch))  # fmt: skip
    assert client.info(name).state == "free"


@greenlets
def test_main_greenlet_lets_the_holder_run(host, kind):
    ended(host(kind, """
def hold():
    with client.lock(name):
        host.until(lambda: client.info(name).waiters == 1)
holder = host.spawn(hold)
host.until(lambda: client.info(name).state == "held")
with client.lock(name):
    host.result(holder)
"""))  # fmt: skip


@greenlets
def test_loss_is_told_while_the_greenlets_run(host, kind):
    ended(host(kind, """
reported = []
lock = client.lock(name, ttl=0.3, renew=True)
lock.on_lost(reported.append, 1)
lock.acquire()
client.break_lock(name)
host.until(lambda: reported)
with lock:
    host.result(host.spawn(lambda: host.sleep(0)))
    def other():
        try:
            lock.acquire(wait=0)
        except RuntimeError:
            return
        raise AssertionError("one object was acquired by two greenlets")
    host.result(host.spawn(other))
"""))  # fmt: skip


@greenlets
def test_greenlets_of_the_stand_in_let_the_holder_run(host, kind):
    ended(host(kind, """
import redilock.sync_redilock
locks = redilock.sync_redilock.DistributedLock("127.0.0.1", host.PORT, ttl=30)
def hold():
    with locks(name):
        host.until(lambda: client.info(name).waiters == 20)
def work():
    assert locks.unlock(locks.lock(name, block=20))
holder = host.spawn(hold)
host.until(lambda: client.info(name).state == "held")
for each in [holder, *[host.spawn(work) for _ in range(20)]]:
    host.result(each)
"""))  # fmt: skip


@greenlets
@pytest.mark.parametrize(
    "call",
    ["lock.release()", "lock.extend(40)", "client.info(name)", "list(client.names())",
     "client.extend(name, lock.token, 40)", "client.release(name, lock.token)",
     "client.break_lock(name)", "client.lock(name).acquire(wait=0)"],
)  # fmt: skip
def test_others_run_while_the_server_does_not_answer(host, kind, call):
    # Only another greenlet lets the server go on; without it the call fails.
    ended(host(kind, f"""
import os, signal
lock = client.lock(name)
lock.acquire()
os.kill(host.SERVER, signal.SIGSTOP)
def thaw():
    host.sleep(0.1)
    os.kill(host.SERVER, signal.SIGCONT)
thawing = host.spawn(thaw)
try:
    {call}
finally:
    os.kill(host.SERVER, signal.SIGCONT)
host.result(thawing)
"""))  # fmt: skip


@greenlets
def test_wait_ends_by_a_kill_or_a_timeout_and_leaves_the_queue(host, client, server, name, kind):
    with client.lock(name):
        ended(host(kind, """
waiter = host.spawn(client.lock(name).acquire)
host.until(lambda: client.info(name).waiters == 1)
host.kill(waiter)
host.until(lambda: client.info(name).waiters == 0)
try:
    with host.Timeout(0.05):
        client.lock(name).acquire()
    raise SystemExit("it was granted")
except host.Timeout:
    assert client.info(name).waiters == 0
assert not client.lock(name).acquire(wait=0.05)
"""))  # fmt: skip
        assert server.queued(name) == 0


@greenlets
def test_kill_against_grant_never_keeps_the_lock(host, kind):
    ended(host(kind, """
from greenlet import GreenletExit
got, count = [], [0, 0]
def wait():
    lock = client.lock(name)
    lock.acquire()
    got.append(lock)
for turn in range(200):
    holder = client.lock(name)
    holder.acquire()
    waiter = host.spawn(wait)
    for _ in range(turn % 7):
        host.sleep(0)
    host.sleep(turn % 3 * 0.0003)
    releasing = host.spawn(holder.release)
    host.sleep(turn % 11 * 0.00005)
    host.kill(waiter)
    host.result(releasing)
    try:
        host.result(waiter)
    except GreenletExit:
        pass
    count[len(got)] += 1
    if got:
        got.pop().release()
    with client.lock(name, wait=5):
        pass
assert count[0] > 0, count
"""))  # fmt: skip


@greenlets
def test_locks_go_between_threads_and_greenlets(host, kind):
    ended(host(kind, """
mine = client.lock(name)
host.in_thread(mine.acquire)
mine.extend(40)
mine.release()
mine.acquire()
host.in_thread(lambda: mine.extend(40))
host.in_thread(mine.release)
assert client.info(name).state == "free" and not mine.lost
"""))  # fmt: skip


@greenlets
def test_close_ends_the_waits_of_greenlets(host, client, name, kind):
    with client.lock(name):
        ended(host(kind, """
waiters = [host.spawn(client.lock(name).acquire) for _ in range(5)]
host.until(lambda: client.info(name).waiters == 5)
client.close()
for waiter in waiters:
    try:
        host.result(waiter)
        raise SystemExit("it was granted")
    except redilock.ClosedError:
        pass
"""))  # fmt: skip
        until(lambda: client.info(name).waiters == 0)


@greenlets
def test_ctrl_c_ends_the_wait_of_the_main_greenlet(host, client, server, name, kind):
    with client.lock(name):
        process = host(kind, """
try:
    client.lock(name).acquire()
except KeyboardInterrupt:
    print("interrupted", flush=True)
""")  # fmt: skip
        until(lambda: client.info(name).waiters == 1, 30)
        process.send_signal(signal.SIGINT)
        assert "interrupted" in ended(process)
        assert server.queued(name) == 0


@greenlets
def test_client_works_in_a_forked_child(host, kind):
    ended(host(kind, """
import os
with client.lock(name):
    pass
waiter = client.lock(name)
with client.lock(name):
    waiting = host.spawn(waiter.acquire)
    host.until(lambda: client.info(name).waiters == 1)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if host.KIND == "eventlet":
                import eventlet.hubs
                eventlet.hubs.use_hub()
            with client.lock(name + "-child"):
                status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert client.info(name).waiters == 1
host.result(waiting)
waiter.release()
"""))  # fmt: skip


@pytest.mark.parametrize("options", [[], ["--preload"]], ids=["", "preload"])
def test_gunicorn_answers_all_requests(start, options):
    with socket.socket() as listener:  # gunicorn takes it over, so that nobody else gets the port
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        port = listener.getsockname()[1]
        process = start(
            "-m", "gunicorn", "-k", "gevent", "-w", "1", "--bind", f"fd://{listener.fileno()}",
            "--timeout", "60", "--graceful-timeout", "1", *options, "web:app",
            pass_fds=[listener.fileno()],
        )  # fmt: skip

        def ask(_):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as answer:
                return answer.read()

        with concurrent.futures.ThreadPoolExecutor(40) as pool:
            assert list(pool.map(ask, range(40))) == [b"ok"] * 40
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)


@greenlets
def test_celery_runs_all_tasks(start, kind):
    worker = start("-m", "celery", "-A", "tasks", "worker", "-P", kind, "-c", "8",
                   "--loglevel", "warning", "--without-gossip", "--without-mingle")  # fmt: skip
    caller = start("-c", """
import tasks
results = [tasks.work.delay() for _ in range(8)]
assert [result.get(timeout=50) for result in results] == ["done"] * 8
print("end")
""")  # fmt: skip
    ended(caller)
    worker.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        worker.wait(20)
