"""A history of jeton_chaos, and what the store lost in it.

A history has one JSON object a line: `op`, and its begin and end, in microseconds of CLOCK_BOOTTIME (begin_us, end_us)
and of the wall clock (begin_wall_us, end_wall_us). All processes of a history run on one host, so their times compare.

  config       promises of the configuration (tests/chaos/fleet.cpp), the groups of servers that have the same data (first
               their first primary), the group of each thing, and the command that replays the faults
  fault        kind, target: from its beginning until it was undone
  role         a server became primary or replica, by its own log or as it was started
  calm         no fault; the end of an episode
  stall        the machine was so busy that a process waited to run: whatever has a time limit may fail
  call, issue  of the provider: a request arrived; an answer with a token, its lifetime_ms
  read         of a reader: status; token (serial number and checksum), generation, expires_at_ms
  publication  of a reader that waited for it: generation
  acquire      of a lock user: lock, status, fence, ttl_ms
  held, lost, release   looks at a held lock, with its fence; a loss that was noticed; the return
  key          in a primary after the stop: server, key, left_ms (of PTTL; -1: it has no expiry)
  ended, failed_stop    a process ended although no fault ended it; one ended with a wrong status
"""

import collections

MS = 1000
GRAIN = MS  # of the times of a token, which are rounded to milliseconds
FOREVER = 1 << 62


class History:
    def __init__(self, lines):
        self.by_op = collections.defaultdict(list)
        for line in sorted(lines, key=lambda line: line["begin_us"]):
            self.by_op[line["op"]].append(line)
        self.config = self.by_op["config"][0] if self.by_op["config"] else None

    def ops(self, *names):
        return [line for name in names for line in self.by_op[name]]

    def faults(self, *kinds):
        return [fault for fault in self.by_op["fault"] if fault["kind"] in kinds]

    def reigns(self, group):
        """(server, begin, end): when each server of a group took itself for its primary. A kill ends that."""
        found = []
        for server in self.config["groups"][group]:
            events = [(line["begin_us"], line["role"]) for line in self.by_op["role"] if line["server"] == server]
            events += [(kill["begin_us"], "ended") for kill in self.faults("redis_restart_empty") if kill["target"] == server]
            events += [(0, "primary")] * (server == self.config["groups"][group][0])
            begin = None
            for at, role in sorted(events) + [(FOREVER, "end of the history")]:
                if role == "primary":
                    begin = at if begin is None else begin
                elif begin is not None:
                    found.append((server, begin, at))
                    begin = None
        return sorted(found, key=lambda reign: reign[1])

    def failovers(self, group):
        """systemd/README.md: "a failover to a replica that was behind" loses data; "`min-replicas-to-write` stops writes to a
        primary that was cut off", so without it that primary takes writes, which are lost, until its end. From the beginning of
        a new primary until it is the only one."""
        reigns = self.reigns(group)
        for server, begin, end in reigns[1:]:
            former = [last for other, since, last in reigns if other != server and since <= begin <= last]
            # A primary that was only started again is no failover.
            if former or not any(was_started_by(restart, server, begin) for restart in self.faults("redis_restart_empty")):
                yield {"begin_us": begin - GRAIN, "end_us": min(end, max(former, default=begin)) + GRAIN}

    def data_losses(self, thing):
        """Of the store that has it. systemd/README.md: "Lost data (FLUSHALL, a restart without persistence, a failover to a
        replica that was behind)". A server that comes back as a replica loses nothing by that. One of a quorum that lost its data
        comes back after every lock has ended."""
        if self.config["backend"] == "redlock":
            return []
        group = self.config["group_of"][thing]
        reigns = self.reigns(group)
        restarts = [restart for restart in self.faults("redis_restart_empty")
                    if any(was_started_by(restart, server, begin) for server, begin, _ in reigns)]
        return self.faults("redis_flush") + restarts + list(self.failovers(group))

    def clock_was_stepped(self, host, begin, end):
        return any(fault["target"] == host and begin <= step <= end
                   for fault in self.faults("clock_forth", "clock_back") for step in (fault["begin_us"], fault["end_us"]))

    def clock_is_off(self, at):
        """That of any host."""
        return any(touches(fault, at, at) for fault in self.faults("clock_forth", "clock_back"))

    def tokens(self):
        return {issue["token"]: issue for issue in self.by_op["issue"]}

    def good_reads(self):
        return [read for read in self.by_op["read"] if read["status"] == "JETON_OK"]

    def grants(self):
        return [grant for grant in self.by_op["acquire"] if grant["status"] == "JETON_OK"]


def seconds(us):
    return f"{us / 1e6:.3f} s"


def was_started_by(restart, server, at):
    return restart["target"] == server and restart["begin_us"] <= at <= restart["end_us"]


def touches(line, begin, end):
    return line["begin_us"] <= end and line["end_us"] >= begin
