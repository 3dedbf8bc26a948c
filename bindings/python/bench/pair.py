"""Acquire and release without contention, by turns with raw hiredis in C in the same process; all
over loopback TCP, client and server on one processor. Only the ratios travel from machine to
machine.

redis-py and python-redilock take part if they are there: the latter where REDILOCK_ORIGINAL says.
"""

import ctypes
import importlib.util
import os
import pathlib
import statistics
import subprocess
import sys
import time

import redilock
import redilock.sync_redilock
from support import server

SLICE = 50


def raw_hiredis(folder, port):
    """The rival in C, compiled for the occasion."""
    source = pathlib.Path(__file__).resolve().parents[3] / "tests/bench/raw_hiredis.c"
    library = f"{folder}/raw_hiredis.so"
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "hiredis"],
        check=True, stdout=subprocess.PIPE, text=True,
    ).stdout.split()  # fmt: skip
    compiler = os.environ.get("CC", "cc")
    subprocess.run(
        [compiler, "-O2", "-shared", "-fPIC", "-o", library, source, *flags], check=True
    )
    loaded = ctypes.CDLL(library)
    if loaded.raw_connect(port) != 0:
        raise SystemExit("raw hiredis cannot connect")
    spans = (ctypes.c_double * SLICE)()

    def turn():
        if loaded.raw_pairs(SLICE, spans) != 0:
            raise SystemExit("raw hiredis failed")
        return list(spans)

    return turn


def timed(pair):
    """A contender's turn: how long each of its pairs took, in microseconds."""

    def turn():
        spans, clock = [], time.perf_counter_ns
        before = clock()
        for _ in range(SLICE):
            pair()
            now = clock()
            spans.append((now - before) / 1000)
            before = now
        return spans

    return turn


def with_statement(client):
    def pair():
        with client.lock("job", ttl=30):
            pass

    return pair


def one_object(client):
    lock = client.lock("job-one", ttl=30)

    def pair():
        with lock:
            pass

    return pair


def drop_in(lock, name):
    def pair():
        lock.unlock(lock.lock(name))

    return pair


def original(folder, port):
    """python-redilock's own sync module, under other names, as ours has its name."""
    package = pathlib.Path(folder) / "redilock"
    loaded = [name for name in sys.modules if name.startswith("redilock")]
    ours = {name: sys.modules.pop(name) for name in loaded}
    sys.path.insert(0, folder)
    try:
        import redilock.sync_redilock as module

        assert str(package) in module.__file__
        return module.DistributedLock("127.0.0.1", port, ttl=30)
    finally:
        sys.path.remove(folder)
        for name in list(sys.modules):
            if name.startswith("redilock"):
                del sys.modules[name]
        sys.modules.update(ours)


def contenders(started):
    url = f"redis://127.0.0.1:{started.port}"
    client = redilock.Client(url)
    found = {
        "raw hiredis in C": raw_hiredis(started.dir, started.port),
        "redilock, with client.lock(...)": timed(with_statement(client)),
        "redilock, one lock again and again": timed(one_object(client)),
        "redilock, fence=0": timed(with_statement(redilock.Client(url, fence=False))),
        "redilock.sync_redilock": timed(
            drop_in(
                redilock.sync_redilock.DistributedLock("127.0.0.1", started.port, ttl=30), "job-d"
            )
        ),
    }
    if importlib.util.find_spec("redis"):
        import redis

        lock = redis.Redis(port=started.port).lock("job-r", timeout=30)

        def pair():
            lock.acquire()
            lock.release()

        found["redis-py Lock"] = timed(pair)
        if os.environ.get("REDILOCK_ORIGINAL"):
            theirs = original(os.environ["REDILOCK_ORIGINAL"], started.port)
            found["python-redilock"] = timed(drop_in(theirs, "job-p"))
    return found


def run(quick):
    """Rows of (contender, microseconds, ratio to the first, its quartiles)."""
    with server(cpu=0) as started:
        os.sched_setaffinity(0, {0})
        turns = contenders(started)
        for turn in turns.values():
            turn()
        spans = {name: [] for name in turns}
        names = list(turns)
        end = time.monotonic() + (3 if quick else 15)
        count = 0
        while count < 3 or time.monotonic() < end:
            for index in range(len(names)):  # each round begins with another
                name = names[(index + count) % len(names)]
                spans[name].append(statistics.median(turns[name]()))
            count += 1
    rows = []
    for name in names:
        ratios = [own / raw for own, raw in zip(spans[name], spans[names[0]])]
        low, middle, high = statistics.quantiles(ratios, n=4)
        rows.append(
            {"contender": name, "us": round(statistics.median(spans[name]), 1),
             "ratio": round(middle, 2), "q1": round(low, 2), "q3": round(high, 2)}
        )  # fmt: skip
    return rows
