"""The blocking client and its locks.

Any thread may use a client. A lock object is one holder: give each thread its own, they are cheap.
A blocked acquire can be ended by Ctrl-C, and by any signal whose handler raises.
"""

from __future__ import annotations

import contextlib
import sys
import weakref
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from . import _core
from ._decorating import guarded
from ._hubs import caller, start_thread
from ._info import LockInfo
from ._lease import Lease
from ._naming import names_lock
from ._options import OptionValue, Seconds, Settings, ttl_ms
from ._request import Name, Request, closed, named_op, renew_after_fork
from ._waits import Waits
from .errors import LostError, NotAcquiredError, RedilockError

_Self = TypeVar("_Self", bound="Client")
_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class Client:
    """A connection to one Redis server, shared by all locks that are taken over it.

    `url` is `redis://[user[:password]@]host[:port][/db]` or `unix:///path/to.sock`; without one it
    is REDILOCK_URL from the environment, or else `redis://127.0.0.1:6379/0`. The options are those
    of the C library (`redilock.options()` lists all): `timeout`, `password`, `prefix`, and defaults
    for locks such as `ttl` and `wait`. Durations are seconds.

    Nothing is asked of the server before the first lock. After a fork the child has connections of
    its own, and so has a copy that was pickled; locks stay with the process that acquired them.
    """

    def __init__(self, url: str | None = None, **options: OptionValue) -> None:
        self._settings = Settings(url, options)
        self._open()

    def _open(self) -> None:
        self._waits: Waits | None = Waits(self._settings)
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
        can be False where no fence is needed; `label` shows people who holds it.
        Leaving a `with` after the lock was lost raises LostError, unless `raise_lost` is False.
        """
        request = Request.make(name, ttl, wait, renew, max_hold, fence, label)
        return Lock(self, request, raise_lost)

    @names_lock
    def release(self, name: Name, token: str) -> None:
        """Releases a lock by its token, from any process or host; NotOwnerError if not its."""
        self._here().release_token(name, token)

    @names_lock
    def extend(self, name: Name, token: str, ttl: Seconds) -> None:
        """Extends a lock by its token to last at least `ttl` from now."""
        self._here().extend_token(name, token, ttl_ms(ttl))

    @names_lock
    def info(self, name: Name) -> LockInfo:
        """Who holds the lock of a name, for how long, and who waits. Changes nothing."""
        waits = self._here()
        return LockInfo.read(waits.call(_core.op_info, named_op(waits.core, name)))

    def names(self, pattern: Name | None = None) -> Iterator[bytes]:
        """The names that redilock holds or waits for on the server; `pattern` is a glob."""
        waits = self._here()
        found = _core.list_new(waits.core, "*" if pattern is None else pattern)
        while (name := waits.call(_core.list_next, found)) is not None:
            yield name

    def locked(self, name: Name) -> bool:
        """Whether anybody holds the lock of a name: any client, of any kind."""
        return self.info(name).state != "free"

    @names_lock
    def attach(
        self,
        name: Name,
        token: str,
        *,
        ttl: Seconds | None = None,
        renew: bool | None = None,
        max_hold: Seconds | None = None,
        raise_lost: bool = True,
    ) -> Lock:
        """The held lock of a name by its token, from `Lock.detach` or `Lock.token`, extended by
        `ttl`: so another process renews, watches and releases it. NotOwnerError if the token does
        not hold it. A `with` of the lock releases it at the end.
        """
        request = Request.make(name, ttl, None, renew, max_hold, None, None)
        waits = self._here()
        op = request.op(waits.core)
        _core.op_set_bytes(op, "token", token)
        lock = Lock(self, request, raise_lost)
        lock._lease = waits.call(_core.op_attach, op)
        lock._taken()
        lock._attached = True
        return lock

    def check(self) -> str:
        """Asks the server for everything that locks need, and changes nothing: for the start of a
        program and for health probes. Returns the server's address and version; otherwise raises
        what is missing, such as AuthError with the rule of an ACL.
        """
        waits = self._here()
        op = _core.op_new(waits.core)
        waits.call(_core.op_check, op)
        return _core.op_message(op)

    @names_lock
    def break_lock(self, name: Name) -> None:
        """Takes the lock away from its holder. NotOwnerError if nobody does."""
        waits = self._here()
        waits.call(_core.op_break, named_op(waits.core, name))

    def close(self) -> None:
        """Ends waits under way by ClosedError, and closes the connections. Releases nothing."""
        waits, self._waits = self._waits, None
        if waits is not None:
            waits.close()

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _here(self) -> Waits:
        """How this thread or greenlet calls."""
        waits = self._waits
        if waits is None:
            raise closed()
        return waits.here()

    def __repr__(self) -> str:
        closed = " closed" if self._waits is None else ""
        return f"<{type(self).__module__}.{type(self).__name__} {self._settings.shown()}{closed}>"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_waits": self._waits is not None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _waits=None)
        if state["_waits"]:
            self._open()

    def _forked(self) -> None:
        if self._waits is not None:
            self._open()

    def _acquire(self, request: Request) -> _core.Lock:
        return self._here().acquire(request)

    def _release(self, lease: _core.Lock) -> None:
        if self._waits is None:
            _core.release(lease)  # which says why it cannot; it is done later
        else:
            self._here().release(lease)


class Lock(Lease):
    """One holder of one name, from `Client.lock`. It can be acquired again after its release."""

    __slots__ = ("_watched",)

    _client: Client

    def __init__(self, client: Client, request: Request, raise_lost: bool) -> None:
        super().__init__(client, request, raise_lost)
        self._watched: _core.Lock | None = None

    def acquire(self, wait: Seconds | None = None) -> bool:
        """Waits for the lock, in the order of arrival; whether it was granted.

        `wait` stands for the one the lock was made with. False is for a lock that somebody else
        holds; whatever else goes wrong is raised.
        """
        call, before = object(), self._lease
        try:
            self._enter(call, wait, False)
            return True
        except NotAcquiredError:
            return False
        except BaseException:
            self._take_back(call, before)
            raise

    def release(self) -> None:
        """Hands the lock to the next waiter. LostError if it was lost before."""
        lease = self._granted()
        self._released = True  # also if this greenlet is killed now: the release goes on
        try:
            self._client._release(lease)
        except Exception as error:
            self._released = False
            if isinstance(error, RedilockError):
                error.lock_name = self.name
            raise

    @names_lock
    def extend(self, ttl: Seconds | None = None) -> None:
        """Extends the lease to at least `ttl` (or the lock's own) from now; never shortens it."""
        lease = self._granted()
        self._client._here().extend(lease, self._request.extension_ms(self._client._settings, ttl))

    def __enter__(self) -> Lock:
        call, before = object(), self._lease
        try:
            if not self._is_attached():
                self._enter(call, None, True)
            self._entered_by = caller()
            return self
        except BaseException:
            self._take_back(call, before)
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self._lease is not None:  # not detached
                self.release()
        except RedilockError as failure:
            if not self._left(failure, kind is not None):
                raise
        except BaseException:  # of a signal handler, or a greenlet that is killed
            self._drop_held()
            raise
        finally:
            self._entered_by = None

    def __call__(self, function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
        """As a decorator: each call of the function holds a lock of its own."""
        return guarded(
            function, lambda: Lock(self._client, self._request, self._raise_lost), "redilock.aio"
        )

    def _enter(self, call: object, wait: Seconds | None, entering: bool) -> None:
        try:
            request = self._begin(call, wait, caller(), entering)
            # Stored at once: a handler that raises finds it in no variable of another function.
            self._lease = self._client._acquire(request)
            self._taken()
        except RedilockError as error:
            error.lock_name = self.name
            raise
        finally:
            self._end(call)

    def _watch(self, lease: _core.Lock) -> None:
        if self._watched is lease:
            return
        self._watched = lease
        start_thread(_wait_for_loss, weakref.ref(self), lease)

    def _drop(self, lease: _core.Lock) -> None:
        if self._watched is None:
            super()._drop(lease)
        elif not sys.is_finalizing():  # the thread that watches still has the handle
            start_thread(_release, lease)


def _wait_for_loss(watched: weakref.ref[Lock], lease: _core.Lock) -> None:
    """Blocks until the lock is lost, released, or its client closed."""
    try:
        _core.lock_wait_lost(lease, -1)
    except LostError:
        lock = watched()
        if lock is not None and lock._lease is lease:
            lock._report_loss()
    except RedilockError:
        pass


def _release(lease: _core.Lock) -> None:
    with contextlib.suppress(RedilockError):
        _core.release(lease)
