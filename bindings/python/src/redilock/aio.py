"""The asyncio client and its locks: the same names as in `redilock`, to be awaited.

All waits of an event loop share one thread of the C library, two connections and one descriptor
that the loop watches. A task that is cancelled while it waits leaves the queue, and never keeps a
grant.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from . import _core
from ._channel import Channel
from ._decorating import guarded_async
from ._info import LockInfo
from ._lease import Lease
from ._naming import names_lock_async
from ._options import OptionValue, Seconds, Settings, ttl_ms
from ._request import Name, Request, closed, named_op, renew_after_fork
from .errors import NotAcquiredError, RedilockError

_Self = TypeVar("_Self", bound="Client")
_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
_Handle = TypeVar("_Handle")


async def _in_thread(
    call: Callable[[_Handle], _Result], handle: _Handle, cancel: Callable[[_Handle], None]
) -> _Result:
    """Runs a blocking call on a thread; if the caller's task is cancelled, cancels the call too."""
    try:
        return await asyncio.to_thread(call, handle)
    except asyncio.CancelledError:
        cancel(handle)
        raise


class Client:
    """A connection to one Redis server for the tasks of an event loop: see `redilock.Client`.

    It can be made anywhere and binds to a loop when it is first used there; each loop that uses it
    has connections of its own.
    """

    def __init__(self, url: str | None = None, **options: OptionValue) -> None:
        self._settings = Settings(url, options)
        self._settings.client()  # to refuse a wrong URL here and now
        self._closed = False
        self._start()

    def _start(self) -> None:
        self._channels: dict[asyncio.AbstractEventLoop, Channel] = {}
        # With those of closed loops, which locks may still have.
        self._made: weakref.WeakSet[Channel] = weakref.WeakSet()
        self._mutex = threading.Lock()  # loops of several threads change the channels
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
        """A lock that is not acquired yet: see `redilock.Client.lock`."""
        request = Request.make(name, ttl, wait, renew, max_hold, fence, label)
        return Lock(self, request, raise_lost)

    @names_lock_async
    async def release(self, name: Name, token: str) -> None:
        """Releases a lock by its token, from any process or host; NotOwnerError if not its."""
        channel = self._channel()
        await channel.run(_core.op_submit_release, named_op(channel.core, name, token), None)

    @names_lock_async
    async def extend(self, name: Name, token: str, ttl: Seconds) -> None:
        """Extends a lock by its token to last at least `ttl` from now."""
        channel = self._channel()
        op = named_op(channel.core, name, token)
        _core.op_set_int(op, "ttl", ttl_ms(ttl))
        await channel.run(_core.op_submit_extend, op, None)

    @names_lock_async
    async def info(self, name: Name) -> LockInfo:
        """Who holds the lock of a name, for how long, and who waits. Changes nothing."""
        op = named_op(self._channel().core, name)
        return LockInfo.read(await _in_thread(_core.op_info, op, _core.op_cancel))

    async def names(self, pattern: Name | None = None) -> AsyncIterator[bytes]:
        """The names that redilock holds or waits for on the server; `pattern` is a glob."""
        found = _core.list_new(self._channel().core, "*" if pattern is None else pattern)
        while (name := await _in_thread(_core.list_next, found, _core.list_cancel)) is not None:
            yield name

    async def locked(self, name: Name) -> bool:
        """Whether anybody holds the lock of a name: any client, of any kind."""
        return (await self.info(name)).state != "free"

    @names_lock_async
    async def attach(
        self,
        name: Name,
        token: str,
        *,
        ttl: Seconds | None = None,
        renew: bool | None = None,
        max_hold: Seconds | None = None,
        raise_lost: bool = True,
    ) -> Lock:
        """The held lock of a name by its token: see `redilock.Client.attach`."""
        request = Request.make(name, ttl, None, renew, max_hold, None, None)
        channel = self._channel()
        op = request.op(channel.core)
        _core.op_set_bytes(op, "token", token)
        lock = Lock(self, request, raise_lost)
        lease = await _in_thread(_core.op_attach, op, _core.op_cancel)
        lock._bind(channel)
        channel.watch(lock, lease)
        lock._lease = lease
        lock._taken()
        lock._attached = True
        return lock

    async def check(self) -> str:
        """Asks the server for everything that locks need: see `redilock.Client.check`."""
        op = _core.op_new(self._channel().core)
        await _in_thread(_core.op_check, op, _core.op_cancel)
        return _core.op_message(op)

    @names_lock_async
    async def break_lock(self, name: Name) -> None:
        """Takes the lock away from its holder. NotOwnerError if nobody does."""
        await asyncio.to_thread(_core.op_break, named_op(self._channel().core, name))

    async def close(self) -> None:
        """Ends waits under way by ClosedError, and closes the connections. Releases nothing: what
        is held is renewed no more, and is lost when its lease ends.
        """
        with self._mutex:
            self._closed = True
            self._channels = {}
            made = list(self._made)
        for channel in made:
            channel.close()
        for channel in made:
            if channel.loop is asyncio.get_running_loop():
                await channel.gone.wait()

    async def __aenter__(self: _Self) -> _Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _channel(self) -> Channel:
        if self._closed:
            raise closed()
        loop = asyncio.get_running_loop()
        channel = self._channels.get(loop)
        if channel is None:
            channel = Channel(self._settings.client(), loop)
            with self._mutex:
                if self._closed:
                    raise closed()
                self._channels = {k: v for k, v in self._channels.items() if not k.is_closed()}
                self._channels[loop] = channel
                self._made.add(channel)
        return channel

    def __repr__(self) -> str:
        closed = " closed" if self._closed else ""
        return f"<{type(self).__module__}.{type(self).__name__} {self._settings.shown()}{closed}>"

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["_channels"], state["_made"], state["_mutex"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._start()

    def _forked(self) -> None:
        self._mutex = threading.Lock()  # another thread of the parent may have had it
        for channel in self._channels.values():
            channel.forget()
        self._channels = {}
        self._made = weakref.WeakSet()


class Lock(Lease):
    """One holder of one name, from `Client.lock`. It can be acquired again after its release."""

    __slots__ = ("_channel", "_event", "_tag")

    _client: Client

    def __init__(self, client: Client, request: Request, raise_lost: bool) -> None:
        super().__init__(client, request, raise_lost)
        self._channel: Channel | None = None
        self._tag = 0  # of the grant whose loss is reported
        self._event: asyncio.Event | None = None

    @property
    def lost_event(self) -> asyncio.Event:
        """Set when the lock is lost: `await lock.lost_event.wait()`. A new one for each grant, for
        the event loop that acquired the lock: RuntimeError in another one.
        """
        if self._channel is not None and asyncio._get_running_loop() not in (
            None,
            self._channel.loop,
        ):
            raise RuntimeError("lost_event is for the event loop that acquired the lock")
        if self._event is None:  # most programs want none, and thousands may wait
            self._event = asyncio.Event()
            if self._reported:
                self._event.set()
        return self._event

    def _report_loss(self) -> None:
        super()._report_loss()
        if self._reported and self._event is not None:
            self._event.set()

    async def acquire(self, wait: Seconds | None = None) -> bool:
        """Waits for the lock, in the order of arrival; whether it was granted.

        `wait` stands for the one the lock was made with. False is for a lock that somebody else
        holds; whatever else goes wrong is raised.
        """
        call, before = object(), self._lease
        try:
            await self._enter(call, wait, False)
            return True
        except NotAcquiredError:
            return False
        except BaseException:
            self._take_back(call, before)
            raise

    @names_lock_async
    async def release(self) -> None:
        """Hands the lock to the next waiter. LostError if it was lost before."""
        lease = self._granted()
        channel = self._bound()
        self._released = True  # also if this task is cancelled now: the release goes on
        try:
            await channel.release(lease)
        except Exception:
            self._released = False
            raise

    @names_lock_async
    async def extend(self, ttl: Seconds | None = None) -> None:
        """Extends the lease to at least `ttl` (or the lock's own) from now; never shortens it."""
        lease = self._granted()
        channel = self._bound()
        await channel.extend(lease, self._request.extension_ms(self._client._settings, ttl))

    async def __aenter__(self) -> Lock:
        call, before = object(), self._lease
        try:
            if not self._is_attached():
                await self._enter(call, None, True)
            self._entered_by = asyncio.current_task()
            return self
        except BaseException:
            self._take_back(call, before)
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self._lease is not None:  # not detached
                await self.release()
        except RedilockError as failure:
            if not self._left(failure, kind is not None):
                raise
        except asyncio.CancelledError:  # the release goes on
            raise
        except BaseException:
            self._drop_held()
            raise
        finally:
            self._entered_by = None

    def __call__(
        self, function: Callable[_Arguments, Coroutine[Any, Any, _Result]]
    ) -> Callable[_Arguments, Coroutine[Any, Any, _Result]]:
        """As a decorator: each call of the coroutine holds a lock of its own."""
        return guarded_async(
            function, lambda: Lock(self._client, self._request, self._raise_lost)
        )

    def _bound(self) -> Channel:
        if self._channel is None:
            raise RuntimeError("the lock was not acquired")
        return self._channel

    def _bind(self, channel: Channel) -> None:
        """The next grant is one of this channel."""
        if self._channel is not None:
            self._channel.forget_holder(self._tag)
        self._channel = channel
        self._reported = False
        self._event = None

    @names_lock_async
    async def _enter(self, call: object, wait: Seconds | None, entering: bool) -> None:
        try:
            request = self._begin(call, wait, asyncio.current_task(), entering)
            channel = self._client._channel()
            self._bind(channel)
            self._lease = await channel.acquire(request, self)
            self._taken()
        finally:
            self._end(call)
