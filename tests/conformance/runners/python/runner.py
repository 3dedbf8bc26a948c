"""The runner of Python: each request is a task of one event loop."""
import asyncio
import math
import sys
from urllib.parse import quote_from_bytes, unquote_to_bytes

import redilock
from redilock import aio

SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
clients, locks, tasks = {}, {}, {}


class WrongText(ValueError):
    """A text that is no value of the type that Python takes."""


class Unable(Exception):
    """Python has no such call."""


def duration(text):
    if text == "forever":
        return math.inf
    digits = text.rstrip("mshd")
    if not digits.isdigit() or (text[len(digits) :] not in SECONDS and text != "0"):
        raise WrongText(text)
    return int(digits) * SECONDS.get(text[len(digits) :], 0)


def boolean(text):
    if text not in ("yes", "no"):
        raise WrongText(text)
    return text == "yes"


TYPES = {
    "ttl": duration, "wait": duration, "max_hold": duration, "renew": boolean, "fence": boolean,
    "url": str, "label": str, "token": str,
}  # fmt: skip


def values(words):
    """The options of a request, as Python has them. Names are bytes."""
    found = {}
    for word in words:
        name, _, value = word.partition("=")
        value = unquote_to_bytes(value)
        found[name] = value if name in ("name", "pattern") else TYPES.get(name, str)(value.decode())
    if "interruptible" in found:
        raise Unable
    return found


def encoded(value):
    if isinstance(value, list):
        return ",".join(map(encoded, value))
    return quote_from_bytes(value if isinstance(value, bytes) else str(value).encode(), safe=":/-._")


def reply(number, status, **found):
    words = "".join(f" {name}={encoded(value)}" for name, value in found.items())
    print(number, status.removeprefix("REDILOCK_").removeprefix("E_") + words, flush=True)


async def on_client(verb, client, words):
    if verb == "acquire":
        name, *words = words
        lock = client.lock(**values(words))
        await lock.__aenter__()  # acquire() tells less: False
        locks[name] = lock
        return {"fence": lock.fence}
    if verb == "attach":
        name, *words = words
        locks[name] = await client.attach(**values(words))
    elif verb == "release_token":
        await client.release(**values(words))
    elif verb == "extend_token":
        await client.extend(**values(words))
    elif verb == "break":
        await client.break_lock(**values(words))
    elif verb == "check":
        values(words)
        await client.check()
    elif verb == "close":
        await client.close()
    elif verb == "list":
        return {"names": [name async for name in client.names(**values(words))]}
    elif verb == "info" and not any(word.startswith("token=") for word in words):
        info = await client.info(**values(words))
        return {"state": info.state, "waiters": info.waiters, "label": info.label}
    else:
        raise Unable
    return {}


async def on_lock(verb, name, words):
    lock = locks[name]
    if verb == "release":
        await lock.release()
    elif verb == "extend":
        await lock.extend(int(words[0].removeprefix("ttl=")) / 1000)
    elif verb == "drop":
        del locks[name]
    elif verb == "detach":
        lock.detach()
    elif verb == "look":
        milliseconds = int(lock.remaining * 1000)
        return {"held": int(lock.held), "remaining": milliseconds, "fence": lock.fence, "token": lock.token}
    elif verb == "lost":
        await lock.lost_event.wait()
        lock.raise_if_lost()
    else:
        raise Unable
    return {}


async def serve(number, verb, name, words):
    try:
        if verb == "client":
            clients[name] = aio.Client(**values(words))
            found = {}
        elif verb == "cancel":
            tasks[name].cancel()
            found = {}
        elif name in clients:
            found = await on_client(verb, clients[name], words)
        else:
            found = await on_lock(verb, name, words)
        reply(number, "OK", **found)
    except asyncio.CancelledError:
        reply(number, "CANCELLED")
    except redilock.RedilockError as error:
        reply(number, error.status)
    except (WrongText, TypeError):  # also an option that Python's call does not have
        reply(number, "INVALID")
    except Unable:
        reply(number, "UNABLE")


async def main():
    loop = asyncio.get_running_loop()
    requests = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(requests), sys.stdin)
    while line := await requests.readline():
        number, verb, name, *words = line.decode().split()
        tasks[number] = loop.create_task(serve(number, verb, name, words))
    locks.clear()
    for client in clients.values():
        await client.close()


asyncio.run(main())
