"""What a decorator may guard: the lock is released when the call returns, and work that the call
leaves for later, such as a coroutine, would run without it.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, ParamSpec, TypeVar

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def guarded(
    function: Callable[_Arguments, _Result],
    hold: Callable[[], AbstractContextManager[Any]],
    use: str,
) -> Callable[_Arguments, _Result]:
    """The function, each call of which runs in a context of its own; `use` is for coroutines."""
    refuse_deferred(function, use)

    @functools.wraps(function)
    def locked(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        with hold():
            result = function(*args, **kwargs)
            refuse_unfinished(result)
            return result

    return locked


def guarded_async(
    function: Callable[_Arguments, Coroutine[Any, Any, _Result]],
    hold: Callable[[], AbstractAsyncContextManager[Any]],
) -> Callable[_Arguments, Coroutine[Any, Any, _Result]]:
    """The coroutine function, each call of which runs in a context of its own."""
    require_coroutine(function)

    @functools.wraps(function)
    async def locked(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        async with hold():
            result = await function(*args, **kwargs)
            refuse_unfinished(result)
            return result

    return locked


def refuse_deferred(function: Any, use: str) -> None:
    """Raises TypeError for a function whose call only makes a coroutine or generator."""
    called = function if inspect.isroutine(function) else getattr(function, "__call__", function)
    for each in (function, called):
        if (
            inspect.iscoroutinefunction(each)
            or inspect.isgeneratorfunction(each)
            or inspect.isasyncgenfunction(each)
        ):
            raise TypeError(f"this lock guards plain functions; for others see {use}")


def require_coroutine(function: Any) -> None:
    """Raises TypeError for what is no coroutine function: it would run before it is awaited."""
    if not inspect.iscoroutinefunction(function):
        raise TypeError("a lock for asyncio guards coroutine functions: async def")


def refuse_unfinished(result: Any) -> None:
    """Raises TypeError for a coroutine, generator or future that a guarded function returned."""
    if inspect.iscoroutine(result) or inspect.isgenerator(result):
        result.close()
    elif not (inspect.isasyncgen(result) or asyncio.isfuture(result)):
        return
    raise TypeError(
        f"the guarded function returned a {type(result).__name__}, which would run without the lock"
    )
