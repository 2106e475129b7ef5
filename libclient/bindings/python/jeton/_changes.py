"""A token's changes in an asyncio loop: one descriptor for all who wait there, and no thread."""

from __future__ import annotations

import asyncio
import ctypes
import os
from typing import Dict, Set

from ._handle import Handle
from ._library import check, library


class Changes:
    """The descriptor of one token in one loop; it lives while somebody waits."""

    def __init__(self, handle: Handle, loop: asyncio.AbstractEventLoop) -> None:
        self._handle = handle
        self._loop = loop
        self._waiters: Set[asyncio.Future[None]] = set()
        self._users = 0
        self._fd = -1

    def enter(self) -> None:
        """Before the first look at the token: a change from here on is not missed."""
        if self._users == 0:
            fd = ctypes.c_int(-1)
            check(library().jeton_event_fd(self._handle.token, ctypes.byref(fd)), self._handle.where)
            self._fd = fd.value
            self._loop.add_reader(self._fd, self._on_readable)
        self._users += 1

    def leave(self) -> bool:
        """True if that was the last."""
        self._users -= 1
        if self._users > 0:
            return False
        self._loop.remove_reader(self._fd)
        os.close(self._fd)
        return True

    async def next(self, timeout: float) -> None:
        """Returns when the token may have changed, or after `timeout` seconds."""
        waiter = self._loop.create_future()
        self._waiters.add(waiter)
        try:
            await asyncio.wait([waiter], timeout=timeout)
        finally:
            self._waiters.discard(waiter)

    def _on_readable(self) -> None:
        # What goes wrong here goes wrong in the waiters' own look as well, where somebody hears of it.
        library().jeton_event_clear(self._handle.token, self._fd)
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)


# By loop, because a descriptor is watched by one; entries go with their last waiter.
ByLoop = Dict[asyncio.AbstractEventLoop, Changes]
