#!/usr/bin/env python3
"""Each rule of check_history.py, by a history that keeps it and by one that breaks it and no other."""

import copy
import unittest

import check_history

S = 1_000_000  # microseconds


def line(op, begin, end=None, **more):
    end = begin if end is None else end
    begin, end = round(begin * S), round(end * S)
    return {"op": op, "begin_us": begin, "end_us": end, "begin_wall_us": begin, "end_wall_us": end, **more}


def read(at, generation, token, host=0, expires=None, status="JETON_OK", who="reader-a"):
    if status != "JETON_OK":
        return line("read", at, status=status, who=f"{who}-{host}", host=host)
    expires = {"1.a": 18, "2.b": 208}[token] if expires is None else expires
    return line("read", at, status=status, who=f"{who}-{host}", host=host, generation=generation, token=token,
                expires_at_ms=round(expires * 1000))


def hold(who, fence, begin, until, released=True, lock="job", asked=None):
    """An acquisition that returned at `begin`, with a look at the end of the work, and the return."""
    about = {"who": who, "lock": lock, "fence": fence}
    lines = [line("acquire", begin - 0.1 if asked is None else asked, begin, status="JETON_OK", ttl_ms=3000, **about),
             line("held", until - 0.05, status="JETON_OK", **about)]
    return lines + ([line("release", until, status="JETON_OK", **about)] if released else [])


def fault(kind, begin, end, target=0):
    return line("fault", begin, end, kind=kind, target=target)


def key(name, left_ms):
    return line("key", 50.1, server=0, key=name, left_ms=left_ms)


def role(server, name, at):
    return line("role", at, server=server, role=name)


SERVERS = {"redis": [[0]], "redlock": [[0], [1], [2]], "sentinel": [[0, 1, 2]], "cluster": [[0, 2], [1, 3]]}


def good(backend="redis"):
    """Faults until 20, calm until 50."""
    return [
        line("config", 0, backend=backend, replay="again", min_interval_ms=1500, timeout_ms=500, budget_calls=3, budget_ms=10000,
             recovery_ms=10000, hosts=2, locks=["job"], groups=SERVERS[backend],
             group_of={"token": len(SERVERS[backend]) - 1, "job": 0}),
        fault("agent_kill", 5, 6),
        line("calm", 20, 50),
        line("call", 9.9), line("issue", 10, token="1.a", lifetime_ms=8000),
        line("call", 15.9), line("issue", 16, token="2.b", lifetime_ms=192_000),
        read(11, 100, "1.a"), read(12, 100, "1.a", host=1),
        line("publication", 16.5, 17, who="reader-b-0", host=0, generation=200),
        read(18, 200, "2.b"), read(35, 200, "2.b"), read(36, 200, "2.b", host=1),
        *hold("worker-0", 1, 2, 3), *hold("worker-1", 2, 4, 5), *hold("worker-0", 3, 22, 23),
        *hold("worker-1", 4, 40, 41),
        key("jeton:{api}:token", 9000), key("jeton:lock:{job}:fence", 90_000),
    ]


