"""What a decorator may guard: the lock is released when the call returns, and work that the call
leaves for later, such as a coroutine, would run without it.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Any


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
