#!/usr/bin/env python3
"""Judges a history of jeton_chaos: check_history.py FILE. Status 1: a rule is broken; 77: the machine was too busy to judge the
recovery, and no other rule is broken.

history.py lists its operations. A rule is the sentence of a page, cited in its first line.
"""

import bisect
import collections
import json
import sys

from history import GRAIN, MS, History, seconds, touches


def history_is_whole(history):
    """A run without faults, reads, calls or locks shows nothing."""
    for op in ("config", "fault", "calm", "call", "issue", "read", "publication", "acquire", "held", "release", "key"):
        if not history.by_op[op]:
            yield f"no operation {op}"


def processes_live(history):
    """systemd/README.md, "When something fails": no row ends an agent."""
    for line in history.ops("ended", "failed_stop"):
        yield f"{line['op']}: {line['which']}"


def generation_is_one_token(history):
    """agent/README.md: "only a new token has a new" generation."""
    token_of, generation_of = {}, {}
    for read in history.good_reads():
        token, generation = read["token"], read["generation"]
        if token_of.setdefault(generation, token) != token:
            yield f"generation {generation} is {token_of[generation]} and {token}"
        if generation_of.setdefault(token, generation) != generation:
            yield f"{token} has the generations {generation_of[token]} and {generation}"


def generations_go_forward(history):
    """agent/README.md: "no host goes back, whatever the order of messages"."""
    by_host = collections.defaultdict(list)
    for seen in history.good_reads() + history.ops("publication"):
        by_host[seen["host"]].append(seen)
    for host, all_seen in by_host.items():
        ended = sorted(all_seen, key=lambda seen: seen["end_us"])
        newest, i = 0, 0
        for seen in sorted(all_seen, key=lambda seen: seen["begin_us"]):
            while ended[i]["end_us"] < seen["begin_us"]:
                newest = max(newest, ended[i]["generation"])
                i += 1
            if seen["generation"] < newest:
                yield f"{seen['who']} on host {host} sees {seen['generation']} after {newest}"


def token_was_issued(history):
    """README.md: the tokens of the fleet come from the provider."""
    tokens = history.tokens()
    for read in history.good_reads():
        issue = tokens.get(read["token"])
        if issue is None or issue["begin_us"] > read["end_us"]:
            yield f"{read['who']} reads {read['token']}, which was not issued before"


def token_has_not_ended(history):
    """systemd/README.md: "the same token, for no longer than its lifetime", "the same token, until it expires"."""
    tokens = history.tokens()
    for read in history.good_reads():
        issue = tokens.get(read["token"])
        if issue is None:
            continue
        late = read["begin_us"] - issue["begin_us"] - issue["lifetime_ms"] * MS
        if late > GRAIN:
            yield f"{read['who']} is given {read['token']} as valid {seconds(late)} after its end"
        # By the clock of its host. A segment that was written before a step says the time of before. How far the clock of this
        # host, or of the one that fetched, is off is measured by an answer of Redis, to within half of the time that it took.
        if history.clock_was_stepped(read["host"], issue["begin_us"], read["end_us"]):
            continue
        late += read["expires_at_ms"] * MS - read["begin_wall_us"]
        is_off = history.clock_is_off(read["begin_us"]) or history.clock_is_off(issue["begin_us"])
        if late > (history.config["timeout_ms"] * MS / 2 if is_off else GRAIN):
            yield f"{read['who']} is told an end of {read['token']} that is {seconds(late)} too late"


def calls_are_within_budget(history):
    """systemd/README.md: the budget "is counted in Redis before the call"; a window "begins with its first call, and a new
    one begins after its end", so any time as long as a window has calls of two at most. A store that lost its data gets
    the count back "within a second": each loss may begin one more window."""
    config = history.config
    length = config["budget_ms"] * MS
    calls = [call["begin_us"] for call in history.by_op["call"]]
    losses = history.data_losses("token")
    for i, last in enumerate(calls):
        first = bisect.bisect_right(calls, last - length)
        windows = 2 + sum(touches(loss, last - 2 * length, last) for loss in losses)
        if i - first + 1 > windows * config["budget_calls"]:
            yield f"{i - first + 1} calls in {seconds(length)}, the budget allows {config['budget_calls']}"


