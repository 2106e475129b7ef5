// RedlockQuorum: N servers that share nothing, asked all at once. RedlockRound: one question to all of them.
//
// The caller waits only until the answers decide the matter, so a server that is slow, frozen or swallows packets costs
// nothing as long as the majority that answers agrees. If that majority is divided, the servers that are left could
// decide, and they may be the dead ones: they are waited for only a while, `grace` (a quarter of the timeout, 250 ms at
// most), or four times as long as the majority took if that is longer. So the bound of a question is the time of the
// slowest server of the majority times five, or plus `grace`, and the timeout in any case. The other questions go on by
// themselves, each to its own deadline, and may still be looked at. One thread: the loop's.
#pragma once

#include <algorithm>
#include <boost/system/system_error.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/event.hpp"
#include "agent/base/random.hpp"
#include "agent/base/timers.hpp"
#include "agent/fleet/redis/redis_server.hpp"
#include "agent/fleet/redlock/lock_attempts.hpp"
#include "agent/fleet/redlock/quorum_notifications.hpp"
#include "agent/fleet/redlock/redlock_backend.hpp"

namespace jeton::agent {

template <typename Answer>
class RedlockRound {
 public:
  RedlockRound(Timers& timers, std::size_t servers, Duration grace)
      : answers(servers),
        failures(servers),
        clock_(timers.clock()),
        asked_at_(clock_.boot_now()),
        grace_(grace),
        changed_(timers) {}

  [[nodiscard]] std::size_t servers() const { return answers.size(); }
  [[nodiscard]] std::size_t majority() const { return servers() / 2 + 1; }
  [[nodiscard]] std::size_t pending() const { return servers() - ended_; }
  [[nodiscard]] std::size_t answered() const {
    return count([](const Answer&) { return true; });
  }
  template <typename Predicate>
  [[nodiscard]] std::size_t count(Predicate predicate) const {
    return static_cast<std::size_t>(std::count_if(answers.begin(), answers.end(),
                                                  [&](const std::optional<Answer>& a) { return a && predicate(*a); }));
  }

  void answer(std::size_t server, Answer answer) {
    answers[server] = std::move(answer);
    if (answered() == majority()) {
      const BootTime now = clock_.boot_now();
      patience_ends_ = now + std::max(grace_, 4 * (now - asked_at_));
    }
    end();
  }
  void fail(std::size_t server, const std::string& reason) {
    failures[server] = reason;
    end();
  }

  // Until `decided(round)`, every question has ended, the patience with those that are slower than a majority has, or
  // the deadline.
  template <typename Decided>
  static Task<> wait(std::shared_ptr<RedlockRound> self, Decided decided, BootTime deadline) {
    bool in_time = true;
    while (self->pending() > 0 && in_time) {
      const bool enough = decided(*self);
      if (enough) co_return;
      const BootTime until = std::min(deadline, self->patience_ends_);
      in_time = co_await self->changed_.wait_until(until);
    }
  }
  // For every server that still answers, in the background: until every question has ended, or the deadline.
  static Task<> wait_for_all(std::shared_ptr<RedlockRound> self, BootTime deadline) {
    bool in_time = true;
    while (self->pending() > 0 && in_time) in_time = co_await self->changed_.wait_until(deadline);
  }

  // Enough servers say yes, or so many say no that they cannot become enough.
  template <typename Predicate>
  [[nodiscard]] bool is_settled(Predicate yes) const {
    const std::size_t agreeing = count(yes);
    return agreeing >= majority() || answered() - agreeing > servers() - majority();
  }

  std::vector<std::optional<Answer>> answers;  // by server; none: failed, or not yet
  std::vector<std::string> failures;

 private:
  void end() {
    ++ended_;
    changed_.notify();
  }

  const Clock& clock_;
  BootTime asked_at_;
  Duration grace_;
  BootTime patience_ends_ = BootTime::max();  // none before a majority has answered
  std::size_t ended_ = 0;
  Event changed_;
};

class RedlockQuorum {
 public:
  RedlockQuorum(Timers& t, Random& r, Duration time_out, Servers all, std::shared_ptr<QuorumNotifications> of_all)
      : timers(t),
        random(r),
        timeout(time_out),
        servers(std::move(all)),
        notifications(std::move(of_all)),
        attempts(t) {}

  [[nodiscard]] BootTime now() const { return timers.clock().boot_now(); }
  [[nodiscard]] BootTime deadline() const { return now() + timeout; }
  [[nodiscard]] std::size_t majority() const { return servers.size() / 2 + 1; }

  // This lease is released, or lost: from now on no server may grant it.
  void mark_abandoned(const std::string& owner);
  // The lease of a former owner is this owner's from now on.
  void pass_on(const FormerOwners& former, const std::string& owner);
  // mark_abandoned() for each lease that has ended by itself.
  void forget_ended();
  // False: the record of this token is being brought to servers that lack it; it is looked at again after that.
  bool begin_repair(const std::string& name);
  // Whether another one was to begin meanwhile.
  bool end_repair(const std::string& name);

