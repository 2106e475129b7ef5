"""The statuses of jeton.h, and an exception for each kind of them."""

from __future__ import annotations

import enum
import os
from typing import Dict, Type


class Status(enum.IntEnum):
    """jeton_status; what each means is said in jeton.h."""

    OK = 0
    NO_TOKEN = 1
    EXPIRED = 2
    BUSY = 3
    TIMED_OUT = 4
    BUFFER_TOO_SMALL = 5
    INVALID_ARGUMENT = 6
    CANCELLED = 7
    MISMATCH = 8
    REJECTED = 9
    NOT_FOUND = 10
    NO_PERMISSION = 11
    SYMLINK = 12
    NOT_REGULAR = 13
    FOREIGN_OWNER = 14
    WRITABLE_FILE = 15
    WRITABLE_DIRECTORY = 16
    BAD_MAGIC = 17
    UNSUPPORTED_VERSION = 18
    TRUNCATED = 19
    CORRUPT = 20
    SYSTEM_ERROR = 21
    NO_AGENT = 22
    AGENT_STALE = 23
    AGENT_REFUSED = 24
    LOCK_BUSY = 25
    LOCK_WAITING = 26
    LOCK_LOST = 27
    LOCK_NOT_HELD = 28
    LOCK_LIMIT = 29
    LOCK_UNAVAILABLE = 30
    UNKNOWN = -1  # of a library that is newer than this package

    @classmethod
    def _missing_(cls, value: object) -> Status:
        return cls.UNKNOWN


class JetonError(Exception):
    """Any refusal of libjeton. `status` has the reason."""

    def __init__(self, message: str, status: Status) -> None:
        super().__init__(message)
        self.status = status

    def __str__(self) -> str:  # OSError among the bases would print its own fields
        return str(self.args[0])

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.args[0], self.status))


class NoToken(JetonError):
    """The agent has not received this token yet: wait."""


class Expired(JetonError):
    """The last token expired and there is no new one: wait, look at the agent."""


class Busy(JetonError):
    """The agent published faster than it could be read, many times in a row: try again."""


class TimedOut(JetonError, TimeoutError):
    """A wait timed out."""


class Cancelled(JetonError):
    """The token was closed while a caller waited for it."""


class InvalidArgument(JetonError, ValueError):
    """An impossible name."""


class NotFound(JetonError):
    """There is no such token in this directory."""


class NoPermission(JetonError, PermissionError):
    """This user is not among the token's readers (access: in the agent's configuration)."""


class SegmentRefused(JetonError):
    """The token's file or directory is not to be trusted, or not understood; `status` says which."""


class NoAgent(JetonError, ConnectionError):
    """No agent answers on this host's socket."""


class AgentRefused(JetonError):
    """The agent did not accept the call: it does not know the generation, or does not allow the lock."""


class LockBusy(JetonError):
    """Another owner holds the lock: a result more than a failure."""


class LockLost(JetonError):
    """The lock was held and is not any more: stop what it protects."""


class LockNotHeld(JetonError):
    """Never taken, released, or the lock of a parent process."""


class LockLimit(JetonError):
    """The agent accepts no more locks or connections from this user."""


class LockUnavailable(JetonError, ConnectionError):
    """The agent cannot take the lock now: it cannot reach its coordinator, or is stopping."""


class SystemFailure(JetonError, OSError):
    """A system call failed; `errno` says how."""


_KINDS: Dict[Status, Type[JetonError]] = {
    Status.NO_TOKEN: NoToken,
    Status.EXPIRED: Expired,
    Status.BUSY: Busy,
    Status.TIMED_OUT: TimedOut,
    Status.INVALID_ARGUMENT: InvalidArgument,
    Status.CANCELLED: Cancelled,
    Status.NOT_FOUND: NotFound,
    Status.NO_PERMISSION: NoPermission,
    Status.NO_AGENT: NoAgent,
    Status.AGENT_STALE: NoAgent,
    Status.AGENT_REFUSED: AgentRefused,
    Status.LOCK_BUSY: LockBusy,
    Status.LOCK_LOST: LockLost,
    Status.LOCK_NOT_HELD: LockNotHeld,
    Status.LOCK_LIMIT: LockLimit,
    Status.LOCK_UNAVAILABLE: LockUnavailable,
    Status.SYSTEM_ERROR: SystemFailure,
    **{Status(code): SegmentRefused for code in range(Status.SYMLINK, Status.SYSTEM_ERROR)},
}


def failure(code: int, where: str, text: str, errno: int = 0) -> JetonError:
    """The exception for a status that is not OK. `where` names the token, `text` is the library's sentence."""
    status = Status(code)
    message = f"{where}: {text}"
    if status is Status.SYSTEM_ERROR:
        message += f" ({os.strerror(errno)})"
    error = _KINDS.get(status, JetonError)(message, status)
    if isinstance(error, SystemFailure):
        error.errno = errno
    return error