def calls_keep_min_interval(history):
    """config/agent.yaml: min_interval is "between the starts of two fetches, fleet-wide". The store admits a call; an agent
    that is paused between that and the call makes it later. No answer of a store is waited for longer than its timeout."""
    way_of_a_call = (history.config["timeout_ms"] + 100) * MS
    calls = [call["begin_us"] for call in history.by_op["call"]]
    pauses = history.faults("agent_pause") + history.by_op["stall"] + history.data_losses("token")
    for before, call in zip(calls, calls[1:]):
        if call - before + way_of_a_call >= history.config["min_interval_ms"] * MS:
            continue
        if not any(touches(pause, before - 1000 * MS, call) for pause in pauses):
            yield f"two calls within {seconds(call - before)}"


def last_beliefs(history):
    """By (lock, fence): the last moment for which its holder knew that it held it. A release that is confirmed says "that it
    was held until now" (jeton.h)."""
    beliefs = {}
    for look in history.ops("held", "release"):
        if look["status"] == "JETON_OK":
            key = look["lock"], look["fence"]
            beliefs[key] = max(beliefs.get(key, 0), look["begin_us"])
    return beliefs


def grants_by_lock(history):
    by_lock = collections.defaultdict(list)
    for grant in history.grants():
        by_lock[grant["lock"]].append(grant)
    return {lock: sorted(grants, key=lambda grant: grant["fence"]) for lock, grants in by_lock.items()}


def fences_rise(history):
    """libclient/README.md: the fence "rises with every acquisition of a lock"."""
    for lock, grants in grants_by_lock(history).items():
        earliest_end = None  # of the grants with this fence or a higher one
        for before, grant in zip(grants, grants[1:]):
            if before["fence"] == grant["fence"]:
                yield f"{lock}: {before['who']} and {grant['who']} have the fence {grant['fence']}"
        for grant in reversed(grants):
            if earliest_end is not None and earliest_end["end_us"] < grant["begin_us"]:
                yield f"{lock}: {grant['who']} gets the fence {grant['fence']} after {earliest_end['fence']}"
            if earliest_end is None or grant["end_us"] < earliest_end["end_us"]:
                earliest_end = grant


def locks_exclude(history):
    """jeton.h: "A lock that one process of the whole fleet holds at a time." In the order of the fences each holder's belief ends
    before the next begins: so the history is that of one lock after the other. The validity of a lease counts from before its
    request, less the drift, so on one host nothing may overlap. systemd/README.md: lost data loses locks, "and their holders are
    notified", at the latest at the end of the TTL. libclient/README.md: "a failover of a single Redis can lose a
    lock"."""
    beliefs = last_beliefs(history)
    for lock, grants in grants_by_lock(history).items():
        losses = history.data_losses(lock)
        later = []  # of the higher fences, the one that was granted first
        for grant in reversed(grants):
            later.append(grant if not later or grant["end_us"] < later[-1]["end_us"] else later[-1])
        for i, (holder, first) in enumerate(zip(grants, later[-2::-1])):
            until = beliefs.get((lock, holder["fence"]), 0)
            if until <= first["end_us"]:
                continue
            for other in grants[i + 1:]:
                if until > other["end_us"] and not any(
                        is_excused(loss, holder, other, until, beliefs.get((lock, other["fence"]), 0)) for loss in losses):
                    yield (f"{lock}: {holder['who']} (fence {holder['fence']}) holds it {seconds(until - other['end_us'])} after "
                           f"{other['who']} got it (fence {other['fence']})")


def is_excused(loss, holder, other, until, other_until):
    """The holder was there before the loss ended, the other came after it began, and both together last for one TTL
    longer at most. In a failover either of them may be the one that is lost, else the holder."""
    both_until = min(until, other_until) if "kind" not in loss else until
    return (loss["end_us"] >= holder["begin_us"] and loss["begin_us"] <= other["end_us"]
            and both_until <= loss["end_us"] + holder["ttl_ms"] * MS)


def no_key_is_left_for_ever(history):
    """systemd/README.md, "Redis": the keys are there "each with an expiry". And a lock that nobody holds is given back: at the stop
    every holder releases, unless the machine is so busy that the time for it passes."""
    for key in history.by_op["key"]:
        where = f"server {key['server']} has {key['key']}"
        if key["left_ms"] < 0:
            yield f"{where} without an expiry"
        is_lock = key["key"].endswith(":updater") or key["key"].startswith("jeton:lock:") and key["key"].endswith("}")
        was_busy = any(touches(stall, key["begin_us"] - 10_000 * MS, key["end_us"]) for stall in history.by_op["stall"])
        if is_lock and not was_busy:
            yield f"{where} after the stop, for {key['left_ms']} ms"


