"""How soon a wait ends, and whether the queue is empty then: by Ctrl-C, by the cancel of a task,
and by its own timeout.
"""

import asyncio
import signal
import statistics
import subprocess
import sys
import time

import redilock
from redilock import aio
from support import server

INTERRUPTED = """
import sys, time, redilock
try:
    redilock.Client(sys.argv[1]).lock("job").acquire()
except KeyboardInterrupt:
    print(time.time())
"""


def queued(started):
    return int(started.cli("ZCARD", "redilock:1:{@NB@}:queue:job"))


def ctrl_c(started, times):
    spans, left = [], 0
    for _ in range(times):
        process = subprocess.Popen(
            [sys.executable, "-c", INTERRUPTED, started.url], stdout=subprocess.PIPE, text=True
        )
        while queued(started) == 0:
            time.sleep(0.01)
        sent = time.time()
        process.send_signal(signal.SIGINT)
        spans.append(float(process.communicate()[0]) - sent)
        left += queued(started)
    return spans, left


async def cancels(started, times):
    spans, left = [], 0
    async with aio.Client(started.url) as client:
        for _ in range(times):
            task = asyncio.create_task(client.lock("job").acquire())
            while queued(started) == 0:
                await asyncio.sleep(0.001)
            begun = time.monotonic()
            task.cancel()
            await asyncio.wait({task})
            spans.append(time.monotonic() - begun)
            left += queued(started)
    return spans, left


def timeouts(started, times):
    spans, left = [], 0
    client = redilock.Client(started.url)
    for _ in range(times):
        begun = time.monotonic()
        client.lock("job").acquire(wait=0.1)
        spans.append(time.monotonic() - begun - 0.1)
        left += queued(started)
    return spans, left


async def async_timeouts(started, times):
    spans, left = [], 0
    async with aio.Client(started.url) as client:
        for _ in range(times):
            begun = time.monotonic()
            await client.lock("job").acquire(wait=0.1)
            spans.append(time.monotonic() - begun - 0.1)
            left += queued(started)
    return spans, left


def run(quick):
    """A row for each way to end."""
    times = 5 if quick else 20
    rows = []
    with server() as started, redilock.Client(started.url) as client, client.lock("job", ttl=600):
        for end, (spans, left) in {
            "Ctrl-C": ctrl_c(started, times),
            "cancel of a task": asyncio.run(cancels(started, times)),
            "timeout of 0.1 s": timeouts(started, times),
            "timeout of 0.1 s, asyncio": asyncio.run(async_timeouts(started, times)),
        }.items():
            rows.append(
                {"end": end, "ms later, median": round(statistics.median(spans) * 1000, 2),
                 "most": round(max(spans) * 1000, 2), "left in the queue": left}
            )  # fmt: skip
    return rows
