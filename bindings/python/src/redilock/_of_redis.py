"""Failures as programs of python-redilock catch them: it was made of the package redis, so those
are redis' own exceptions. Each of the classes here is both one of ours and one of theirs.

They are found here by name for pickle, which has no other way to them.
"""

from __future__ import annotations

import functools
import importlib
import sys
from typing import Any, NoReturn

from . import errors
from ._dropin import ArgumentError

_THEIRS = {
    "AuthError": "AuthenticationError",
    "ProtocolError": "InvalidResponse",
    "ServerError": "ResponseError",
    "UnavailableError": "ConnectionError",
    "UnknownOutcomeError": "ConnectionError",
}


@functools.cache
def _both(ours: type[errors.RedilockError], theirs: type[Exception]) -> type[errors.RedilockError]:
    def start(self: errors.RedilockError, *args: object) -> None:
        ours.__init__(self, *args)
        theirs.__init__(self, *args)  # redis' newer ones have attributes, which programs may ask

    return type(
        ours.__name__,
        (ours, theirs),
        {
            "__module__": __name__,
            "__doc__": ours.__doc__,
            "__init__": start,
            "__repr__": ours.__repr__,
        },
    )


def __getattr__(name: str) -> Any:
    if name not in _THEIRS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    ours = getattr(errors, name)
    try:
        theirs = getattr(importlib.import_module("redis.exceptions"), _THEIRS[name])
    except (ImportError, AttributeError):
        return ours
    return _both(ours, theirs)


def raise_as_expected(error: errors.RedilockError, lock_name: str | bytes) -> NoReturn:
    """Raises an error as one that the program catches: also as redis' own, if it has redis."""
    if isinstance(error, errors.InvalidError):
        message = str(error)
        raise ArgumentError(f"lock_{message}" if message.startswith("name:") else message) from None
    error.lock_name = lock_name
    theirs = _THEIRS.get(type(error).__name__)
    if theirs is None or not hasattr(sys.modules.get("redis.exceptions"), theirs):
        raise error
    both: errors.RedilockError = getattr(sys.modules[__name__], type(error).__name__)(str(error))
    both.lock_name = lock_name
    raise both from error
