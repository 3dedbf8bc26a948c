"""What the clients of both worlds share: what is asked for, and what becomes of them in forked
children.
"""

from __future__ import annotations

import os
import weakref
from typing import Any, NamedTuple, Union

from . import _core
from ._options import Seconds, Settings, ttl_ms, wait_ms
from .errors import ClosedError

Name = Union[str, bytes]
"""A lock's name: 1 to 1024 bytes, any; a `str` means its UTF-8."""


class Request(NamedTuple):  # a tuple, as it is quickest to make
    """One lock that is wanted, and how. None is the client's setting, or else the default."""

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

