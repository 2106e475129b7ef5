"""Looking around: the tokens of a directory, and the problem of one."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import List, Optional

from . import _arguments, _library
from ._library import check, library, options
from ._value import age_of
from .errors import Status


@dataclass(frozen=True)
class Diagnosis:
    """What is the matter with a token and, apart, with the agent: a token outlives its agent."""

    token: Status
    agent: Status
    heartbeat_age: Optional[timedelta]  # since the agent's last heartbeat in the segment; None: none seen


def list_tokens(directory: _arguments.Directory = None) -> List[str]:
    """The tokens that have a segment here, sorted, readable by this user or not. NoAgent: none ever ran here."""
    given = options(directory)
    size = ctypes.c_size_t(512)
    while True:
        names = ctypes.create_string_buffer(size.value)
        status = library().jeton_list(ctypes.byref(given), names, len(names), ctypes.byref(size), None)
        if status != Status.BUFFER_TOO_SMALL:
            break
    check(status, os.fsdecode(directory) if directory else "tokens")
    return [os.fsdecode(name) for name in names.raw[: size.value].split(b"\0")[:-1]]


def diagnose(name: str, directory: _arguments.Directory = None) -> Diagnosis:
    """Opens the token afresh and asks the agent, for a second at most. Raises only if it could not look."""
    given, given_name = options(directory), _arguments.text(name, "the name of a token")
    found = _library.Diagnosis(ctypes.sizeof(_library.Diagnosis), 0, 0, -1)
    check(library().jeton_diagnose(ctypes.byref(given), given_name, ctypes.byref(found)), f"token {name!r}")
    return Diagnosis(Status(found.token), Status(found.agent), age_of(found.heartbeat_age_ms))


def library_version() -> str:
    """Version of the libjeton in use, "0.1.0"."""
    version: bytes = library().jeton_version()
    return version.decode()
