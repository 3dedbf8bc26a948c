"""What a client finds out about a name: `Client.info`."""

from __future__ import annotations

import dataclasses

from . import _core


@dataclasses.dataclass(frozen=True)
class Waiter:
    """One who waits for a lock."""

    label: str
    """Who it is, such as `"host/1234"`."""
    waited: float | None
    """For how many seconds, by the server's clock; None where the server does not know."""
    polls: bool
    """Whether no notification reaches it, so that it asks again and again."""


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
    queue: tuple[Waiter, ...]
    """Who waits, in their order; at most the first hundred."""

    @property
    def waiter_labels(self) -> tuple[str, ...]:
        """The labels of the queue."""
        return tuple(waiter.label for waiter in self.queue)

    @classmethod
    def read(cls, info: _core.Info) -> LockInfo:
        """Copies what the C library found."""
        states = {_core.STATE_HELD: "held", _core.STATE_FOREIGN: "foreign"}
        queue: list[Waiter] = []
        while (label := _core.info_waiter_label(info, len(queue))) is not None:
            ms = _core.info_waiter_since_ms(info, len(queue))
            polls = bool(_core.info_waiter_polls(info, len(queue)))
            queue.append(Waiter(label, None if ms < 0 else ms / 1000, polls))
        ms = _core.info_remaining_ms(info)
        return cls(
            states.get(_core.info_state(info), "free"),
            _core.info_label(info),
            None if ms < 0 else ms / 1000,
            _core.info_waiters(info),
            tuple(queue),
        )
