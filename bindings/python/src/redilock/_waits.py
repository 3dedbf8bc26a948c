"""How a thread or a greenlet waits for a lock. A thread blocks in the C library, except the main
one, which alone runs Python's signal handlers: there the client's own thread waits, and this one
waits for its completion. So does a greenlet, while its hub runs the others.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import select
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, TypeVar, cast

from . import _core
from ._hubs import Hub, current_hub
from ._options import Settings
from ._request import Name, Request, closed, named_op
from .errors import (
    InvalidError,
    OperationCancelledError,
    RedilockError,
    SignalledError,
)

_Result = TypeVar("_Result")

# For so long an exception waits until the place in the queue is given up.
_LEAVE_S = 0.1
_BATCH = 256
_ANY_KIND = 0


class Waits:
    """The calls of threads on a C client of their own, for as long as it is not closed."""

    def __init__(self, settings: Settings) -> None:
        self.core = settings.client()
        self._settings = settings
        # By the host's hub. With it goes its C client, as when a thread ends.
        self._of_hubs: weakref.WeakKeyDictionary[Any, HubWaits] = weakref.WeakKeyDictionary()
        self._wait = settings.duration("wait")
        self._ops: set[_core.Op] = set()
        self._tags = itertools.count(1)
        self._polls = False
        self._closed = False

    def here(self) -> Waits:
        """These, or those of the hub whose greenlet calls."""
        hub = current_hub()
        if hub is None:
            return self
        waits = self._of_hubs.get(hub.key)
        if waits is None:
            waits = self._of_hubs[hub.key] = HubWaits(self._settings)
        return waits

    def close(self) -> None:
        """Ends them all by ClosedError."""
        self._closed = True
        for op in list(self._ops):
            _core.op_cancel(op)
        for waits in list(self._of_hubs.values()):
            waits.close()

    def release(self, lease: _core.Lock) -> None:
        """Releases a lock that was granted anywhere."""
        _core.release(lease)

    def extend(self, lease: _core.Lock, ttl: int) -> None:
        """Extends a lock that was granted anywhere."""
        _core.extend(lease, ttl)

    def release_token(self, name: Name, token: str) -> None:
        """Releases a lock by its token."""
        _core.release_token(self.core, name, token)

    def extend_token(self, name: Name, token: str, ttl: int) -> None:
        """Extends a lock by its token."""
        op = named_op(self.core, name, token)
        _core.op_set_int(op, "ttl", ttl)
        _core.op_extend(op, None)

    def call(self, function: Callable[..., _Result], *arguments: object) -> _Result:
        """Whatever else asks the server, and blocks for the time of a request."""
        return function(*arguments)

    def acquire(self, request: Request) -> _core.Lock:
        """Waits for a lock, on whatever thread this is."""
        if threading.get_ident() != threading.main_thread().ident:
            return self._block(request, False)
        wait = self._wait if request.wait is None else request.wait
        end = time.monotonic() + wait / 1000 if wait > 0 else None
        while self._polls:  # this is a handler, while its thread waits already
            try:
                return self._block(request, True)
            except SignalledError:
                request = _shortened(request, end)
        try:
            return self._poll(request, self._start)
        except SignalledError:  # it broke off the first request, and its handler returned
            return self._poll(_shortened(request, end), self._submit)

    def _block(self, request: Request, interruptible: bool) -> _core.Lock:
        op = request.op(self.core)
        _core.op_set_int(op, "interruptible", interruptible)
        self._begin(op)
        try:
            return _core.op_acquire(op)
        except OperationCancelledError:
            raise closed() from None
        finally:
            self._ops.discard(op)

    def _start(self, request: Request, tag: int) -> _core.Lock | _core.Op:
        """Asks at once, on this thread: most locks are free. The wait for one that is not, in which
        no handler costs the place in the queue, is the client's own thread's.
        """
        if request.is_plain:
            wait = self._wait if request.wait is None else request.wait
            return _core.begin_acquire(self.core, request.name, cast(int, request.ttl), wait, tag)
        op = request.op(self.core)
        _core.op_set_int(op, "interruptible", 1)
        return _core.op_begin_acquire(op, tag) or op

    def _submit(self, request: Request, tag: int) -> _core.Op:
        op = request.op(self.core)
        _core.op_submit_acquire(op, tag)
        return op

    def _poll(
        self, request: Request, begin: Callable[[Request, int], _core.Lock | _core.Op]
    ) -> _core.Lock:
        tag, op, begun = next(self._tags), None, None
        self._polls = True
        try:
            begun = begin(request, tag)
            if isinstance(begun, _core.Lock):
                return begun
            op, begun = begun, None
            self._begin(op)
            self._ended(tag, _core.COMPLETION_ACQUIRE, math.inf)
            _core.op_raise(op)
            return _core.op_take_lock(op)
        except OperationCancelledError:
            raise closed() from None
        except RedilockError:
            raise
        except BaseException:
            if op is not None:
                _core.op_cancel(op)
                with contextlib.suppress(RedilockError):
                    self._leave(op, tag)
            if isinstance(begun, _core.Lock):
                _core.drop_lock(begun)
            raise
        finally:
            self._polls = False
            if op is not None:
                self._ops.discard(op)
            del op  # if leaving took too long, the C library goes on with it when nobody has it

    def _leave(self, op: _core.Op, tag: int) -> None:
        """Leaves the queue, or releases what was granted in between."""
        end = time.monotonic() + _LEAVE_S
        lease = _granted(op)  # the exception may have come when its completion was just taken
        if lease is None and self._ended(tag, _core.COMPLETION_ACQUIRE, end):
            lease = _granted(op)
        if lease is not None:
            release, tag = _core.op_new(self.core), next(self._tags)
            _core.op_submit_release(release, lease, tag)
            self._ended(tag, _core.COMPLETION_RELEASE, end)

    def _ended(self, tag: int, kind: int, end: float) -> bool:
        """Waits for a completion, until `end`; whether it came."""
        # Nobody else waits by this descriptor, and nothing is reported of operations let go.
        poll = select.poll()
        poll.register(_core.client_fd(self.core), select.POLLIN)
        while True:
            if any(each[:2] == (tag, kind) for each in _core.completions(self.core, 64)):
                return True
            left = end - time.monotonic()
            if left <= 0:
                return False
            poll.poll(None if left == math.inf else left * 1000)

    def _begin(self, op: _core.Op) -> None:
        self._ops.add(op)
        if self._closed:  # by another thread, just now
            _core.op_cancel(op)


class HubWaits(Waits):
    """The calls of a hub's greenlets: each submits its request, and the hub watches for the ends.

    A greenlet that waits here holds up no other, however many wait.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._events: dict[int, Any] = {}  # by tag, of the greenlets that wait
        self._unwatch: Callable[[], None] | None = None
        self._failure: RedilockError | None = None

    def acquire(self, request: Request) -> _core.Lock:
        return self._poll(request, self._submit)

    def release(self, lease: _core.Lock) -> None:
        if not self._done(_core.op_submit_release, _core.op_new(self.core), lease):
            self.call(_core.release, lease)

    def extend(self, lease: _core.Lock, ttl: int) -> None:
        op = _core.op_new(self.core)
        _core.op_set_int(op, "ttl", ttl)
        if not self._done(_core.op_submit_extend, op, lease):
            self.call(_core.extend, lease, ttl)

    def release_token(self, name: Name, token: str) -> None:
        self._done(_core.op_submit_release, named_op(self.core, name, token), None)

    def extend_token(self, name: Name, token: str, ttl: int) -> None:
        op = named_op(self.core, name, token)
        _core.op_set_int(op, "ttl", ttl)
        self._done(_core.op_submit_extend, op, None)

    def call(self, function: Callable[..., _Result], *arguments: object) -> _Result:
        return _hub().run(function, *arguments)

    def _done(
        self,
        submit: Callable[[_core.Op, _core.Lock | None, int], None],
        op: _core.Op,
        lease: _core.Lock | None,
    ) -> bool:
        """Submits a request and waits for its end, raised where it was not well. False for a lease
        of another C client, that is one granted on another thread or before there was a hub.
        """
        tag = next(self._tags)
        try:
            submit(op, lease, tag)
        except InvalidError:
            if lease is None:
                raise
            return False
        self._ended(tag, _ANY_KIND, math.inf)
        _core.op_raise(op)
        return True

    def _ended(self, tag: int, kind: int, end: float) -> bool:
        hub = _hub()
        event = hub.event()
        if not self._events:
            fd = _core.client_fd(self.core)
            self._unwatch = hub.watch(fd, lambda *_: self._drain(hub))
        self._events[tag] = event
        try:
            while not event.wait(None if end == math.inf else max(0.0, end - time.monotonic())):
                if time.monotonic() >= end:
                    return False
            if self._failure is not None:
                raise self._failure
            return True
        finally:
            del self._events[tag]
            if not self._events and self._unwatch is not None:
                self._unwatch()

    def _drain(self, hub: Hub) -> None:
        """Takes what has ended, and wakes those who wait for it. The hub itself runs this."""
        try:
            ended = [tag for tag, _, _ in _core.completions(self.core, _BATCH)]
        except RedilockError as failure:  # in a forked child
            self._failure = failure
            ended = list(self._events)
        for tag in ended:
            if tag in self._events:
                hub.wake(self._events[tag])


def _hub() -> Hub:
    """The hub of this greenlet, which has one."""
    hub = current_hub()
    assert hub is not None
    return hub


def _shortened(request: Request, end: float | None) -> Request:
    if end is None:
        return request
    return request._replace(wait=max(1, math.ceil((end - time.monotonic()) * 1000)))


def _granted(op: _core.Op) -> _core.Lock | None:
    try:
        return _core.op_take_lock(op)
    except RedilockError:
        return None
