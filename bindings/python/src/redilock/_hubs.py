"""The hubs of gevent and eventlet: how a greenlet waits while its hub runs the others.

`current_hub` is asked at each call, so a program may import or patch in any order. A host is known
only if the program has imported it, and only a thread where it runs greenlets has a hub.
"""

from __future__ import annotations

import _thread
import importlib
import sys
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

_Result = TypeVar("_Result")


class Hub(Protocol):
    """The greenlets of one thread, seen from one that may wait."""

    key: Any
    """The host's own hub: the same for all greenlets of the thread. It takes weak references."""

    def watch(self, fd: int, call: Callable[..., None]) -> Callable[[], None]:
        """The hub calls `call` whenever the descriptor is readable, until the result is called."""

    def event(self) -> Any:
        """What one greenlet waits for: `wait` returns true after a `wake`, else after a timeout."""

    def wake(self, event: Any) -> None:
        """Lets the greenlet go on that waits for the event. Never switches to it."""

    def run(self, call: Callable[..., _Result], *arguments: Any) -> _Result:
        """Runs a call that blocks on another thread, and waits for its end."""


def current_hub() -> Hub | None:
    """The hub that runs other greenlets while this one waits.

    None on a thread without a hub, and in the hub itself, where nothing can wait.
    """
    if "gevent._hub_local" in sys.modules:
        hub = _found(sys.modules["gevent._hub_local"], "get_hub_if_exists")
        if hub is not None and hub is not _current():
            return _Gevent(hub)
    if "eventlet.hubs" in sys.modules:
        hub = getattr(getattr(sys.modules["eventlet.hubs"], "_threadlocal", None), "hub", None)
        if hub is not None and hub.greenlet is not _current():
            return _Eventlet(hub)
    return None


def caller() -> object:
    """The thread or greenlet that calls."""
    return _current() if "greenlet" in sys.modules else _thread.get_ident()


def start_thread(function: Callable[..., object], *arguments: Any) -> None:
    """Runs a function that blocks on a thread of the operating system, also where a host has
    replaced Python's threads. The thread does not keep the process from ending.
    """
    start: Any = _thread.start_new_thread
    if "gevent.monkey" in sys.modules:
        start = sys.modules["gevent.monkey"].get_original("_thread", "start_new_thread")
    elif "eventlet.patcher" in sys.modules:
        start = sys.modules["eventlet.patcher"].original("_thread").start_new_thread
    start(function, arguments)


def _found(module: Any, name: str) -> Any:
    """What a function of a module returns; None while the module is being imported."""
    function = getattr(module, name, None)
    return None if function is None else function()


def _current() -> Any:
    return sys.modules["greenlet"].getcurrent()


class _Gevent:
    def __init__(self, hub: Any) -> None:
        self.key = hub

    def watch(self, fd: int, call: Callable[..., None]) -> Callable[[], None]:
        watcher = self.key.loop.io(fd, 1)  # 1: to read
        watcher.start(call)

        def stop() -> None:
            watcher.stop()
            watcher.close()

        return stop

    def event(self) -> Any:
        return importlib.import_module("gevent.event").Event()

    def wake(self, event: Any) -> None:
        event.set()

    def run(self, call: Callable[..., _Result], *arguments: Any) -> _Result:
        result: _Result = self.key.threadpool.apply(call, arguments)
        return result


class _Eventlet:
    def __init__(self, hub: Any) -> None:
        self.key = hub

    def watch(self, fd: int, call: Callable[..., None]) -> Callable[[], None]:
        listener = self.key.add(self.key.READ, fd, call, call, None)

        def stop() -> None:
            self.key.remove(listener)

        return stop

    def event(self) -> Any:
        return importlib.import_module("eventlet.event").Event()

    def wake(self, event: Any) -> None:
        if not event.ready():
            event.send(True)

    def run(self, call: Callable[..., _Result], *arguments: Any) -> _Result:
        threads = importlib.import_module("eventlet.tpool")
        result: _Result = threads.execute(call, *arguments)
        return result