  template <typename Answer>
  using Question = std::function<Task<Answer>(std::shared_ptr<RedisServer>, BootTime deadline)>;
  template <typename Answer>
  using Round = std::shared_ptr<RedlockRound<Answer>>;

  // Asks every server now.
  template <typename Answer>
  [[nodiscard]] Round<Answer> ask(const Question<Answer>& question, BootTime deadline) const {
    const Duration grace = std::min<Duration>(timeout / 4, longest_grace);
    auto round = std::make_shared<RedlockRound<Answer>>(timers, servers.size(), grace);
    for (std::size_t i = 0; i < servers.size(); ++i) {
      start_task(timers.executor(), ask_one<Answer>(round, i, servers[i], question, deadline));
    }
    return round;
  }

  // Asks every server now, and waits until `decided(round)`. Throws TransportError unless a majority has answered then.
  template <typename Answer, typename Decided>
  static Task<Round<Answer>> decide(std::shared_ptr<RedlockQuorum> self, Question<Answer> question, Decided decided) {
    const BootTime deadline = self->deadline();
    const Round<Answer> round = self->ask(question, deadline);
    co_await RedlockRound<Answer>::wait(round, decided, deadline);
    if (round->answered() < round->majority()) self->no_majority(*round);
    co_return round;
  }
  // The same until it is settled whether a majority says yes, and without the exception.
  template <typename Answer, typename Predicate>
  static Task<Round<Answer>> settle(std::shared_ptr<RedlockQuorum> self, Question<Answer> question, Predicate yes,
                                    BootTime deadline) {
    const Round<Answer> round = self->ask(question, deadline);
    const auto settled = [yes](const RedlockRound<Answer>& r) { return r.is_settled(yes); };
    co_await RedlockRound<Answer>::wait(round, settled, deadline);
    co_return round;
  }

  // "2 of 5 servers answered, 3 are needed: redis://...: no answer in time; ...", or "3 of 5 servers answered, which do
  // not agree: ...".
  template <typename Answer>
  [[noreturn]] void no_majority(const RedlockRound<Answer>& round) const {
    std::string text =
        std::to_string(round.answered()) + " of " + std::to_string(round.servers()) + " servers answered, " +
        (round.answered() < round.majority() ? std::to_string(round.majority()) + " are needed" : "which do not agree");
    const char* separator = ": ";
    for (std::size_t i = 0; i < round.servers(); ++i) {
      if (round.answers[i]) continue;
      const std::string& reason = round.failures[i];
      text += separator + (reason.empty() ? servers[i]->display() + ": no answer in time" : reason);
      separator = "; ";
    }
    throw TransportError(text);
  }

  Timers& timers;
  Random& random;
  Duration timeout;
  Servers servers;
  std::shared_ptr<QuorumNotifications> notifications;
  LockAttempts attempts;  // by key of the lock
  // The leases that were won and not released, by owner. A server that was too slow to be counted may still be about
  // to grant its lock, so an attempt ends only with its lease.
  struct Held {
    std::shared_ptr<AcquireAttempt> attempt;
    BootTime valid_until;
    std::set<std::size_t> servers{};  // that had the lock at some time
  };
  std::map<std::string, Held> held;

 private:
  static constexpr Duration longest_grace = std::chrono::milliseconds(250);

  std::map<std::string, bool> repairing_;  // by token: whether to look again

  template <typename Answer>
  static Task<> ask_one(Round<Answer> round, std::size_t index, std::shared_ptr<RedisServer> server,
                        Question<Answer> question, BootTime deadline) {
    const RedisServer::Busy busy(*server);
    std::string failure;
    try {
      Answer answer = co_await question(server, deadline);
      round->answer(index, std::move(answer));
      co_return;
    } catch (const boost::system::system_error&) {
      failure = server->display() + ": stopped";
    } catch (const std::exception& e) {
      failure = e.what();
    }
    round->fail(index, failure);
  }
};

namespace redlock {

using Quorum = std::shared_ptr<RedlockQuorum>;
using Server = std::shared_ptr<RedisServer>;

// For rounds that are decided by any majority.
inline constexpr auto majority_answered = [](const auto& round) { return round.answered() >= round.majority(); };
// For rounds that wait for every server that answers in time.
inline constexpr auto all_ended = [](const auto&) { return false; };
inline constexpr auto is_yes = [](bool yes) { return yes; };

}  // namespace redlock

// Connected servers, each with one vote. Throws Error if there are less than three or one is given twice. Timers and
// random outlive all of it.
[[nodiscard]] redlock::Quorum make_redlock_quorum(Timers& timers, Random& random, const RedlockOptions& options);

// Reachable: a majority is connected. The last error names every server that is not, or that has its vote already. The
// clock offset is the middle one of those that are known.
[[nodiscard]] BackendHealth quorum_health(const RedlockQuorum& quorum);

[[nodiscard]] std::unique_ptr<LockStore> make_redlock_lock_store(redlock::Quorum quorum);

}  // namespace jeton::agent