def recovery_checks(history):
    """(moment, what is wrong or None) of all that must be well again after the faults."""
    for calm in history.by_op["calm"]:
        recovered, end = calm["begin_us"] + history.config["recovery_ms"] * MS, calm["end_us"]

        def later(*ops):
            return [line for line in history.ops(*ops) if recovered <= line["begin_us"] and line["end_us"] <= end]

        reads = later("read")
        for host in range(history.config["hosts"]):
            was_read = any(read["host"] == host for read in reads)
            yield end, None if was_read else f"no read on host {host} after the faults"
        for read in reads:
            well = read["status"] == "JETON_OK"
            late = seconds(read["begin_us"] - calm["begin_us"])
            yield read["begin_us"], None if well else f"{read['who']} finds {read['status']} {late} after the faults"
        for grant in later("acquire"):
            well = grant["status"] in ("JETON_OK", "JETON_LOCK_BUSY")
            yield grant["end_us"], None if well else (
                f"{grant['who']} finds {grant['status']} long after the faults: {grant.get('reason')}")
        for loss in later("lost"):
            yield loss["begin_us"], f"{loss['who']} loses {loss['lock']} without a fault: {loss['reason']}"
        for lock in history.config["locks"]:
            taken = any(grant["lock"] == lock and calm["begin_us"] <= grant["begin_us"] and grant["end_us"] <= recovered
                        for grant in history.grants())
            yield recovered, None if taken else f"nobody could take {lock} after the faults"
        if history.config["backend"] in ("sentinel", "cluster"):
            for group, servers in enumerate(history.config["groups"]):
                primaries = [server for server, begin, last in history.reigns(group) if begin <= end <= last]
                well = len(primaries) == 1
                yield end, None if well else f"of the servers {servers} the primaries are {primaries} long after the faults"


def judged_recovery_checks(history):
    """Those from whose moment back the machine was not too busy, for the lifetime of a token."""
    ends_of_stalls = sorted(stall["end_us"] for stall in history.by_op["stall"])
    for at, wrong in recovery_checks(history):
        i = bisect.bisect_left(ends_of_stalls, at - 12_000 * MS)
        if i == len(ends_of_stalls) or ends_of_stalls[i] > at + 1000 * MS:
            yield at, wrong


def fleet_recovers(history):
    """systemd/README.md, "When something fails": every fault that ends is recovered from, within the bound of fleet.cpp; from then
    on nothing fails that no fault explains, unless the machine has been too busy."""
    return (wrong for _, wrong in judged_recovery_checks(history) if wrong)


RULES = (history_is_whole, processes_live, generation_is_one_token, generations_go_forward, token_was_issued,
         token_has_not_ended, calls_are_within_budget, calls_keep_min_interval, fences_rise, locks_exclude,
         no_key_is_left_for_ever, fleet_recovers)


def violations(lines):
    """(rule, what) for each."""
    history = History(lines)
    if history.config is None:
        return [("history_is_whole", "no operation config")]
    return [(rule.__name__, what) for rule in RULES for what in rule(history)]


def outcome(line):
    return line["op"] + (" " + line["status"] if line.get("status", "JETON_OK") != "JETON_OK" else "")


def table(title, counts):
    print(title)
    for name, count in sorted(counts.items()):
        print(f"  {name:<36}{count:>8}")


def verdict(found, judged):
    if found:
        return "failed", 1
    return ("passed", 0) if judged else ("skipped: the machine was too busy to judge the recovery", 77)


def main(path):
    with open(path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    found = violations(lines)
    table("faults", collections.Counter(line["kind"] for line in lines if line["op"] == "fault"))
    table("operations", collections.Counter(outcome(line) for line in lines if line["op"] not in ("fault", "config")))
    counts = collections.Counter(rule for rule, _ in found)
    table("violations", {rule.__name__: counts[rule.__name__] for rule in RULES})
    history = History(lines)
    judged, asked = (len(list(checks(history))) if history.config else 0
                     for checks in (judged_recovery_checks, recovery_checks))
    print(f"recovery: {judged} of {asked} checks judged; for the others the machine was too busy")
    for rule, what in found[:20]:
        print(f"{rule}: {what}")
    replay = next((line["replay"] for line in lines if line["op"] == "config"), "unknown")
    word, status = verdict(found, judged)
    print(f"{word}; the same faults again: {replay}")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
