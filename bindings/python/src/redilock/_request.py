"""What the clients and locks of both worlds share: what is asked for, what a lock tells, and what
becomes of them in forked children.
"""

from __future__ import annotations

import _thread
import dataclasses
import os
import weakref
from typing import Any, NamedTuple, Union

from . import _core
from ._options import Seconds, Settings, ttl_ms, wait_ms
from .errors import ClosedError, LostError, RedilockError

Name = Union[str, bytes]
"""A lock's name: 1 to 1024 bytes, any; a `str` means its UTF-8."""


class Request(NamedTuple):  # a tuple, as it is quickest to make
    """One lock that is wanted, and how. None is what the client was told, or else the default."""

    name: Name
    ttl: int | None = None
    wait: int | None = None
    renew: bool | None = None
    max_hold: int | None = None
    fence: bool | None = None
    label: str | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it says nothing but a name, a ttl and a wait."""
        return self.ttl is not None and self[3:] == (None, None, None, None)

    @classmethod
    def make(
        cls,
        name: Name,
        ttl: Seconds | None,
        wait: Seconds | None,
        renew: bool | None,
        max_hold: Seconds | None,
        fence: bool | None,
        label: str | None,
    ) -> Request:
        """Checks what a program gave."""
        return cls(
            name,
            None if ttl is None else ttl_ms(ttl),
            None if wait is None else wait_ms(wait),
            renew,
            None if max_hold is None else ttl_ms(max_hold, "max_hold"),
            fence,
            label,
        )

    def op(self, core: _core.Client) -> _core.Op:
        """A new operation that asks for this."""
        op = named_op(core, self.name)
        if self.ttl is not None:
            _core.op_set_int(op, "ttl", self.ttl)
        if self.wait is not None:
            _core.op_set_int(op, "wait", self.wait)
        if self.renew is not None:
            _core.op_set_int(op, "renew", self.renew)
        if self.max_hold is not None:
            _core.op_set_int(op, "max_hold", self.max_hold)
        if self.fence is not None:
            _core.op_set_int(op, "fence", self.fence)
        if self.label is not None:
            _core.op_set_bytes(op, "label", self.label)
        return op

    def extension_ms(self, settings: Settings, ttl: Seconds | None) -> int:
        """By how much to extend: by `ttl`, or else by this one's or the client's."""
        if ttl is not None:
            return ttl_ms(ttl)
        return settings.duration("ttl") if self.ttl is None else self.ttl


def named_op(core: _core.Client, name: Name, token: str | None = None) -> _core.Op:
    """A new operation on a name, and on a token if there is one."""
    op = _core.op_new(core)
    _core.op_set_bytes(op, "name", name)
    if token is not None:
        _core.op_set_bytes(op, "token", token)
    return op


@dataclasses.dataclass(frozen=True)
class LockInfo:
    """What was known of one name at one moment."""

    state: str
    """`"free"`, `"held"` (by a redilock client) or `"foreign"` (by another kind of client)."""
    label: str
    """Who holds it, such as `"host/1234"`; empty where nobody does, or a foreign client."""
    remaining: float | None
    """Seconds of the lease by the server's clock; None for a key that never expires."""
    waiters: int
    """How many wait."""
    waiter_labels: tuple[str, ...]
    """Who waits, in their order; at most the first hundred."""

    @classmethod
    def read(cls, info: _core.Info) -> LockInfo:
        """Copies what the C library found."""
        states = {_core.STATE_HELD: "held", _core.STATE_FOREIGN: "foreign"}
        labels: list[str] = []
        while (label := _core.info_waiter_label(info, len(labels))) is not None:
            labels.append(label)
        ms = _core.info_remaining_ms(info)
        return cls(
            states.get(_core.info_state(info), "free"),
            _core.info_label(info),
            None if ms < 0 else ms / 1000,
            _core.info_waiters(info),
            tuple(labels),
        )


class Lease:
    """A lock that was granted, told in Python's terms; the base of both kinds of lock."""

    _client: Any

    __slots__ = (
        "__weakref__", "_acquiring", "_entered_by", "_lease", "_raise_lost", "_released", "_request"
    )  # fmt: skip

    def __init__(self, request: Request, raise_lost: bool) -> None:
        self._request = request
        self._raise_lost = raise_lost
        self._lease: _core.Lock | None = None
        self._released = False
        self._acquiring = _thread.allocate_lock()
        self._entered_by: object = None
        """The thread or task that is inside a `with` of this lock."""

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

        Pass it with each write, and let the store refuse what comes with a smaller one.
        """
        return _core.lock_fence(self._granted())

    @property
    def token(self) -> str:
        """The secret by which the lock can be released or extended from anywhere."""
        return _core.lock_token(self._granted()).decode("ascii")

    def _begin(self, wait: Seconds | None, caller: object, entering: bool) -> Request:
        """What an acquire asks for. Refuses a second caller, whose grant the first would release.

        The acquire has begun until `_acquiring` is released.
        """
        if not self._acquiring.acquire(False):
            raise RuntimeError(f"lock {self.name!r}: this object is being acquired already")
        try:
            if self.held:
                raise RuntimeError(f"lock {self.name!r}: this object holds it already")
            if self._entered_by is not None and (entering or self._entered_by != caller):
                raise RuntimeError(
                    f"lock {self.name!r}: a with block of this object was not left yet; give each "
                    "caller an object of its own"
                )
            return self._request if wait is None else self._request._replace(wait=wait_ms(wait))
        except BaseException:
            self._acquiring.release()
            raise

    def _granted(self) -> _core.Lock:
        if self._lease is None:
            raise RuntimeError("the lock was not acquired")
        return self._lease

    def _take(self, lease: _core.Lock) -> None:
        self._lease = lease
        self._released = False

    def __reduce__(self) -> tuple[Any, ...]:
        if self.held or self._acquiring.locked():
            raise TypeError(f"lock {self.name!r}: it is held, and a copy would release it too")
        return type(self), (self._client, self._request, self._raise_lost)

    def __repr__(self) -> str:
        state = "held" if self.held else "lost" if self.lost else "not held"
        return f"<{type(self).__module__}.{type(self).__name__} {self.name!r} {state}>"


def is_outweighed(error: RedilockError, failed: bool, raise_lost: bool) -> bool:
    """Whether an error of the release at the end of a `with` is not to be raised.

    `failed` is for an exception that came out of the block: what went wrong inside says more.
    """
    return failed or (isinstance(error, LostError) and not raise_lost)


_at_fork: weakref.WeakSet[Any] = weakref.WeakSet()


def renew_after_fork(client: Any) -> None:
    """In children `client._forked()` will be called: what it has belongs to the parent."""
    _at_fork.add(client)


def _in_child() -> None:
    for client in list(_at_fork):
        client._forked()


os.register_at_fork(after_in_child=_in_child)


def closed() -> ClosedError:
    """What a closed client raises."""
    return ClosedError("the client is closed")

