"""What callers pass, checked before libjeton sees it.

TypeError: it is of another type. ValueError, and of a name InvalidArgument, which is one: no such value is possible. C
would otherwise take a text for its part before a NUL, and a number for its lower bits.
"""

from __future__ import annotations

import math
import numbers
import operator
import os
from typing import Any, List, Optional, Union

from .errors import InvalidArgument, Status

Directory = Union[str, bytes, "os.PathLike[Any]", None]

_FOR_EVER_MS = 2**62


def text(value: object, what: str) -> bytes:
    """A name or another text, without NUL and surrogates."""
    if not isinstance(value, str):
        raise TypeError(f"{what} must be str, not {type(value).__name__}")
    try:
        encoded = value.encode()
    except UnicodeEncodeError:
        encoded = b"\0"
    if b"\0" in encoded:
        raise InvalidArgument(f"{what} {value!r}: invalid argument", Status.INVALID_ARGUMENT)
    return encoded


def texts(values: object, what: str) -> List[bytes]:
    """Several; one str is not several of one letter each."""
    if isinstance(values, (str, bytes)):
        raise TypeError(f"{what} must be a sequence of str, not {type(values).__name__}")
    return [text(value, what) for value in values]  # type: ignore[attr-defined]  # TypeError: not iterable


def directory(value: Directory) -> Optional[bytes]:
    if value is None:
        return None
    encoded = os.fsencode(value)
    if b"\0" in encoded:
        raise ValueError("directory: embedded null byte")
    return encoded


def generation(value: object) -> int:
    """An integer that fits in 64 bits without a sign."""
    number = operator.index(value)  # type: ignore[arg-type]  # TypeError: no integer
    if not 0 <= number < 2**64:
        raise ValueError(f"generation {number} is not between 0 and 2**64 - 1")
    return number


def seconds(value: object, what: str) -> float:
    """A duration; negative ones are over already."""
    if not isinstance(value, numbers.Real):
        raise TypeError(f"{what} must be a number of seconds, not {type(value).__name__}")
    number = float(value)
    if math.isnan(number):
        raise ValueError(f"{what} is not a number")
    return max(number, 0.0)


def timeout(value: object, what: str = "timeout") -> Optional[float]:
    """seconds(), or None: no limit."""
    return None if value is None else seconds(value, what)


def milliseconds(value: Optional[float]) -> int:
    """Of checked seconds, rounded up; None: no limit."""
    if value is None:
        return -1
    return _FOR_EVER_MS if value * 1000 >= _FOR_EVER_MS else int(value * 1000 + 0.999)


def presented(value: object) -> bytes:
    """A token that was presented: str, or what has the interface of a buffer."""
    if isinstance(value, str):
        try:
            return value.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:  # JSON of a client may hold such a text, which no token is
            return value.encode("utf-8", "surrogatepass")
    return memoryview(value).tobytes()  # type: ignore[arg-type]  # TypeError: neither
