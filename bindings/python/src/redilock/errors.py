"""What can go wrong, as a small tree below `RedilockError`.

Each class stands for one status of the C library and is a builtin exception too where Python has
one that people already catch: a wait that ended is a `TimeoutError`, an unreachable server a
`ConnectionError`, a wrong argument a `ValueError`.
"""

from __future__ import annotations

import re

from . import _core

_HELD_BY = re.compile(r"held by (.+) (?:for another ([0-9a-z.]+)|without an end|when last seen)")
_NOW_HELD_BY = re.compile(r"now held by (.+)")
_NOBODY = ("another client", "a foreign client", "shared holders")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


class RedilockError(Exception):
    """Whatever goes wrong with a lock or its server."""

    status: str = "REDILOCK_E_?"
    """The C library's name for it."""
    lock_name: str | bytes | None = None
    """The lock as the program named it; None where it is about none."""

    @property
    def reason(self) -> str:
        """The message without the name of the lock."""
        text = str(self)
        return text.partition('": ')[2] if text.startswith('lock "') else text

    @property
    def holder(self) -> str | None:
        """The label of the client that holds the lock, as last seen, such as `"host/1234"`; None
        where the error is about something else, or the holder has no label.
        """
        return None

    @property
    def remaining(self) -> float | None:
        """Seconds of the holder's lease, as last seen; None where that is not known."""
        return None


class NotAcquiredError(RedilockError):
    """The lock was not granted; nothing is wrong."""

    @property
    def holder(self) -> str | None:
        found = _HELD_BY.search(self.reason)
        return found[1] if found and found[1] not in _NOBODY else None

    @property
    def remaining(self) -> float | None:
        found = _HELD_BY.search(self.reason)
        if found is None or found[2] is None:
            return None
        parts = re.findall(r"([0-9.]+)([a-z]+)", found[2])
        return sum(float(number) * _UNITS[unit] for number, unit in parts)


class HeldError(NotAcquiredError):
    """Somebody else holds the lock, and the caller did not want to wait."""

    status = "REDILOCK_E_HELD"


class WaitTimeoutError(NotAcquiredError, TimeoutError):
    """The wait ended before the lock was granted."""

    status = "REDILOCK_E_TIMEOUT"


class OperationCancelledError(NotAcquiredError):
    """The call was cancelled."""

    status = "REDILOCK_E_CANCELLED"


class LostError(RedilockError):
    """The lock was held and is no more: its lease ran out, or it was taken away."""

    status = "REDILOCK_E_LOST"

    @property
    def holder(self) -> str | None:
        found = _NOW_HELD_BY.search(self.reason)
        return found[1] if found and found[1] not in _NOBODY else None


class NotOwnerError(RedilockError):
    """The lock is not held by this token; nothing was changed."""

    status = "REDILOCK_E_NOT_OWNER"


class UnknownOutcomeError(RedilockError, ConnectionError):
    """No answer came: the server may or may not have done it. At the latest the lease ends it."""

    status = "REDILOCK_E_UNKNOWN"


class UnavailableError(RedilockError, ConnectionError):
    """The server could not be reached, or did not answer in time."""

    status = "REDILOCK_E_UNAVAILABLE"


class AuthError(RedilockError):
    """The server wants other credentials or permissions."""

    status = "REDILOCK_E_AUTH"


class ServerError(RedilockError):
    """The server answered with an error; the message has its words."""

    status = "REDILOCK_E_SERVER"


class ProtocolError(RedilockError):
    """What answered does not speak Redis' protocol."""

    status = "REDILOCK_E_PROTOCOL"


class InvalidError(RedilockError, ValueError):
    """An argument or option is wrong; the message names it."""

    status = "REDILOCK_E_INVALID"


class ForkedError(RedilockError):
    """The lock belongs to the parent process. (Clients may be used in children as they are.)"""

    status = "REDILOCK_E_FORKED"


class ClosedError(RedilockError):
    """The client was closed."""

    status = "REDILOCK_E_CLOSED"


class UnsupportedError(RedilockError):
    """This build or server cannot do it: TLS, clusters, several servers."""

    status = "REDILOCK_E_UNSUPPORTED"


class InternalError(RedilockError):
    """A bug in redilock; please report it."""

    status = "REDILOCK_E_INTERNAL"


class SignalledError(RedilockError, InterruptedError):
    """A signal broke the call off. Never seen by programs: calls go on after it."""

    status = "REDILOCK_E_INTERRUPTED"


_CLASSES: dict[int, type[RedilockError]] = {
    _core.E_HELD: HeldError,
    _core.E_TIMEOUT: WaitTimeoutError,
    _core.E_CANCELLED: OperationCancelledError,
    _core.E_INTERRUPTED: SignalledError,
    _core.E_LOST: LostError,
    _core.E_NOT_OWNER: NotOwnerError,
    _core.E_UNKNOWN: UnknownOutcomeError,
    _core.E_UNAVAILABLE: UnavailableError,
    _core.E_AUTH: AuthError,
    _core.E_SERVER: ServerError,
    _core.E_PROTOCOL: ProtocolError,
    _core.E_INVALID: InvalidError,
    _core.E_FORKED: ForkedError,
    _core.E_CLOSED: ClosedError,
    _core.E_UNSUPPORTED: UnsupportedError,
    _core.E_INTERNAL: InternalError,
}


def _of_status(status: int, message: str) -> RedilockError:
    return _CLASSES.get(status, RedilockError)(message)


_core.set_errors(_of_status)
