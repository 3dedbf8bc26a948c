"""Errors that a call raises get the name of the lock that it was for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

from ._request import Name
from .errors import RedilockError

_Self = TypeVar("_Self")
_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def names_lock(
    method: Callable[Concatenate[_Self, _Arguments], _Result],
) -> Callable[Concatenate[_Self, _Arguments], _Result]:
    """For a method of a lock, or one whose first argument is the name."""

    @functools.wraps(method)
    def call(self: _Self, /, *args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        try:
            return method(self, *args, **kwargs)
        except RedilockError as error:
            error.lock_name = _name_of(self, args, kwargs)
            raise

    return call


def names_lock_async(
    method: Callable[Concatenate[_Self, _Arguments], Coroutine[Any, Any, _Result]],
) -> Callable[Concatenate[_Self, _Arguments], Coroutine[Any, Any, _Result]]:
    """The same for coroutines."""

    @functools.wraps(method)
    async def call(self: _Self, /, *args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        try:
            return await method(self, *args, **kwargs)
        except RedilockError as error:
            error.lock_name = _name_of(self, args, kwargs)
            raise

    return call


def _name_of(self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Name | None:
    name: Name | None = getattr(self, "name", None)
    return name or kwargs.get("name", args[0] if args else None)
