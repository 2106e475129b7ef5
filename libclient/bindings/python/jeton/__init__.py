"""Read the tokens that jeton-agent keeps for this host, and take the fleet's locks.

    with jeton.open("wechat") as token:
        requests.get(url, headers=token.header())

    with jeton.Lock("nightly", ttl=30) as lock:
        write(data, fence=lock.fence)

Times are seconds (float) and aware datetimes. Every failure is a JetonError, by kind.
"""

from ._lock import Lock, run
from ._look import Diagnosis, diagnose, library_version, list_tokens
from ._token import Token, open
from ._value import TokenInfo, TokenValue
from .errors import (
    AgentRefused,
    Busy,
    Cancelled,
    Expired,
    InvalidArgument,
    JetonError,
    LockBusy,
    LockLimit,
    LockLost,
    LockNotHeld,
    LockUnavailable,
    NoAgent,
    NoPermission,
    NoToken,
    NotFound,
    SegmentRefused,
    Status,
    SystemFailure,
    TimedOut,
)

__version__ = "0.1.0"

__all__ = [
    "AgentRefused",
    "Busy",
    "Cancelled",
    "Diagnosis",
    "Expired",
    "InvalidArgument",
    "JetonError",
    "Lock",
    "LockBusy",
    "LockLimit",
    "LockLost",
    "LockNotHeld",
    "LockUnavailable",
    "NoAgent",
    "NoPermission",
    "NoToken",
    "NotFound",
    "SegmentRefused",
    "Status",
    "SystemFailure",
    "TimedOut",
    "Token",
    "TokenInfo",
    "TokenValue",
    "diagnose",
    "library_version",
    "list_tokens",
    "open",
    "run",
]
