"""Options of clients and their locks: durations as Python has them, and the C library's table."""

from __future__ import annotations

import math
import os
from datetime import timedelta
from typing import Any, Union
from urllib.parse import parse_qs

from . import _core
from .errors import InvalidError

Seconds = Union[int, float, timedelta]
"""A duration: a number of seconds, or a `timedelta`. `math.inf` as a wait is for ever."""

OptionValue = Union[str, bytes, int, float, bool, timedelta, "os.PathLike[str]", None]

_FOREVER = -1
# What a client takes, by the index that the C library has it under. Two are set here only: how
# a program gets signals and losses is not for it to say.
CLIENT_OPTIONS = {
    _core.option_name(index): index
    for index in range(_core.option_count())
    if _core.option_scope(index) != "operation"
    and _core.option_name(index) != "interruptible"
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
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if seconds < 0.001 or ms > _core.TTL_MAX:
        raise InvalidError(f"{argument}: has to be 0.001 s to 365 days")
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

    def shown(self) -> str:
        """The server's URL without a user, a password or options."""
        url = os.environ.get("REDILOCK_URL", "") if self._url is None else self._url
        scheme, _, rest = (url or "redis://127.0.0.1:6379/0").partition("://")
        place, slash, path = rest.partition("?")[0].partition("/")
        return f"{scheme}://{place.rpartition('@')[2]}{slash}{path}"

    def duration(self, name: str) -> int:
        """The value of such an option, in milliseconds; below 0 is for ever."""
        url = os.environ.get("REDILOCK_URL", "") if self._url is None else self._url
        text = str(self._texts.get(name, _core.option_default(CLIENT_OPTIONS[name])))
        return _duration_ms(parse_qs(url.partition("?")[2]).get(name, [text])[-1])

    def __reduce__(self) -> tuple[Any, ...]:
        return Settings, (self._url, self._given)