class Rules(unittest.TestCase):
    def broken(self, *more, backend="redis", without=None):
        lines = [each for each in good(backend) if without is None or not without(each)]
        return list(dict.fromkeys(rule for rule, _ in check_history.violations(copy.deepcopy(lines) + list(more))))

    def test_good_history_breaks_none(self):
        self.assertEqual(self.broken(), [])

    def test_empty_history_is_not_whole(self):
        self.assertEqual([rule for rule, _ in check_history.violations([])], ["history_is_whole"])

    def test_history_without_faults_is_not_whole(self):
        self.assertEqual(self.broken(without=lambda each: each["op"] == "fault"), ["history_is_whole"])

    def test_agent_that_ends_breaks_processes_live(self):
        self.assertEqual(self.broken(line("ended", 30, which="agent 0")), ["processes_live"])
        self.assertEqual(self.broken(line("failed_stop", 50, which="agent 0")), ["processes_live"])

    def test_generation_of_two_tokens(self):
        self.assertEqual(self.broken(read(17.5, 200, "1.a", host=1, expires=18)), ["generation_is_one_token"])

    def test_token_of_two_generations(self):
        self.assertEqual(self.broken(read(45, 201, "2.b")), ["generation_is_one_token"])

    def test_older_generation_of_another_reader_of_the_host(self):
        self.assertEqual(self.broken(read(17.5, 100, "1.a", who="reader-c")), ["generations_go_forward"])

    def test_older_generation_on_another_host_is_no_violation(self):
        self.assertEqual(self.broken(read(17.5, 100, "1.a", host=1)), [])

    def test_older_generation_while_the_newer_is_published_is_no_violation(self):
        self.assertEqual(self.broken(read(16.8, 100, "1.a", who="reader-c")), [])

    def test_torn_token_was_not_issued(self):
        self.assertEqual(self.broken(read(45, 300, "torn", expires=50)), ["token_was_issued"])

    def test_token_before_its_issue(self):
        self.assertEqual(self.broken(read(15, 200, "2.b", host=1)), ["token_was_issued"])

    def test_token_past_its_end(self):
        self.assertEqual(self.broken(read(18.002, 100, "1.a", host=1)), ["token_has_not_ended"])

    def test_end_that_is_too_late(self):
        self.assertEqual(self.broken(read(17, 100, "1.a", host=1, expires=18.002)), ["token_has_not_ended"])
        self.assertEqual(self.broken(read(17, 100, "1.a", host=1, expires=18.001)), [])

    def test_end_by_the_clock_of_the_host(self):
        def on_host(ahead, expires):
            stepped = read(17, 100, "1.a", host=1, expires=expires)
            return {**stepped, **{name: stepped[name] + ahead * S for name in ("begin_wall_us", "end_wall_us")}}
        ahead = fault("clock_forth", 9, 19, target=1)
        self.assertEqual(self.broken(ahead, on_host(3600, 3618)), [])
        self.assertEqual(self.broken(ahead, on_host(3600, 3618.25)), [])
        self.assertEqual(self.broken(ahead, on_host(3600, 3618.252)), ["token_has_not_ended"])
        self.assertEqual(self.broken(on_host(-3600, 18)), ["token_has_not_ended"])
        # The segment of before the step.
        self.assertEqual(self.broken(fault("clock_back", 16, 19, target=1), on_host(-3600, 18)), [])
        self.assertEqual(self.broken(fault("clock_back", 16, 19, target=0), on_host(-3600, 18)), ["token_has_not_ended"])

    # Seven calls in ten seconds.
    calls = [line("call", 60 + 1.5 * i) for i in range(7)]

    def test_more_calls_than_two_windows_have(self):
        self.assertEqual(self.broken(*self.calls), ["calls_are_within_budget"])
        self.assertEqual(self.broken(*self.calls[1:]), [])

    def test_lost_data_may_begin_a_window(self):
        self.assertEqual(self.broken(fault("redis_flush", 58, 58), *self.calls), [])
        self.assertEqual(self.broken(fault("redis_flush", 30, 30), *self.calls), ["calls_are_within_budget"])

    def test_lost_data_of_one_server_of_a_quorum_begins_no_window(self):
        self.assertEqual(self.broken(fault("redis_restart_empty", 58, 58), *self.calls, backend="redlock"),
                         ["calls_are_within_budget"])

    def test_calls_too_close(self):
        two = [line("call", 60), line("call", 60.8)]
        self.assertEqual(self.broken(*two), ["calls_keep_min_interval"])
        self.assertEqual(self.broken(*two, fault("agent_pause", 55, 59.5)), [])
        self.assertEqual(self.broken(*two, line("stall", 60.5, 60.8)), [])
        self.assertEqual(self.broken(*two, fault("agent_pause", 55, 58)), ["calls_keep_min_interval"])
        self.assertEqual(self.broken(line("call", 60), line("call", 60.95)), [])

    def test_lower_fence_later(self):
        self.assertEqual(self.broken(*hold("worker-0", 10, 60, 61), *hold("worker-1", 9, 62, 63)),
                         ["fences_rise", "locks_exclude"])

    def test_lower_fence_of_an_acquisition_that_began_before_is_no_violation(self):
        late = hold("worker-1", 9, 61.5, 61.6, asked=59)[:1]  # granted before 60, and lost before its client could look
        self.assertEqual(self.broken(*hold("worker-0", 10, 60, 61), *late), [])

    def test_same_fence_twice(self):
        self.assertEqual(self.broken(*hold("worker-0", 10, 60, 61), *hold("worker-1", 10, 60.9, 61, asked=59)[:1]),
                         ["fences_rise", "locks_exclude"])

    def test_two_holders(self):
        self.assertEqual(self.broken(*hold("worker-0", 10, 60, 62), *hold("worker-1", 11, 61, 63)), ["locks_exclude"])
        self.assertEqual(self.broken(*hold("worker-0", 10, 60, 62), *hold("worker-1", 11, 62.05, 63)), [])

    def test_two_holders_by_a_look_alone(self):
        self.assertEqual(self.broken(*hold("worker-0", 10, 60, 62, released=False), *hold("worker-1", 11, 61, 63)),
                         ["locks_exclude"])

    def test_holder_of_long_ago(self):
        self.assertEqual(self.broken(*hold("worker-0", 10, 60, 66), *hold("worker-1", 11, 61, 62),
                                     *hold("worker-2", 12, 67, 68)), ["locks_exclude"])

    def test_two_holders_after_lost_data(self):
        two = hold("worker-0", 10, 60, 62) + hold("worker-1", 11, 61, 63)
        self.assertEqual(self.broken(*two, fault("redis_flush", 60.5, 60.5)), [])
        self.assertEqual(self.broken(*two, fault("redis_flush", 58.5, 58.5)), ["locks_exclude"])
        self.assertEqual(self.broken(*two, fault("redis_flush", 61.5, 61.5)), ["locks_exclude"])
        self.assertEqual(self.broken(*two, fault("redis_restart_empty", 60.5, 60.6), backend="redlock"), ["locks_exclude"])
        self.assertEqual(self.broken(*hold("worker-0", 10, 60, 64), *hold("worker-1", 11, 61, 65),
                                     fault("redis_flush", 60.5, 60.5)), ["locks_exclude"])

    # Two holders for a second, from 61 to 62.
    two_holders = hold("worker-0", 10, 60, 62) + hold("worker-1", 11, 61, 63)

    def test_two_holders_after_a_failover(self):
        dead = [fault("redis_restart_empty", 58, 64), role(1, "primary", 60.5), role(0, "replica", 63.9)]
        self.assertEqual(self.broken(*self.two_holders, *dead, backend="sentinel"), [])
        # A holder that believes longer than its TTL; a failover before, or after both.
        self.assertEqual(self.broken(*hold("worker-0", 10, 60, 64), *hold("worker-1", 11, 61, 65), *dead,
                                     backend="sentinel"), ["locks_exclude"])
        self.assertEqual(self.broken(*self.two_holders, fault("redis_restart_empty", 57, 59), role(1, "primary", 58.5),
                                     role(0, "replica", 59), backend="sentinel"), ["locks_exclude"])
        self.assertEqual(self.broken(*self.two_holders, role(1, "primary", 61.5), role(0, "replica", 61.5),
                                     backend="sentinel"), ["locks_exclude"])

    def test_two_holders_while_a_former_primary_is_left(self):
        self.assertEqual(self.broken(*self.two_holders, role(1, "primary", 55), role(0, "replica", 60.5),
                                     backend="sentinel"), [])
        self.assertEqual(self.broken(*self.two_holders, role(1, "primary", 55), role(0, "replica", 59),
                                     backend="sentinel"), ["locks_exclude"])
        # It was started again as a primary although there is another.
        self.assertEqual(self.broken(*self.two_holders, fault("redis_restart_empty", 54, 57), role(1, "primary", 56),
                                     role(0, "primary", 56.5), role(0, "replica", 60.5), backend="sentinel"), [])

    def test_holder_at_the_new_primary_outlasts_the_one_at_the_former(self):
        failover = [role(1, "primary", 55), role(0, "replica", 60.5)]
        holder = hold("worker-0", 10, 60, 67)
        self.assertEqual(self.broken(*holder, *hold("worker-1", 11, 60.4, 62), *failover, backend="sentinel"), [])
        self.assertEqual(self.broken(*holder, *hold("worker-1", 11, 60.4, 66), *failover, backend="sentinel"),
                         ["locks_exclude"])
        # The excuse for one is none for the next.
        self.assertEqual(self.broken(*holder, *hold("worker-1", 11, 60.4, 62), *hold("worker-2", 12, 64, 65), *failover,
                                     backend="sentinel"), ["locks_exclude"])

    def test_restart_of_a_replica_loses_nothing(self):
        self.assertEqual(self.broken(*self.two_holders, fault("redis_restart_empty", 60.2, 60.8, target=1),
                                     role(1, "replica", 60.7), backend="sentinel"), ["locks_exclude"])
        self.assertEqual(self.broken(*self.two_holders, fault("redis_restart_empty", 60.2, 60.8), role(0, "primary", 60.7),
                                     backend="sentinel"), [])

    def test_failover_of_servers_that_have_other_keys(self):
        other = [role(3, "primary", 60.5), role(1, "replica", 60.5)]
        self.assertEqual(self.broken(*self.two_holders, *other, backend="cluster"), ["locks_exclude"])
        self.assertEqual(self.broken(*self.two_holders, role(2, "primary", 60.5), role(0, "replica", 60.5),
                                     backend="cluster"), [])
        moved = [line("call", 58 + 1.5 * i) for i in range(7)]
        self.assertEqual(self.broken(*moved, *other, backend="cluster"), [])
        self.assertEqual(self.broken(*moved, role(2, "primary", 60.5), role(0, "replica", 60.5), backend="cluster"),
                         ["calls_are_within_budget"])

    def test_failover_may_begin_a_window_and_lose_the_last_call(self):
        failover = [fault("redis_restart_empty", 57, 59), role(1, "primary", 58), role(0, "replica", 59)]
        self.assertEqual(self.broken(*self.calls, *failover, backend="sentinel"), [])
        self.assertEqual(self.broken(*self.calls, failover[0], role(0, "primary", 58.9), backend="sentinel"), [])
        self.assertEqual(self.broken(*self.calls, failover[0], role(0, "replica", 58.9), role(1, "primary", 80),
                                     backend="sentinel"), ["calls_are_within_budget"])
        early = [fault("redis_restart_empty", 27, 29), role(1, "primary", 28), role(0, "replica", 29)]
        self.assertEqual(self.broken(*self.calls, *early, backend="sentinel"), ["calls_are_within_budget"])
        two = [line("call", 60), line("call", 60.8)]
        self.assertEqual(self.broken(*two, role(1, "primary", 60.4), role(0, "replica", 60.4), backend="sentinel"), [])
        self.assertEqual(self.broken(*two, role(1, "primary", 58), role(0, "replica", 58.5), backend="sentinel"),
                         ["calls_keep_min_interval"])

    def test_failover_excuses_no_older_generation_and_no_fence(self):
        failover = [role(1, "primary", 17.2), role(0, "replica", 17.3)]
        self.assertEqual(self.broken(*failover, read(17.5, 100, "1.a", who="reader-c"), backend="sentinel"),
                         ["generations_go_forward"])
        self.assertEqual(self.broken(*failover, read(17.5, 200, "1.a", host=1, expires=18), backend="sentinel"),
                         ["generation_is_one_token"])
        self.assertEqual(self.broken(*hold("worker-0", 10, 60, 60.4), *hold("worker-1", 9, 60.6, 61),
                                     role(1, "primary", 60.5), role(0, "replica", 60.5), backend="sentinel"),
                         ["fences_rise", "locks_exclude"])

    def test_two_primaries_long_after_the_faults(self):
        self.assertEqual(self.broken(role(1, "primary", 15), backend="sentinel"), ["fleet_recovers"])
        self.assertEqual(self.broken(role(1, "primary", 15), role(0, "replica", 35), backend="sentinel"), [])
        self.assertEqual(self.broken(role(0, "replica", 15), backend="sentinel"), ["fleet_recovers"])

    def test_token_that_is_not_back(self):
        self.assertEqual(self.broken(read(35.5, 0, "", status="JETON_EXPIRED")), ["fleet_recovers"])
        self.assertEqual(self.broken(read(25, 0, "", status="JETON_EXPIRED")), [])
        self.assertEqual(self.broken(read(35.5, 0, "", status="JETON_EXPIRED"), line("stall", 24, 24.2)), [])
        self.assertEqual(self.broken(read(35.5, 0, "", status="JETON_EXPIRED"), line("stall", 23, 23.2)),
                         ["fleet_recovers"])

    def test_host_without_a_read_after_the_faults(self):
        self.assertEqual(self.broken(without=lambda each: each["op"] == "read" and each["host"] == 1), ["fleet_recovers"])

    def test_lock_that_nobody_can_take(self):
        self.assertEqual(self.broken(without=lambda each: each.get("fence") == 3), ["fleet_recovers"])

    def test_lock_that_is_refused_or_lost_long_after_the_faults(self):
        refused = {"who": "worker-0", "lock": "job", "status": "JETON_LOCK_UNAVAILABLE"}
        self.assertEqual(self.broken(line("acquire", 35, 36, **refused)), ["fleet_recovers"])
        self.assertEqual(self.broken(line("acquire", 25, 26, **refused)), [])
        loss = line("lost", 40.5, who="worker-1", lock="job", fence=4, reason="it is gone")
        self.assertEqual(self.broken(loss), ["fleet_recovers"])
        self.assertEqual(self.broken(loss, line("stall", 39, 40)), [])

    def test_key_without_an_expiry(self):
        self.assertEqual(self.broken(key("jeton:{api}:fence", -1)), ["no_key_is_left_for_ever"])

    def test_lock_after_the_stop(self):
        for lock in "jeton:{api}:updater", "jeton:lock:{job}":
            self.assertEqual(self.broken(key(lock, 2000)), ["no_key_is_left_for_ever"])
            self.assertEqual(self.broken(key(lock, 2000), line("stall", 45, 45.2)), [])
            self.assertEqual(self.broken(key(lock, -1), line("stall", 45, 45.2)), ["no_key_is_left_for_ever"])

    def test_recovery_that_was_not_judged(self):
        def judged(*more):
            return len(list(check_history.judged_recovery_checks(check_history.History(good() + list(more)))))
        self.assertEqual((judged(), judged(line("stall", 36, 36.1)), judged(line("stall", 30, 30.1), line("stall", 42, 50))),
                         (6, 4, 0))
        self.assertEqual([check_history.verdict(*each)[1] for each in (([], 7), ([], 0), (["one"], 0))], [0, 77, 1])


if __name__ == "__main__":
    unittest.main()
