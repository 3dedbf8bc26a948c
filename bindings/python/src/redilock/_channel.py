"""One C client on one event loop: what is submitted there, and the completions that come of it by a
descriptor which the loop watches.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import weakref
from collections.abc import Callable
from typing import Protocol

from . import _core
from ._request import Request, closed
from .errors import OperationCancelledError, RedilockError

_End = asyncio.Future[int]

# For so long a cancelled task, or a close, waits until places in the queue are given up.
_LEAVE_S = 0.1
_BATCH = 256
# What is left of a lease is given in whole milliseconds.
_ROUNDING_S = 0.001


class Holder(Protocol):
    """A lock that learns of its loss, as aio.Lock does."""

    _tag: int

    @property
    def held(self) -> bool: ...

    @property
    def lost(self) -> bool: ...

    @property
    def remaining(self) -> float: ...

    def _report_loss(self) -> None: ...


class Channel:
    """One C client on one event loop: completions come by its descriptor."""

    def __init__(self, core: _core.Client, loop: asyncio.AbstractEventLoop) -> None:
        self._fd = -1
        self._core: _core.Client | None = core
        self.loop = loop
        self._holders: weakref.WeakValueDictionary[int, Holder] = weakref.WeakValueDictionary()
        self._ends: dict[int, _End] = {}
        self._acquiring: dict[int, _core.Op] = {}
        self._closing = False
        self.gone = asyncio.Event()
        """Set once it was closed and the C client is freed."""
        self._tags = itertools.count(1)
        self._fd = _core.client_fd(core)
        loop.add_reader(self._fd, _Reader(self))

    def __del__(self) -> None:
        if self._fd >= 0:
            _on_loop(self.loop, _unwatch, self.loop, self._fd, self._core)

    @property
    def core(self) -> _core.Client:
        """The C client, until it is freed."""
        if self._core is None:
            raise closed()
        return self._core

    def close(self) -> None:
        """Ends what is under way, then frees the C client; from any thread."""
        if not _on_loop(self.loop, self._close):  # a closed loop watches nothing, and wakes nobody
            self._fd, self._core = -1, None

    def _close(self) -> None:
        if self._closing:
            return
        self._closing = True
        _core.client_close(self.core)
        if self._ends:
            self.loop.call_later(_LEAVE_S, self._free)
        else:
            self._free()

    def _free(self) -> None:
        if self._fd >= 0:
            _unwatch(self.loop, self._fd, self._core)
        # Here, as locks may keep this channel: they would be renewed.
        self._fd, self._core = -1, None
        ends, self._ends = self._ends, {}
        for end in ends.values():
            if not end.done():
                end.set_exception(closed())
                end.exception()  # nobody may be left to hear it
        if not self.gone.is_set():
            self.gone.set()
            for tag in list(self._holders):
                self._tell_when_lost(tag)

    def forget(self) -> None:
        """In a forked child: leaves the loop as it is, which shares its epoll with the parent's."""
        self._fd = -1
        self._ends.clear()

    def _tag(self) -> int:
        return next(self._tags)

    def _expect(self, tag: int) -> _End:
        end: _End = self.loop.create_future()
        self._ends[tag] = end
        return end

    def abandon(self) -> None:
        """The loop was closed, so that nobody hears of a grant: the C library takes back what
        pending acquires have, once it has their operations alone.
        """
        self._acquiring.clear()
        self._ends.clear()

    async def release(self, lease: _core.Lock) -> None:
        """Releases a lock that was acquired here, from any loop."""
        if self._is_here():
            await self.run(_core.op_submit_release, _core.op_new(self.core), lease)
        else:
            await asyncio.to_thread(_core.release, lease)

    async def extend(self, lease: _core.Lock, ttl: int) -> None:
        """Extends a lock that was acquired here, from any loop."""
        if self._is_here():
            op = _core.op_new(self.core)
            _core.op_set_int(op, "ttl", ttl)
            await self.run(_core.op_submit_extend, op, lease)
        else:
            await asyncio.to_thread(_core.extend, lease, ttl)

    def _is_here(self) -> bool:
        return asyncio.get_running_loop() is self.loop

    async def run(
        self,
        submit: Callable[[_core.Op, _core.Lock | None, int], None],
        op: _core.Op,
        lock: _core.Lock | None,
    ) -> None:
        """Submits a release or an extension; it is carried out also if the caller is cancelled."""
        if self._fd < 0:
            raise closed()
        tag = self._tag()
        submit(op, lock, tag)
        try:
            await self._expect(tag)
        finally:
            self._ends.pop(tag, None)
        _core.op_raise(op)

    async def acquire(self, request: Request, lock: Holder | None) -> _core.Lock:
        """Submits an acquire and waits for its grant; `lock` learns of the loss."""
        tag = self._tag()
        if lock is not None:
            self._holders[tag] = lock
            lock._tag = tag
        # Nothing else has the operation while it is pending: see abandon.
        self._acquiring[tag] = request.op(self.core)
        taken = None
        try:
            _core.op_submit_acquire(self._acquiring[tag], tag)
            await self._expect(tag)
            op = self._acquiring[tag]
            _core.op_raise(op)
            taken = _core.op_take_lock(op)
            if lock is not None:
                _core.lock_watch(taken, tag)
            return taken
        except OperationCancelledError:
            self.forget_holder(tag)
            raise closed() from None
        except asyncio.CancelledError:
            self.forget_holder(tag)
            op = self._acquiring.pop(tag)
            _core.op_cancel(op)
            with contextlib.suppress(RedilockError, asyncio.TimeoutError):
                await asyncio.wait_for(self._left(op, tag), _LEAVE_S)
            del op  # if that took too long, the C library goes on with it when nobody has it
            raise
        except BaseException:
            self.forget_holder(tag)
            if taken is not None:
                _core.drop_lock(taken)
            raise
        finally:
            self._ends.pop(tag, None)
            self._acquiring.pop(tag, None)

    def watch(self, lock: Holder, lease: _core.Lock) -> None:
        """Reports to the lock the loss of a grant that did not come by acquire()."""
        tag = self._tag()
        self._holders[tag] = lock
        lock._tag = tag
        _core.lock_watch(lease, tag)

    def forget_holder(self, tag: int) -> None:
        """Reports no loss of this grant."""
        self._holders.pop(tag, None)

    async def _left(self, op: _core.Op, tag: int) -> None:
        if tag in self._ends:
            await self._expect(tag)
        _core.op_raise(op)
        await self.run(_core.op_submit_release, _core.op_new(self.core), _core.op_take_lock(op))

    def drain(self) -> None:
        """Takes the completions that wait."""
        for tag, kind, status in _core.completions(self.core, _BATCH):
            if kind == _core.COMPLETION_LOSS:
                self._report_loss(tag)
                continue
            end = self._ends.pop(tag, None)
            if end is not None and not end.done():
                end.set_result(status)
        if self._closing and not self._ends:
            self._free()

    def _report_loss(self, tag: int) -> None:
        lock = self._holders.pop(tag, None)
        if lock is not None and lock._tag == tag:
            lock._report_loss()

    def _tell_when_lost(self, tag: int) -> None:
        """Reports a loss by the clock alone, as nothing comes from a C client that was freed."""
        lock = self._holders.get(tag)
        if lock is None:
            return
        if lock.held:
            self.loop.call_later(lock.remaining + _ROUNDING_S, self._tell_when_lost, tag)
        elif lock.lost:
            self._report_loss(tag)


def _on_loop(loop: asyncio.AbstractEventLoop, call: Callable[..., None], *args: object) -> bool:
    """Calls it on the loop's own thread, at once if this is it; False where the loop is closed."""
    try:
        here = asyncio.get_running_loop() is loop
    except RuntimeError:
        here = False
    if here:
        call(*args)
        return True
    try:
        loop.call_soon_threadsafe(call, *args)
    except RuntimeError:
        return False
    return True


def _unwatch(loop: asyncio.AbstractEventLoop, fd: int, core: _core.Client | None) -> None:
    """The end of a channel. `core` has to live until then: the descriptor is its."""
    loop.remove_reader(fd)


class _Reader:
    """What a loop calls when completions wait. A loop that is closed drops it."""

    def __init__(self, channel: Channel) -> None:
        # Weak, so that the loop does not keep a client that nobody has.
        self._channel = weakref.ref(channel)

    def __call__(self) -> None:
        channel = self._channel()
        if channel is not None:
            channel.drain()

    def __del__(self) -> None:
        channel = self._channel()
        if channel is not None and channel.loop.is_closed():
            channel.abandon()
