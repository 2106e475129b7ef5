#!/usr/bin/env python3
"""A job that every host's timer starts at the same second, and that one host of the fleet does.

    nightly_job.py NAME DATABASE

The resource is a table (SQLite here; the statement is plain SQL) that keeps the fence of its last writer and refuses
an older one: a job that was stopped for longer than its lock lasted, and goes on then, changes nothing.
Exit status: 0 done, 3 another host does it, 4 the lock was lost on the way.
"""

import sqlite3
import sys

import jeton


def write(database: sqlite3.Connection, fence: int, total: int) -> bool:
    """False: a client with a newer lock has been here."""
    with database:  # one transaction
        changed = database.execute("UPDATE report SET fence = ?, total = ? WHERE fence <= ?", (fence, total, fence))
    return changed.rowcount == 1


def main(name: str, path: str) -> int:
    database = sqlite3.connect(path)
    with database:
        database.execute("CREATE TABLE IF NOT EXISTS report (fence INTEGER NOT NULL, total INTEGER)")
        database.execute("INSERT INTO report SELECT 0, 0 WHERE NOT EXISTS (SELECT * FROM report)")
    try:
        with jeton.Lock(name, ttl=30, wait=0, metadata="nightly report") as lock:
            for total in range(1, 4):
                if lock.lost or not write(database, lock.fence, total):
                    return 4
    except jeton.LockBusy:
        return 3
    except jeton.LockLost:
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
