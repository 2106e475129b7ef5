"""What a token is at one moment: with its value (TokenValue) and without (TokenInfo). Neither prints a secret."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any, Dict, Mapping, Optional

from ._library import FLAG_EXPIRED, FLAG_REJECTED, Info, View, library

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def time_of(ms: int) -> datetime:
    """A point in time of jeton.h as an aware datetime; one beyond year 9999 is the last there is."""
    try:
        return _EPOCH + timedelta(milliseconds=ms)
    except OverflowError:
        return datetime.max.replace(tzinfo=timezone.utc)


def age_of(ms: int) -> Optional[timedelta]:
    return None if ms < 0 else timedelta(milliseconds=ms)


@dataclass(frozen=True)
class TokenValue:
    """A token as one consistent piece. repr and str show neither value nor attributes, which may be secret as well."""

    generation: int
    type: str  # "Bearer"; empty if the provider names none
    issued_at: datetime
    expires_at: datetime
    expired: bool  # only seen with allow_expired
    rejected: bool  # a user of it was refused by the provider; a newer one is on its way
    origin: str  # the host that fetched it
    value: str = field(repr=False)  # the secret; bytes that are not UTF-8 are kept as by os.fsdecode
    attributes: Mapping[str, str] = field(repr=False, compare=False)

    @property
    def authorization(self) -> str:
        """The value of an Authorization header. Secret."""
        return f"{self.type or 'Bearer'} {self.value}"


@dataclass(frozen=True)
class TokenInfo:
    """A token without its value."""

    generation: int
    type: str
    issued_at: datetime
    expires_at: datetime
    expired: bool
    rejected: bool
    value_size: int  # bytes
    previous_generation: Optional[int]
    previous_accept_until: Optional[datetime]  # the previous token is acceptable until then
    heartbeat_age: Optional[timedelta]  # since the agent's last heartbeat; None: none yet


def _text(address: Optional[int], size: int) -> str:
    return ctypes.string_at(address, size).decode("utf-8", "surrogateescape") if address else ""


def _attributes(view: Any) -> Mapping[str, str]:
    found: Dict[str, str] = {}
    name, value = ctypes.c_void_p(), ctypes.c_void_p()
    name_size, value_size = ctypes.c_size_t(), ctypes.c_size_t()
    refs = [ctypes.byref(out) for out in (name, name_size, value, value_size)]
    attribute_at = library().jeton_attribute_at
    while attribute_at(view, len(found), *refs) == 0:
        found[_text(name.value, name_size.value)] = _text(value.value, value_size.value)
    return MappingProxyType(found)


def value_of(pointer: Any) -> TokenValue:
    """Copies a view, which is valid until its reader's next call."""
    view: View = pointer.contents
    return TokenValue(
        generation=view.generation,
        type=_text(view.type, view.type_size),
        issued_at=time_of(view.issued_at_ms),
        expires_at=time_of(view.expires_at_ms),
        expired=bool(view.flags & FLAG_EXPIRED),
        rejected=bool(view.flags & FLAG_REJECTED),
        origin=_text(view.origin, view.origin_size),
        value=_text(view.value, view.value_size),
        attributes=_attributes(pointer),
    )


def info_of(info: Info) -> TokenInfo:
    previous = info.previous_generation or None
    return TokenInfo(
        generation=info.generation,
        type=info.type.decode("utf-8", "replace"),
        issued_at=time_of(info.issued_at_ms),
        expires_at=time_of(info.expires_at_ms),
        expired=bool(info.flags & FLAG_EXPIRED),
        rejected=bool(info.flags & FLAG_REJECTED),
        value_size=info.value_size,
        previous_generation=previous,
        previous_accept_until=time_of(info.previous_accept_until_ms) if previous else None,
        heartbeat_age=age_of(info.heartbeat_age_ms),
    )
