#include "agent/fleet/redlock/redlock_lock.hpp"

#include <algorithm>

#include "agent/base/failpoint.hpp"
#include "agent/base/log.hpp"
#include "agent/fleet/lease_terms.hpp"
#include "agent/fleet/redlock/redlock_tally.hpp"

namespace jeton::agent::redlock {
namespace {

using VoteRound = RedlockRound<RedlockNode::Vote>;
using Outcome = RedlockTally::Outcome;

constexpr Duration shortest_split_pause = std::chrono::milliseconds(5);
constexpr Duration split_spread = std::chrono::milliseconds(50);
constexpr int most_doublings = 8;

// In the background. A server that cannot be asked is released as soon as it can.
Task<> give_back(std::shared_ptr<RedlockNode> node, std::string name, std::string owner, Milliseconds ttl,
                 BootTime deadline) {
  const RedlockNode::Busy busy(*node);
  try {
    co_await RedlockNode::release(node, name, owner, ttl, deadline);
  } catch (const TransportError&) {
    // The node has noted it.
  } catch (const boost::system::system_error&) {
    // The loop ends.
  }
}

// Each granted lock of an attempt that did not succeed, those of answers still to come included.
void abandon(const RedlockQuorum& quorum, const std::string& name, RedlockAttempt& attempt, const VoteRound& round) {
  attempt.abandoned = true;
  for (std::size_t i = 0; i < round.servers(); ++i) {
    const auto& vote = round.answers[i];
    if (!vote || vote->answer.outcome != RedisOperations::Acquired::Outcome::won) continue;
    start_task(quorum.timers.executor(),
               give_back(quorum.nodes[i], name, attempt.owner, attempt.ttl, quorum.deadline()));
  }
}

// Contenders that split the servers between them must not meet again: each waits for a random part of a time in which
// several attempts have room; with each split it is twice as long, because nothing says how many they are.
BootTime after_a_split(const RedlockQuorum& quorum, BootTime sent_at, int splits) {
  const Duration spread =
      std::max(split_spread, 4 * (quorum.now() - sent_at)) * (1 << std::min(splits - 1, most_doublings));
  return quorum.now() + shortest_split_pause + std::chrono::duration_cast<Duration>(spread * quorum.random.uniform());
}

enum class Written { yes, no };

Task<Written> write_back_fence(Quorum quorum, std::string name, Lease lease) {
  const BootTime deadline = std::min(quorum->deadline(), lease.valid_until);
  const RedlockQuorum::Question<bool> question = [name, lease, deadline](const std::shared_ptr<RedlockNode>& node) {
    return RedlockNode::raise_fence(node, name, lease.owner, lease.fence, deadline);
  };
  const auto round = quorum->ask(question);
  const auto yes = [](bool written) { return written; };
  const auto decided = [&](const RedlockRound<bool>& r) {
    return r.count(yes) >= r.majority() || r.answered() - r.count(yes) > r.servers() - r.majority();
  };
  co_await RedlockRound<bool>::wait(round, decided, deadline);
  if (quorum->now() >= lease.valid_until) {
    throw TransportError("the servers answered too late: the lock was valid for " +
                         std::to_string(lease.ttl.count() / 1'000'000) + " ms only");
  }
  if (round->count(yes) >= round->majority()) co_return Written::yes;
  if (round->answered() < round->majority()) quorum->no_majority(*round);
  co_return Written::no;
}

// In the background, after a renewal that a majority confirmed: servers that answered "not yours" lost the lock.
Task<> give_again(Quorum quorum, std::string name, Lease lease, RedlockQuorum::Round<bool> renewal) {
  try {
    co_await RedlockRound<bool>::wait_for_all(renewal, quorum->deadline());
    for (std::size_t i = 0; i < renewal->servers(); ++i) {
      if (!renewal->answers[i] || *renewal->answers[i]) continue;
      const std::shared_ptr<RedlockNode> node = quorum->nodes[i];
      const Milliseconds left = to_ms(lease.valid_until - quorum->now());
      // Given back meanwhile, or no longer valid: then nothing may create it.
      if (!quorum->held.contains(lease.owner) || left <= Milliseconds{0} || !node->is_connected()) continue;
      const RedlockNode::Busy busy(*node);
      const BootTime deadline = std::min(quorum->deadline(), lease.valid_until);
      const bool taken = co_await RedlockNode::take_again(node, name, lease.owner, lease.fence, left, deadline);
      if (taken) {
        log::warning("a server lacked the lock (restarted without its data?) and has it again",
                     {{"name", name}, {"server", node->display()}, {"fence", lease.fence}});
      } else {
        log::debug("a server has the lock of another owner; a majority still has ours",
                   {{"name", name}, {"server", node->display()}, {"fence", lease.fence}});
      }
    }
  } catch (const TransportError& e) {
    log::debug("a server could not be given the lock back", {{"name", name}, {"error", e.what()}});
  } catch (const boost::system::system_error&) {
    // The loop ends.
  }
}

struct Attempted {
  AcquireResult result;
  bool split = false;  // nobody can be seen to hold it: to be tried again soon
};

Task<Attempted> attempt_once(Quorum quorum, std::string name, std::string owner, Claim claim) {
  const BootTime sent_at = quorum->now();
  const BootTime deadline = quorum->deadline();
  const auto attempt = std::make_shared<RedlockAttempt>();
  attempt->owner = std::move(owner);
  attempt->ttl = expiry_ms(claim.ttl);
  attempt->note = std::move(claim.note);
  attempt->owner_is_new = claim.owner_is_new;
  const RedlockQuorum::Question<RedlockNode::Vote> question = [name, attempt,
                                                               deadline](const std::shared_ptr<RedlockNode>& node) {
    return RedlockNode::acquire(node, name, attempt, deadline);
  };
  const RedlockQuorum::Round<RedlockNode::Vote> round = quorum->ask(question);
  Attempted attempted;
  AcquireResult& result = attempted.result;
  try {
    const auto decided = [](const VoteRound& r) {
      return tally_votes(r.answers, r.pending()).outcome != Outcome::open;
    };
    co_await VoteRound::wait(round, decided, deadline);
    const RedlockTally tally = tally_votes(round->answers, 0);
    if (round->answered() < round->majority()) quorum->no_majority(*round);
    result.current = newest_record(round->answers);
    const BootTime until = quorum->now() + (tally.wait ? Duration{*tally.wait} : look_again_at_endless);
    if (tally.outcome == Outcome::paused) {
      result.pause = Pause{until, tally.reason, tally.request};
    } else if (tally.outcome == Outcome::busy) {
      result.busy_until = until;
      result.holder = printable_owner(tally.holder);
      result.note = tally.note;
      if (!tally.wait) result.trouble = endless_lock(quorum->nodes.front()->lock_key(name)) + " on every server";
    } else if (tally.outcome == Outcome::split) {
      attempted.split = true;
    } else {
      JETON_FAILPOINT("redlock.acquire.won");
      Lease lease{attempt->owner, tally.fence, attempt->ttl, lease_valid_until(sent_at, attempt->ttl)};
      const Written written = co_await write_back_fence(quorum, name, lease);
      if (written == Written::yes) {
        quorum->held.emplace(lease.owner, attempt);
        result.lease = std::move(lease);
      } else {
        // The lock was taken from us on too many servers, or a fence above ours was drawn there meanwhile.
        attempted.split = true;
      }
    }
  } catch (...) {
    // A majority could not be asked, or the caller was cancelled.
    abandon(*quorum, name, *attempt, *round);
    throw;
  }
  if (!result.lease) abandon(*quorum, name, *attempt, *round);
  co_return attempted;
}

Task<AcquireResult> attempt_until_decided(Quorum quorum, std::string name, Claim claim) {
  const BootTime until = std::min(quorum->deadline(), claim.give_up_at);
  for (int splits = 1;; ++splits) {
    const BootTime sent_at = quorum->now();
    Attempted attempted = co_await attempt_once(quorum, name, claim.owner(), claim);
    if (!attempted.split) co_return std::move(attempted.result);
    const BootTime again_at = after_a_split(*quorum, sent_at, splits);
    attempted.result.busy_until = again_at;
    if (splits > 1 && again_at > until) co_return std::move(attempted.result);
    co_await sleep_until(quorum->timers, again_at);
  }
}

}  // namespace

Task<AcquireResult> try_acquire(Quorum quorum, std::string name, Claim claim) {
  const std::string key = quorum->nodes.front()->lock_key(name);
  const LockAttempts::Attempt attempt = [quorum, name, claim] { return attempt_until_decided(quorum, name, claim); };
  AcquireResult result = co_await quorum->attempts.run(key, attempt);
  co_return result;
}

Task<bool> renew(Quorum quorum, std::string name, Lease& lease) {
  const BootTime sent_at = quorum->now();
  // The limit of extension: what was not extended in time is lost, even if the servers still remember it.
  if (sent_at >= lease.valid_until) co_return false;
  const BootTime deadline = std::min(quorum->deadline(), lease.valid_until);
  const std::string owner = lease.owner;
  const Milliseconds ttl = expiry_ms(lease.ttl);
  const RedlockQuorum::Question<bool> question = [name, owner, ttl,
                                                  deadline](const std::shared_ptr<RedlockNode>& node) {
    return RedlockNode::renew(node, name, owner, ttl, deadline);
  };
  const RedlockQuorum::Round<bool> round = quorum->ask(question);
  const auto yes = [](bool extended) { return extended; };
  const auto decided = [&](const RedlockRound<bool>& r) {
    return r.count(yes) >= r.majority() || r.answered() - r.count(yes) > r.servers() - r.majority();
  };
  co_await RedlockRound<bool>::wait(round, decided, deadline);
  if (round->count(yes) >= round->majority()) {
    lease.valid_until = lease_valid_until(sent_at, ttl);
    if (round->count(yes) < round->servers()) {
      start_task(quorum->timers.executor(), give_again(quorum, name, lease, round));
    }
    co_return true;
  }
  if (round->answered() - round->count(yes) > round->servers() - round->majority()) {
    quorum->let_go(owner);
    co_return false;
  }
  quorum->no_majority(*round);
}

Task<> release(Quorum quorum, std::string name, Lease lease) {
  quorum->let_go(lease.owner);
  const BootTime deadline = quorum->deadline();
  const Milliseconds ttl = expiry_ms(lease.ttl);
  const std::string owner = lease.owner;
  const RedlockQuorum::Question<bool> question = [name, owner, ttl,
                                                  deadline](const std::shared_ptr<RedlockNode>& node) {
    return RedlockNode::release(node, name, owner, ttl, deadline);
  };
  const RedlockQuorum::Round<bool> round = quorum->ask(question);
  const auto decided = [](const RedlockRound<bool>& r) { return r.answered() >= r.majority(); };
  co_await RedlockRound<bool>::wait(round, decided, deadline);
  if (round->answered() < round->majority()) quorum->no_majority(*round);
}

}  // namespace jeton::agent::redlock
