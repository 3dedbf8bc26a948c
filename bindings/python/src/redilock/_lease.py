"""What the plain and the asyncio locks share: one grant, its loss, and who may use it."""

from __future__ import annotations

import _thread
import logging
import sys
import warnings
from collections.abc import Callable
from typing import Any

from . import _core
from ._log import logger
from ._options import Seconds, wait_ms
from ._request import Name, Request
from .errors import LostError, RedilockError

_Callback = tuple[Callable[..., object], tuple[Any, ...]]
_mutex = _thread.allocate_lock()


class Lease:
    """A lock that was granted; the base of both kinds of lock."""

    __slots__ = (
        "__weakref__", "_acquiring", "_attached", "_client", "_entered_by", "_lease", "_on_lost",
        "_raise_lost", "_released", "_request", "_reported",
    )  # fmt: skip

    def __init__(self, client: Any, request: Request, raise_lost: bool) -> None:
        self._client = client
        self._request = request
        self._raise_lost = raise_lost
        self._lease: _core.Lock | None = None
        self._released = False
        self._acquiring: dict[str, object] = {}
        """By whom it is being acquired. No exception leaves set what one step sets and clears."""
        self._entered_by: object = None
        """The thread or task that is inside a `with` of this lock."""
        self._attached = False  # and not entered yet
        self._on_lost: tuple[_Callback, ...] = ()
        self._reported = False  # the callbacks know of the loss of this grant

    def __del__(self) -> None:
        lease = getattr(self, "_lease", None)  # it may never have been made
        if lease is None or self._released or not _core.lock_is_held(lease):
            return
        if not sys.is_finalizing():  # else logging and warnings may be gone
            message = f"lock {self.name!r}: its object was dropped while held, so it is released"
            logger.warning(message)
            warnings.warn(message, ResourceWarning, source=self)
        self._drop(lease)

    def _drop(self, lease: _core.Lock) -> None:
        """Releases in the background a grant whose object is gone."""
        self._lease = None
        _core.drop_lock(lease)

    @property
    def name(self) -> Name:
        """The lock's name as it was given."""
        return self._request.name

    @property
    def held(self) -> bool:
        """Whether the lock is surely held now. By the local clock; asks nobody."""
        return self._lease is not None and bool(_core.lock_is_held(self._lease))

    @property
    def lost(self) -> bool:
        """Whether the lock was acquired, not released, and is held no more."""
        return self._lease is not None and not self._released and not self.held

    @property
    def remaining(self) -> float:
        """For how many more seconds the lock is surely held; 0.0 when it is not."""
        return 0.0 if self._lease is None else _core.lock_remaining_ms(self._lease) / 1000

    @property
    def fence(self) -> int:
        """The fence of this grant: a number above that of every earlier grant of the name.

        Pass it with each write, and let the store refuse what comes with a smaller one. 0 for a
        lock that was attached.
        """
        return _core.lock_fence(self._granted())

    @property
    def token(self) -> str:
        """The secret by which the lock can be released or extended from anywhere."""
        return _core.lock_token(self._granted()).decode("ascii")

    def detach(self) -> str:
        """Leaves the lock held and returns its token, by which another process can hold it: see
        `Client.attach`. This object neither holds nor renews the lock any more.
        """
        if self._on_lost:
            raise RuntimeError(f"lock {self.name!r}: on_lost watches it, so it cannot be detached")
        token, lease = self.token, self._granted()
        self._lease = None
        self._entered_by = None
        _core.leave_lock(lease)
        return token

    def raise_if_lost(self) -> None:
        """Raises LostError, with the reason, if the lock is lost. Asks nobody."""
        if self.lost:
            raise self._loss()

    def on_lost(self, callback: Callable[..., object], *args: Any) -> None:
        """Calls `callback(*args)` when this grant or a later one of this object is lost; at once
        if it is lost already. Never after the release.
        """
        with _mutex:
            self._on_lost = (*self._on_lost, (callback, args))
            reported = self._reported
        if reported:
            self._call(callback, args)
        elif self._lease is not None and not self._released:
            self._watch(self._lease)

    def _watch(self, lease: _core.Lock) -> None:
        """Has _report_loss called when this grant is lost."""

    def _report_loss(self) -> None:
        with _mutex:
            if self._reported:
                return
            self._reported = True
            callbacks = self._on_lost
        logger.warning("%s", self._loss())
        for callback, args in callbacks:
            self._call(callback, args)

    def _call(self, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        try:
            callback(*args)
        except Exception:
            logger.exception("lock %r: a callback of on_lost failed", self.name)

    def _loss(self) -> LostError:
        error = LostError(_core.lock_message(self._granted()) or f"lock {self.name!r} was lost")
        error.lock_name = self.name
        return error

    def _begin(self, call: object, wait: Seconds | None, caller: object, entering: bool) -> Request:
        """What an acquire asks for. Refuses a second caller, whose grant the first would release.

        The acquire has begun until `_end` is called with the same `call`.
        """
        if self._acquiring.setdefault("by", call) is not call:
            raise RuntimeError(f"lock {self.name!r}: this object is being acquired already")
        if self.held:
            raise RuntimeError(f"lock {self.name!r}: this object holds it already")
        if self._entered_by is not None and (entering or self._entered_by != caller):
            raise RuntimeError(
                f"lock {self.name!r}: a with block of this object was not left yet; give each "
                "caller an object of its own"
            )
        return self._request if wait is None else self._request._replace(wait=wait_ms(wait))

    def _end(self, call: object) -> None:
        if self._acquiring.get("by") is call:
            del self._acquiring["by"]

    def _take_back(self, call: object, before: _core.Lock | None) -> None:
        """An exception, as one of a signal handler, comes out of an acquire: it has no lock."""
        self._end(call)
        lease = self._lease
        if lease is not None and lease is not before:
            self._entered_by = None
            self._drop(lease)

    def _is_attached(self) -> bool:
        """Whether a `with` may enter the grant that is there."""
        attached, self._attached = self._attached, False
        return attached and self.held

    def _granted(self) -> _core.Lock:
        if self._lease is None:
            raise RuntimeError(f"lock {self.name!r}: this object has not acquired it")
        return self._lease

    def _drop_held(self) -> None:
        """Another exception than its own comes out of a release: it is done in the background."""
        if self.held and self._lease is not None:
            self._drop(self._lease)

    def _taken(self) -> None:
        """There is a new grant in `_lease`."""
        self._released = self._reported = self._attached = False
        if self._on_lost:
            self._watch(self._granted())
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("lock %r: granted for %.3f s", self.name, self.remaining)

    def _left(self, failure: RedilockError, failed: bool) -> bool:
        """Whether a failure of the release at the end of a `with` is not to be raised.

        `failed` is for an exception that came out of the block: what went wrong inside says more.
        """
        if not failed and (self._raise_lost or not isinstance(failure, LostError)):
            return False
        logger.warning("%s", failure)
        return True

    def __reduce__(self) -> tuple[Any, ...]:
        if self.held or self._acquiring:
            raise TypeError(f"lock {self.name!r}: it is held, and a copy would release it too")
        return type(self), (self._client, self._request, self._raise_lost)

    def __repr__(self) -> str:
        state = "not held"
        if self.held:
            state = f"held for {self.remaining:.1f} s, fence {self.fence}"
        elif self.lost:
            state = "lost"
        kind = f"{type(self).__module__}.{type(self).__name__}"
        return f"<{kind} {self.name!r}, {state}, of {self._client!r}>"
