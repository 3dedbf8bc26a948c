"""Four processes of fifty rounds each on one file, sync or async: two with python-redilock's own
code if it can be found (the folder in REDILOCK_ORIGINAL), and two with ours, by the very same
program. A round reads a number, gives others the time to break in, and writes the next one.
"""

import os
import pathlib
import subprocess
import sys

import redilock

ROUNDS = 50
PROGRAM = {
    "sync": """
import sys, time
import redilock.sync_redilock as redilock
port, name, path = int(sys.argv[1]), sys.argv[2], sys.argv[3]
mylock = redilock.DistributedLock("127.0.0.1", port, ttl=10, interval=0.002)
for _ in range(ROUNDS):
    with mylock(name):
        count = int(open(path).read())
        time.sleep(0.001)
        with open(path, "w") as file:
            file.write(str(count + 1))
print(redilock.__file__)
""",
    "async": """
import asyncio, sys
import redilock.async_redilock as redilock
port, name, path = int(sys.argv[1]), sys.argv[2], sys.argv[3]
async def main():
    mylock = redilock.DistributedLock("127.0.0.1", port, ttl=10, interval=0.002)
    for _ in range(ROUNDS):
        async with mylock(name):
            count = int(open(path).read())
            await asyncio.sleep(0.001)
            with open(path, "w") as file:
                file.write(str(count + 1))
asyncio.run(main())
print(redilock.__file__)
""",
}


def run(kind, port, name, original, folder):
    """How many rounds counted, and how many processes failed."""
    path = pathlib.Path(folder) / f"count-{kind}"
    path.write_text("0")
    ours = str(pathlib.Path(redilock.__file__).parents[1])
    theirs = original or ours
    program = PROGRAM[kind].replace("ROUNDS", str(ROUNDS))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(port), name, str(path)],
            stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": place},
        )
        for place in (ours, theirs, ours, theirs)
    ]  # fmt: skip
    said = [process.communicate(timeout=120)[0].strip() for process in processes]
    failed = [process.returncode for process in processes if process.returncode != 0]
    count = int(path.read_text())
    return {
        "kind": kind,
        "count": count,
        "errors": len(failed) + 4 * ROUNDS - count,
        "with python-redilock": sum(place.startswith(str(theirs)) for place in said)
        if original
        else 0,
    }
