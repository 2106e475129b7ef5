#!/usr/bin/env python3
"""A resource that checks the fence of a lock, as a table and as a file.

A lock cannot stop a process that was paused past its TTL and goes on as if it still held it. The resource can:
it remembers the highest fence it has seen and refuses what comes with a lower one (Kleppmann 2016, "How to do
distributed locking"). The fence rises with every acquisition of a name, so the refused one is always the late one.

    jetonctl lock run report -- ./fenced_store.py report.json "the text"     # the fence comes in JETON_LOCK_FENCE
"""

import fcntl
import json
import os
import sqlite3
import sys


class TooLate(Exception):
    """A client that took the lock later has written already."""


class FencedTable:
    """One row a name. The comparison is part of the UPDATE, so no transaction of the caller's is needed."""

    SCHEMA = "CREATE TABLE IF NOT EXISTS report (name TEXT PRIMARY KEY, body TEXT, fence INTEGER NOT NULL)"
    # The same statement does in PostgreSQL and SQLite; elsewhere: UPDATE ... WHERE name = ? AND fence <= ?.
    WRITE = """INSERT INTO report (name, body, fence) VALUES (?, ?, ?)
               ON CONFLICT (name) DO UPDATE SET body = excluded.body, fence = excluded.fence
               WHERE report.fence <= excluded.fence"""

    def __init__(self, database: sqlite3.Connection):
        self._database = database
        with database:
            database.execute(self.SCHEMA)

    def write(self, name: str, body: str, fence: int) -> None:
        with self._database:
            if self._database.execute(self.WRITE, (name, body, fence)).rowcount == 0:
                raise TooLate(f"{name}: the fence {fence} is too low")


class FencedFile:
    """A file that contains its fence. The flock makes looking and replacing one step on this host; on a network file
    system it must be one whose locks work across hosts."""

    def __init__(self, path: str):
        self._path = path

    def write(self, body: str, fence: int) -> None:
        with open(self._path + ".lock", "w", encoding="utf-8") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            if fence < self._seen():
                raise TooLate(f"{self._path}: the fence {fence} is too low")
            fresh = self._path + ".new"
            with open(fresh, "w", encoding="utf-8") as out:
                json.dump({"fence": fence, "body": body}, out)
                out.flush()
                os.fsync(out.fileno())
            os.replace(fresh, self._path)

    def _seen(self) -> int:
        try:
            with open(self._path, encoding="utf-8") as kept:
                return json.load(kept)["fence"]
        except FileNotFoundError:
            return 0


if __name__ == "__main__":
    try:
        FencedFile(sys.argv[1]).write(sys.argv[2], int(os.environ["JETON_LOCK_FENCE"]))
    except TooLate as error:
        sys.exit(str(error))
