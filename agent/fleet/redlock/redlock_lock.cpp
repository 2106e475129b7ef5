#include "agent/fleet/redlock/redlock_lock.hpp"

#include <algorithm>

#include "agent/base/failpoint.hpp"
#include "agent/base/log.hpp"
#include "agent/fleet/lease_terms.hpp"
#include "agent/fleet/redlock/lock_votes.hpp"
#include "agent/fleet/redlock/redlock_register.hpp"

namespace jeton::agent::redlock {
namespace {

using Grant = RedisServer::Grant;
using VoteRound = RedlockRound<Grant>;
using Outcome = VoteCount::Outcome;

constexpr Duration shortest_split_pause = std::chrono::milliseconds(5);
constexpr Duration split_spread = std::chrono::milliseconds(50);
constexpr int most_doublings = 8;

bool is_won(const Grant& vote) { return vote.answer.outcome == LockOperations::Acquired::Outcome::won; }

// For people and, with the kind, for the line of contenders: the key is the same on every server.
std::string lock_key(const RedlockQuorum& quorum, const Subject& subject) {
  return quorum.servers.front()->keys_of(subject).lock;
}

// In the background. A server that cannot be asked is released as soon as it can, by its own cleanup.
Task<> release_in_background(Server server, Subject subject, std::string owner, Duration ttl, BootTime deadline) {
  const RedisServer::Busy busy(*server);
  co_await redlock::release(server, subject, owner, ttl, deadline);
}

// Each granted lock of an attempt that did not succeed, those of answers still to come included.
void abandon(const RedlockQuorum& quorum, const Subject& subject, AcquireAttempt& attempt, const VoteRound& round) {
  attempt.abandoned = true;
  for (std::size_t i = 0; i < round.servers(); ++i) {
    if (!round.answers[i] || !is_won(*round.answers[i])) continue;
    start_task(quorum.timers.executor(),
               release_in_background(quorum.servers[i], subject, attempt.owner, attempt.ttl, quorum.deadline()));
  }
}

// Contenders that split the servers between them must not meet again: each waits for a random part of a time in which
// several attempts have room; with each split it is twice as long, because nothing says how many they are.
BootTime after_a_split(const RedlockQuorum& quorum, BootTime sent_at, int splits) {
  const Duration spread =
      std::max(split_spread, 4 * (quorum.now() - sent_at)) * (1 << std::min(splits - 1, most_doublings));
  return quorum.now() + shortest_split_pause + std::chrono::duration_cast<Duration>(spread * quorum.random.uniform());
}

// True: a majority has the fence, and the lock is ours there.
Task<bool> write_back_fence(Quorum quorum, Subject subject, Lease lease) {
  const RedlockQuorum::Question<bool> question = [subject, lease](const Server& server, BootTime deadline) {
    return raise_fence(server, subject, lease.owner, lease.fence, deadline);
  };
  const BootTime until = std::min(quorum->deadline(), lease.valid_until);
  const auto round = co_await RedlockQuorum::settle(quorum, question, is_yes, until);
  if (quorum->now() >= lease.valid_until) {
    throw TransportError("the servers answered too late: the lock was valid for " +
                         std::to_string(lease.ttl.count() / 1'000'000) + " ms only");
  }
  const bool written = round->count(is_yes) >= round->majority();
  if (!written && round->answered() < round->majority()) quorum->no_majority(*round);
  co_return written;
}

// The servers that have said so far that they have the lock of this lease: only these can lose it.
template <typename T, typename HasIt>
void note_servers(RedlockQuorum& quorum, const Lease& lease, const RedlockRound<T>& round, HasIt has_it) {
  const auto held = quorum.held.find(lease.owner);
  if (held == quorum.held.end()) return;
  held->second.valid_until = std::max(held->second.valid_until, lease.valid_until);
  for (std::size_t i = 0; i < round.servers(); ++i) {
    if (round.answers[i] && has_it(*round.answers[i])) held->second.servers.insert(i);
  }
}

// In the background, after a renewal that a majority confirmed: servers that answered "not yours" lost the lock, or
// had granted it to another owner.
Task<> restore_lock(Quorum quorum, Subject subject, Lease lease, RedlockQuorum::Round<bool> renewal) {
  try {
    co_await RedlockRound<bool>::wait_for_all(renewal, quorum->deadline());
    note_servers(*quorum, lease, *renewal, is_yes);
    for (std::size_t i = 0; i < renewal->servers(); ++i) {
      if (!renewal->answers[i] || *renewal->answers[i]) continue;
      const Server server = quorum->servers[i];
      const Milliseconds left = to_ms(lease.valid_until - quorum->now());
      // Released meanwhile, or no longer valid: then nothing may create it.
      if (!quorum->held.contains(lease.owner) || left <= Milliseconds{0} || !server->is_connected()) continue;
      const RedisServer::Busy busy(*server);
      const BootTime deadline = std::min(quorum->deadline(), lease.valid_until);
      const bool taken = co_await reacquire(server, subject, lease.owner, lease.fence, left, deadline);
      const auto held = quorum->held.find(lease.owner);
      if (held == quorum->held.end()) co_return;
      const log::Field name(log_key_of(subject), subject.name);
      const log::Field at("server", server->display());
      const log::Field fence("fence", lease.fence);
      if (!taken) {
        log::debug("a server has the lock of another owner; a majority still has ours", {name, at, fence});
      } else if (held->second.servers.insert(i).second) {
        log::debug("a server that had not granted the lock has it now", {name, at, fence});
      } else {
        log::warning(log::lock_given_back,
                     "a server had lost the lock (was it restarted without its data?) and has it again",
                     {name, at, fence});
      }
    }
  } catch (const TransportError& e) {
    log::debug("the lock could not be restored on a server",
               {{log_key_of(subject), subject.name}, {"error", e.what()}});
  }
}

struct Attempted {
  AcquireResult result;
  bool split = false;  // no owner is known to hold it: to be tried again soon
};

Task<Attempted> attempt_once(Quorum quorum, Subject subject, AcquireRequest request) {
  const BootTime sent_at = quorum->now();
  const auto attempt = std::make_shared<AcquireAttempt>(std::move(request));
  // Before it is sent: the claim may be heard before the answers.
  if (subject.kind == Subject::Kind::token) quorum->notifications->own(attempt->owner);
  const RedlockQuorum::Question<Grant> question = [subject, attempt](const Server& server, BootTime deadline) {
    return acquire(server, subject, attempt, deadline);
  };
  const BootTime until = quorum->deadline();
  const RedlockQuorum::Round<Grant> round = quorum->ask(question, until);
  Attempted attempted;
  AcquireResult& result = attempted.result;
  try {
    const auto decided = [](const VoteRound& r) {
      return count_votes(r.answers, r.pending()).outcome != Outcome::open;
    };
    co_await VoteRound::wait(round, decided, until);
    const VoteCount votes = count_votes(round->answers, 0);
    if (round->answered() < round->majority()) quorum->no_majority(*round);
    std::optional<Record> current = newest_record(*round);
    if (votes.outcome == Outcome::refused) {
      result = refusal_of(votes.answer, quorum->now(), lock_key(*quorum, subject));
      if (!result.trouble.empty()) result.trouble += " on every server";
    } else if (votes.outcome == Outcome::split) {
      attempted.split = true;
    } else {
      JETON_FAILPOINT("redlock.acquire.won");
      Lease lease{attempt->owner, votes.answer.fence, attempt->ttl, lease_valid_until(sent_at, attempt->ttl)};
      const bool written = co_await write_back_fence(quorum, subject, lease);
      if (written) {
        quorum->held[lease.owner] = {attempt, lease.valid_until};
        note_servers(*quorum, lease, *round, is_won);
        result.lease = std::move(lease);
      } else {
        // The lock was taken from us on too many servers, or a fence above ours was drawn there meanwhile.
        attempted.split = true;
      }
    }
    result.current = std::move(current);
  } catch (...) {
    // A majority could not be asked, or the caller was cancelled.
    abandon(*quorum, subject, *attempt, *round);
    throw;
  }
  if (!result.lease) abandon(*quorum, subject, *attempt, *round);
  co_return attempted;
}

Task<AcquireResult> attempt_until_decided(Quorum quorum, Subject subject, AcquireRequest request) {
  const BootTime until = std::min(quorum->deadline(), request.give_up_at);
  for (int splits = 1;; ++splits) {
    const BootTime sent_at = quorum->now();
    Attempted attempted = co_await attempt_once(quorum, subject, request);
    if (!attempted.split) co_return std::move(attempted.result);
    const BootTime again_at = after_a_split(*quorum, sent_at, splits);
    attempted.result.busy_until = again_at;
    if (splits > 1 && again_at > until) co_return std::move(attempted.result);
    co_await sleep_until(quorum->timers, again_at);
    if (request.owner_is_new) request.owner = new_owner_id(quorum->random);
  }
}

}  // namespace

Task<AcquireResult> try_acquire(Quorum quorum, Subject subject, AcquireRequest request) {
  quorum->forget_ended();
  const LockAttempts::Attempt attempt = [quorum, subject, request] {
    return attempt_until_decided(quorum, subject, request);
  };
  // A token whose lock.key is the key of an application's lock needs an answer of its own, with its record.
  const std::string line = (subject.kind == Subject::Kind::token ? "token " : "lock ") + lock_key(*quorum, subject);
  AcquireResult result = co_await quorum->attempts.run(line, attempt);
  co_return result;
}

namespace {

// Extends the lease if a majority says yes while it is valid.
Task<bool> keep(Quorum quorum, Subject subject, Lease& lease, RedlockQuorum::Question<bool> question) {
  const BootTime sent_at = quorum->now();
  // The limit of extension: a lock that was not extended in time is lost, even if the servers still have it.
  if (sent_at >= lease.valid_until) co_return false;
  const BootTime until = std::min(quorum->deadline(), lease.valid_until);
  const RedlockQuorum::Round<bool> round = co_await RedlockQuorum::settle(quorum, question, is_yes, until);
  if (round->count(is_yes) >= round->majority()) {
    lease.valid_until = lease_valid_until(sent_at, expiry_ms(lease.ttl));
    note_servers(*quorum, lease, *round, is_yes);
    if (round->count(is_yes) < round->servers()) {
      start_task(quorum->timers.executor(), restore_lock(quorum, subject, lease, round));
    }
    co_return true;
  }
  if (round->is_settled(is_yes)) {
    quorum->mark_abandoned(lease.owner);
    co_return false;
  }
  quorum->no_majority(*round);
}

}  // namespace

Task<bool> renew(Quorum quorum, Subject subject, Lease& lease) {
  const std::string owner = lease.owner;
  const Milliseconds ttl = expiry_ms(lease.ttl);
  const RedlockQuorum::Question<bool> question = [subject, owner, ttl](const Server& server, BootTime deadline) {
    return redlock::renew(server, subject, owner, ttl, deadline);
  };
  const bool kept = co_await keep(quorum, subject, lease, question);
  co_return kept;
}

Task<bool> pass(Quorum quorum, Subject subject, FormerOwners former, Lease& lease, LockNote note) {
  // The quorum renews and restores the lock under the new owner from here on. Each server runs earlier requests first.
  quorum->pass_on(former, lease.owner);
  const RedlockQuorum::Question<bool> question = [subject, former, passed = lease, note](const Server& server,
                                                                                         BootTime deadline) {
    return redlock::pass(server, subject, former, passed, note, deadline);
  };
  const bool kept = co_await keep(quorum, subject, lease, question);
  co_return kept;
}

Task<> release(Quorum quorum, Subject subject, Lease lease) {
  quorum->mark_abandoned(lease.owner);
  const RedlockQuorum::Question<bool> question = [subject, lease](const Server& server, BootTime deadline) {
    return redlock::release(server, subject, lease.owner, lease.ttl, deadline);
  };
  co_await RedlockQuorum::decide(quorum, question, majority_answered);
}

}  // namespace jeton::agent::redlock
