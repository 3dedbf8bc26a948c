"""The blocking client and its locks.

Any thread may use a client. A lock object is one holder: give each thread its own, they are cheap.
A blocked acquire can be ended by Ctrl-C, and by any signal whose handler raises.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import itertools
import math
import select
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, cast

from . import _core
from ._request import (
    Lease,
    LockInfo,
    Name,
    OptionValue,
    Request,
    Seconds,
    Settings,
    closed,
    named_op,
    renew_after_fork,
    ttl_ms,
    wait_ms,
)
from .errors import (
    HeldError,
    LostError,
    NotAcquiredError,
    OperationCancelledError,
    RedilockError,
    SignalledError,
)

_Self = TypeVar("_Self", bound="Client")
_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

# For so long an exception waits until the place in the queue is given up.
_LEAVE_S = 0.1
# By so much a wait may be overshot where the server does not answer.
_GRACE_MS = 1000


class Client:
    """A connection to one Redis server, shared by all locks that are taken over it.

    `url` is `redis://[user[:password]@]host[:port][/db]` or `unix:///path/to.sock`; without one it
    is REDILOCK_URL from the environment, or else `redis://127.0.0.1:6379/0`. The options are those
    of the C library (`redilock.options()` tells all): `timeout`, `password`, `prefix`, and defaults
    for locks such as `ttl` and `wait`. Durations are seconds.

    Nothing is asked of the server before the first lock. After a fork the child has connections of
    its own, and so has a copy that was pickled; locks stay with the process that acquired them.
    """

    def __init__(self, url: str | None = None, **options: OptionValue) -> None:
        self._settings = Settings(url, options)
        self._core: _core.Client | None = self._settings.client()
        self._start()

    def _start(self) -> None:
        self._wait = self._settings.duration("wait")
        self._timeout = self._settings.duration("timeout")
        self._tags = itertools.count(1)
        self._waits: set[_core.Op] = set()
        self._polls = False
        renew_after_fork(self)

    def lock(
        self,
        name: Name,
        *,
        ttl: Seconds | None = None,
        wait: Seconds | None = None,
        renew: bool | None = None,
        max_hold: Seconds | None = None,
        fence: bool | None = None,
        label: str | None = None,
        raise_lost: bool = True,
    ) -> Lock:
        """A lock that is not acquired yet: for `with`, as a decorator, or by its methods.

        `ttl` is the lease, 30 s if nothing else was said; `wait` how long to wait for it (0 tries
        once, `math.inf` has no end, which is the default). With `renew` the lease is extended in
        the background until the release, or until `max_hold` after the grant (24 hours). `fence`
        can be False where no fencing token is needed; `label` tells people who holds it.
        Leaving a `with` after the lock was lost raises LostError, unless `raise_lost` is False.
        """
        request = Request.make(name, ttl, wait, renew, max_hold, fence, label)
        return Lock(self, request, raise_lost)

    def release(self, name: Name, token: str) -> None:
        """Releases a lock by its token, from any process or host; NotOwnerError if not its."""
        _core.release_token(self._alive(), name, token)

    def extend(self, name: Name, token: str, ttl: Seconds) -> None:
        """Extends a lock by its token to last at least `ttl` from now."""
        op = named_op(self._alive(), name, token)
        _core.op_set_int(op, "ttl", ttl_ms(ttl))
        _core.op_extend(op, None)

    def info(self, name: Name) -> LockInfo:
        """Who holds the lock of a name, for how long, and who waits. Changes nothing."""
        return LockInfo.read(_core.op_info(named_op(self._alive(), name)))

    def names(self, pattern: Name | None = None) -> Iterator[bytes]:
        """The names that redilock holds or waits for on the server; `pattern` is a glob."""
        op = _core.op_new(self._alive())
        if pattern is not None:
            _core.op_set_bytes(op, "name", pattern)
        found = _core.op_list(op)
        while (name := _core.list_next(found)) is not None:
            yield name

    def break_lock(self, name: Name) -> None:
        """Takes the lock away from whoever holds it. NotOwnerError if nobody does."""
        _core.op_break(named_op(self._alive(), name))

    def close(self) -> None:
        """Ends waits under way by ClosedError, and closes the connections. Releases nothing."""
        self._core = None
        for op in list(self._waits):
            _core.op_cancel(op)

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _alive(self) -> _core.Client:
        core = self._core
        if core is None:
            raise closed()
        return core

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state["_core"] = self._core is not None
        del state["_waits"], state["_polls"], state["_tags"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._core = self._settings.client() if state["_core"] else None
        self._start()

    def _forked(self) -> None:
        self._waits = set()
        self._polls = False
        if self._core is not None:
            self._core = self._settings.client()

    def _acquire(self, request: Request) -> _core.Lock:
        core = self._core
        if core is None:
            raise closed()
        if threading.get_ident() != threading.main_thread().ident:
            return self._block(core, request, False)
        # Python runs signal handlers on this thread alone. What takes one request is asked at once;
        # a wait, and a request that a signal broke off, go on by the client's own thread, where no
        # handler costs the place in the queue.
        wait = self._wait if request.wait is None else request.wait
        end = time.monotonic() + wait / 1000 if wait > 0 else None
        while self._polls:  # this is a handler, while its thread waits already
            try:
                return self._block(core, request, True)
            except SignalledError:
                request = _shortened(request, end)
        # Asking at once may take the whole timeout, of which a shorter wait has no use.
        if end is None or wait + _GRACE_MS >= self._timeout:
            try:
                return _try(core, request)
            except SignalledError:
                pass
            except HeldError:
                if wait == 0:
                    raise
        return self._poll(core, _shortened(request, end))

    def _block(self, core: _core.Client, request: Request, interruptible: bool) -> _core.Lock:
        op = request.op(core)
        _core.op_set_int(op, "interruptible", interruptible)
        self._begin(op)
        try:
            return _core.op_acquire(op)
        except OperationCancelledError:
            raise closed() from None
        finally:
            self._waits.discard(op)

    def _poll(self, core: _core.Client, request: Request) -> _core.Lock:
        op, tag = request.op(core), next(self._tags)
        self._begin(op)
        self._polls = True
        try:
            _core.op_submit_acquire(op, tag)
            _ended(core, tag, _core.COMPLETION_ACQUIRE, math.inf)
            _core.op_check(op)
            return _core.op_take_lock(op)
        except OperationCancelledError:
            raise closed() from None
        except RedilockError:
            raise
        except BaseException:
            _core.op_cancel(op)
            with contextlib.suppress(RedilockError):
                self._leave(core, op, tag)
            raise
        finally:
            self._polls = False
            self._waits.discard(op)
            del op  # if leaving took too long, the C library goes on with it when nobody has it

    def _leave(self, core: _core.Client, op: _core.Op, tag: int) -> None:
        """Out of the queue, or gives back what was granted meanwhile."""
        end = time.monotonic() + _LEAVE_S
        lease = _granted(op)  # the exception may have come when its completion was just taken
        if lease is None and _ended(core, tag, _core.COMPLETION_ACQUIRE, end):
            lease = _granted(op)
        if lease is not None:
            release, tag = _core.op_new(core), next(self._tags)
            _core.op_submit_release(release, lease, tag)
            _ended(core, tag, _core.COMPLETION_RELEASE, end)

    def _begin(self, op: _core.Op) -> None:
        self._waits.add(op)
        if self._core is None:  # another thread closed it just now
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


def _ended(core: _core.Client, tag: int, kind: int, end: float) -> bool:
    """Waits for a completion, until `end`; whether it came."""
    # Nobody else waits by this client's descriptor, and nothing is told of operations let go.
    poll = select.poll()
    poll.register(_core.client_fd(core), select.POLLIN)
    while True:
        if any(each[:2] == (tag, kind) for each in _core.completions(core, 64)):
            return True
        left = end - time.monotonic()
        if left <= 0:
            return False
        poll.poll(None if left == math.inf else left * 1000)


def _granted(op: _core.Op) -> _core.Lock | None:
    try:
        return _core.op_take_lock(op)
    except RedilockError:
        return None


class Lock(Lease):
    """One holder of one name, from `Client.lock`. It can be acquired again after its release."""

    __slots__ = ("_client",)

    def __init__(self, client: Client, request: Request, raise_lost: bool) -> None:
        super().__init__(request, raise_lost)
        self._client = client

    def acquire(self, wait: Seconds | None = None) -> bool:
        """Waits for the lock, in the order of arrival; whether it was granted.

        `wait` stands for the one the lock was made with. False is for a lock that somebody else
        holds; whatever else goes wrong is raised.
        """
        try:
            self._enter(wait)
        except NotAcquiredError:
            return False
        return True

    def release(self) -> None:
        """Hands the lock to the next waiter. LostError if it was lost before."""
        lease = self._granted()
        _core.release(lease)
        self._released = True

    def extend(self, ttl: Seconds | None = None) -> None:
        """Extends the lease to at least `ttl` (or the lock's own) from now; never shortens it."""
        lease = self._granted()
        if ttl is not None:
            _core.extend(lease, ttl_ms(ttl))
        else:
            _core.op_extend(self._request.op(self._client._alive()), lease)

    def __enter__(self) -> Lock:
        self._enter(None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.release()
        except LostError:
            if kind is None and self._raise_lost:
                raise
        except RedilockError:
            if kind is None:  # what went wrong inside says more
                raise

    def __call__(self, function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
        """As a decorator: each call of the function holds a lock of its own meanwhile."""
        if (
            inspect.iscoroutinefunction(function)
            or inspect.isgeneratorfunction(function)
            or inspect.isasyncgenfunction(function)
        ):  # their calls return before anything of them has run
            raise TypeError("a lock of redilock.Client guards plain functions; see redilock.aio")

        @functools.wraps(function)
        def locked(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
            with Lock(self._client, self._request, self._raise_lost):
                return function(*args, **kwargs)

        return locked

    def _enter(self, wait: Seconds | None) -> None:
        if self.held:
            raise RuntimeError(f"this object holds the lock {self.name!r} already")
        request = self._request
        if wait is not None:
            request = request._replace(wait=wait_ms(wait))
        self._take(self._client._acquire(request))
