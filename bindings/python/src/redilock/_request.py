"""What the clients and locks of both worlds share: options, durations, what a lock tells."""

from __future__ import annotations

import dataclasses
import math
import os
import weakref
from datetime import timedelta
from typing import Any, NamedTuple, Union
from urllib.parse import parse_qs

from . import _core
from .errors import ClosedError, InvalidError

Name = Union[str, bytes]
"""A lock's name: 1 to 1024 bytes, any; a `str` means its UTF-8."""

Seconds = Union[int, float, timedelta]
"""A duration: a number of seconds, or a `timedelta`. `math.inf` as a wait is for ever."""

OptionValue = Union[str, bytes, int, float, bool, timedelta, "os.PathLike[str]", None]

_FOREVER = -1
# What a client takes, by the index that the C library has it under. Two are set here only: how
# signals and losses come to a program is not for it to say.
CLIENT_OPTIONS = {
    _core.option_name(index): index
    for index in range(_core.option_count())
    if _core.option_scope(index) != "operation"
    and _core.option_name(index) not in ("interruptible", "tell_loss")
}


def milliseconds(value: Seconds, argument: str) -> int:
    """Whole milliseconds, rounded up, so that a tiny duration does not become none."""
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong_type(argument, "seconds as a number or a timedelta", value)
    if value < 0:
        raise InvalidError(f"{argument}: cannot be negative")
    try:
        return math.ceil(round(value * 1000, 3))
    except (OverflowError, ValueError):  # infinite or nearly so; not a number
        raise InvalidError(f"{argument}: {value:.4g} is no duration") from None


def ttl_ms(value: Seconds, argument: str = "ttl") -> int:
    """A lease in milliseconds, checked."""
    if type(value) is int and 0 < value < 86400:  # what most say, and soonest done with
        return value * 1000
    ms = milliseconds(value, argument)
    if not 1 <= ms <= _core.TTL_MAX:
        raise InvalidError(f"{argument}: has to be more than 0 and at most 365 days")
    return ms


def wait_ms(value: Seconds, argument: str = "wait") -> int:
    """A wait in milliseconds; below 0 is for ever."""
    if value == math.inf:
        return _FOREVER
    ms = milliseconds(value, argument)
    if not 0 <= ms <= _core.TTL_MAX:
        raise InvalidError(f"{argument}: has to be 0 to 365 days, or math.inf")
    return ms


def option_text(name: str, value: OptionValue) -> str | bytes:
    """An option of the client as the C library reads it, which judges whether it is in range."""
    if name not in CLIENT_OPTIONS:
        raise InvalidError(f"{name}: there is no such option of a client")
    kind = _core.option_type(CLIENT_OPTIONS[name])
    if kind in ("text", "bytes"):
        if not isinstance(value, (str, bytes, os.PathLike)):
            raise _wrong_type(name, "str or bytes", value)
        text = os.fspath(value)
        if ("\0" if isinstance(text, str) else b"\0") in text:  # type: ignore[operator]
            raise InvalidError(f"{name}: it has a NUL")
        return text
    if isinstance(value, str):
        return value
    if kind == "duration":
        if name == "wait" and value == math.inf:
            return "forever"
        return f"{milliseconds(value, name)}ms"  # type: ignore[arg-type]
    if not isinstance(value, int) or (kind == "integer" and isinstance(value, bool)):
        raise _wrong_type(name, "a bool" if kind == "boolean" else "an int", value)
    return str(int(value))


def _duration_ms(text: str) -> int:
    """Reads what the C library has accepted as a duration."""
    if text == "forever":
        return _FOREVER
    digits = text.rstrip("dhms")
    return int(digits) * {"d": 86400000, "h": 3600000, "m": 60000, "s": 1000}.get(
        text[len(digits) :], 1
    )


def _wrong_type(argument: str, wanted: str, value: object) -> TypeError:
    return TypeError(f"{argument}: {wanted}, not {type(value).__name__}")


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


class Settings:
    """A URL and options, checked at once: they make the C library's clients, as many as needed.

    None as an option is one that was not given.
    """

    def __init__(self, url: str | None, options: dict[str, OptionValue]) -> None:
        self._url = url
        self._given = options
        self._options = _core.options_new()
        self._texts: dict[str, str | bytes] = {}
        for name, value in options.items():
            if value is not None:
                self._texts[name] = option_text(name, value)
                _core.options_set(self._options, name, self._texts[name])

    def client(self) -> _core.Client:
        """A new client; it has not connected yet."""
        return _core.new(self._url, self._options)

    def duration(self, name: str) -> int:
        """What such an option has come to, in milliseconds; below 0 is for ever."""
        url = os.environ.get("REDILOCK_URL", "") if self._url is None else self._url
        text = str(self._texts.get(name, _core.option_default(CLIENT_OPTIONS[name])))
        return _duration_ms(parse_qs(url.partition("?")[2]).get(name, [text])[-1])

    def __reduce__(self) -> tuple[Any, ...]:
        return Settings, (self._url, self._given)


class Lease:
    """A lock that was granted, told in Python's terms; the base of both kinds of lock."""

    __slots__ = ("__weakref__", "_lease", "_raise_lost", "_released", "_request")

    def __init__(self, request: Request, raise_lost: bool) -> None:
        self._request = request
        self._raise_lost = raise_lost
        self._lease: _core.Lock | None = None
        self._released = False

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
        """The fencing token of this grant: above that of every earlier grant of the name.

        Pass it with each write, and let the store refuse what comes with a smaller one.
        """
        return _core.lock_fence(self._granted())

    @property
    def token(self) -> str:
        """The secret by which the lock can be released or extended from anywhere."""
        return _core.lock_token(self._granted()).decode("ascii")

    def _granted(self) -> _core.Lock:
        if self._lease is None:
            raise RuntimeError("the lock was not acquired")
        return self._lease

    def _take(self, lease: _core.Lock) -> None:
        self._lease = lease
        self._released = False

    def __repr__(self) -> str:
        state = "held" if self.held else "lost" if self.lost else "not held"
        return f"<{type(self).__module__}.{type(self).__name__} {self.name!r} {state}>"


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

