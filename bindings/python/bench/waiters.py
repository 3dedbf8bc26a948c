"""10,000 asyncio tasks in one process that wait for 100 names: what they cost, and in which order
they are served. All wait while each name is held; then the hundred are released at once.
"""

import asyncio
import time

from redilock import aio
from support import memory_kib, server, threads

WATCHED_S = 6


async def measure(started, tasks, names):
    order = {name: [] for name in range(names)}
    async with aio.Client(started.url) as client:

        async def wait(number):
            name = number % names
            async with client.lock(f"n{name}", ttl=60):
                order[name].append(number)

        holders = [client.lock(f"n{name}", ttl=300) for name in range(names)]
        for holder in holders:
            await holder.acquire()
        memory = memory_kib()
        begun = time.monotonic()
        waiting = [asyncio.create_task(wait(number)) for number in range(tasks)]
        last = f"redilock:1:{{????}}:queue:n{names - 1}"
        while int(started.cli("ZCARD", started.cli("KEYS", last) or last)) < tasks // names:
            await asyncio.sleep(0.05)
        queued = time.monotonic() - begun
        waits = memory_kib() - memory
        commands = started.commands()
        await asyncio.sleep(WATCHED_S)
        commands = started.commands() - commands
        begun = time.monotonic()
        for holder in holders:
            await holder.release()
        await asyncio.gather(*waiting)
        served = time.monotonic() - begun
        row = {
            "tasks": tasks,
            "names": names,
            "out of order": sum(numbers != sorted(numbers) for numbers in order.values()),
            "served": sum(map(len, order.values())),
            "memory of the waits, MiB": round(waits / 1024, 1),
            "threads": threads(),
            "connections": len(started.cli("CLIENT", "LIST", "TYPE", "normal").splitlines()) - 1
            + len(started.cli("CLIENT", "LIST", "TYPE", "pubsub").splitlines()),
            "server commands per second while waiting": round(commands / WATCHED_S, 1),
            "to queue, s": round(queued, 2),
            "to serve, s": round(served, 2),
        }  # fmt: skip
    return row


def run(quick):
    """One row."""
    with server() as started:
        return [asyncio.run(measure(started, 1000 if quick else 10000, 100))]
