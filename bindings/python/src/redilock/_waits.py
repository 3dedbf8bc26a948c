"""How a thread waits for a lock: blocked in the C library, but for the main thread, which alone
runs Python's signal handlers. There the client's own thread waits, and this one for its completion.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import select
import threading
import time
from typing import cast

from . import _core
from ._options import Settings
from ._request import Request, closed
from .errors import HeldError, OperationCancelledError, RedilockError, SignalledError

# For so long an exception waits until the place in the queue is given up.
_LEAVE_S = 0.1


class Waits:
    """The waits on a C client of their own, for as long as it is not closed."""

    def __init__(self, settings: Settings) -> None:
        self.core = settings.client()
        self._wait = settings.duration("wait")
        self._timeout = settings.duration("timeout")
        self._ops: set[_core.Op] = set()
        self._tags = itertools.count(1)
        self._polls = False
        self._closed = False

    def close(self) -> None:
        """Ends them all by ClosedError."""
        self._closed = True
        for op in list(self._ops):
            _core.op_cancel(op)

    def acquire(self, request: Request) -> _core.Lock:
        """Waits for a lock, on whatever thread this is."""
        if threading.get_ident() != threading.main_thread().ident:
            return self._block(request, False)
        # What takes one request is asked at once; a wait, and a request that a signal broke off, go
        # on by the client's own thread, where no handler costs the place in the queue.
        wait = self._wait if request.wait is None else request.wait
        end = time.monotonic() + wait / 1000 if wait > 0 else None
        while self._polls:  # this is a handler, while its thread waits already
            try:
                return self._block(request, True)
            except SignalledError:
                request = _shortened(request, end)
        # Asking at once may take the whole timeout, which a shorter wait has not.
        if end is None or wait >= self._timeout:
            try:
                return _try(self.core, request)
            except SignalledError:
                pass
            except HeldError:
                if wait == 0:
                    raise
        return self._poll(_shortened(request, end))

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

    def _poll(self, request: Request) -> _core.Lock:
        op, tag = request.op(self.core), next(self._tags)
        self._begin(op)
        self._polls = True
        try:
            _core.op_submit_acquire(op, tag)
            self._ended(tag, _core.COMPLETION_ACQUIRE, math.inf)
            _core.op_raise(op)
            return _core.op_take_lock(op)
        except OperationCancelledError:
            raise closed() from None
        except RedilockError:
            raise
        except BaseException:
            _core.op_cancel(op)
            with contextlib.suppress(RedilockError):
                self._leave(op, tag)
            raise
        finally:
            self._polls = False
            self._ops.discard(op)
            del op  # if leaving took too long, the C library goes on with it when nobody has it

    def _leave(self, op: _core.Op, tag: int) -> None:
        """Out of the queue, or gives back what was granted meanwhile."""
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
        # Nobody else waits by this descriptor, and nothing is told of operations let go.
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


def _try(core: _core.Client, request: Request) -> _core.Lock:
    if request.is_plain:
        return _core.try_acquire(core, request.name, cast(int, request.ttl))
    op = request.op(core)
    _core.op_set_int(op, "interruptible", 1)
    _core.op_set_int(op, "wait", 0)
    return _core.op_acquire(op)


def _shortened(request: Request, end: float | None) -> Request:
    if end is None:
        return request
    return request._replace(wait=max(1, math.ceil((end - time.monotonic()) * 1000)))


def _granted(op: _core.Op) -> _core.Lock | None:
    try:
        return _core.op_take_lock(op)
    except RedilockError:
        return None
