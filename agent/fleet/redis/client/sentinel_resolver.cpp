#include "agent/fleet/redis/client/sentinel_resolver.hpp"

#include <algorithm>
#include <optional>

#include "agent/base/log.hpp"
#include "agent/base/log_pace.hpp"
#include "agent/fleet/redis/client/connection.hpp"
#include "agent/fleet/redis/client/dial.hpp"
#include "agent/fleet/redis/client/sentinel_votes.hpp"

namespace jeton::agent::redis {
namespace {

// Why a sentinel did not help.
struct Refusal {
  std::string reason;  // with its address
  bool operator_must_act = false;
};

std::string advice_for(const ServerError& error) {
  if (error.code() == "NOAUTH") return "; set coordination.redis.sentinel.password (and username)";
  if (error.code() == "WRONGPASS") return "; check coordination.redis.sentinel.username and password";
  if (error.code() == "NOPERM") return "; grant the sentinel's ACL user +sentinel";
  if (error.answer().find("unknown command") != std::string::npos) {
    return "; is it a Redis server, not a sentinel? Sentinels usually listen on port 26379";
  }
  return "";
}

// How a sentinel was reached.
struct Reached {
  std::shared_ptr<Connection> connection;  // may be closed
  std::string ip;
  std::string useless_ip;  // the last that gave no answer
  BootTime resolve_at{};   // look then whether its name leads elsewhere
};

std::string listed(const std::vector<Refusal>& answers) {
  std::string list;
  for (const Refusal& answer : answers) list += (list.empty() ? "" : " | ") + answer.reason;
  return list;
}

}  // namespace

// Held by the questions that are under way, so it outlives SentinelResolver until they have ended.
class SentinelResolver::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Timers& timers, Random& random, SentinelOptions options) : timers_(timers), options_(std::move(options)) {
    const auto count = static_cast<double>(options_.sentinels.size());
    first_ = static_cast<std::size_t>(random.uniform() * count);
    reached_.resize(options_.sentinels.size());
  }

  Task<Address> resolve(BootTime deadline) { return ask_in_turn(shared_from_this(), first_, deadline); }

  static Task<Address> ask_in_turn(std::shared_ptr<Impl> self, std::size_t first, BootTime deadline) {
    const std::uint64_t interruptions = self->interruptions_;
    const std::size_t count = self->options_.sentinels.size();
    std::vector<Refusal> refusals;
    SentinelVotes votes(self->known_, count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t index = (first + i) % count;
      const BootTime now = self->timers_.clock().boot_now();
      // Half of the time left, so that a silent one leaves time for the others and a distant one has enough.
      const BootTime share = i + 1 < count ? now + (deadline - now) / 2 : deadline;
      Refusal refusal;
      bool has_answered = false;
      try {
        const SentinelAnswer answer = co_await self->ask(index, share);
        has_answered = true;
        if (votes.decides(answer)) co_return self->believe(index, answer);
        refusal.reason = self->name_of(index) + (votes.bearing_of(answer) == SentinelVotes::Bearing::behind
                                                     ? ": has missed a failover that another sentinel reported"
                                                     : ": names " + answer.primary.display());
      } catch (const ServerError& e) {
        refusal = {self->name_of(index) + ": " + e.answer() + advice_for(e), true};
      } catch (const SetupError& e) {
        refusal = {self->name_of(index) + ": " + e.what(), true};
      } catch (const Error& e) {
        refusal.reason = with_place(self->name_of(index), e.what());
      }
      if (!has_answered) self->reached_[index].useless_ip = self->reached_[index].ip;
      if (self->interruptions_ != interruptions) throw TransportError(self->origin() + ": stopped");
      refusals.push_back(std::move(refusal));
    }
    self->first_ = (first + 1) % count;  // each has the largest share once
    const std::optional<SentinelAnswer> result = votes.result();
    if (votes.disagree()) self->report_disagreement(refusals);
    if (result) co_return self->believe(self->first_, *result);
    self->give_up(refusals);
  }

  // Asks only if no caller did a moment ago; and each time another sentinel, because one may be cut off from the rest.
  static Task<Address> recheck(std::shared_ptr<Impl> self, Address current, BootTime deadline) {
    const Duration fresh = self->options_.recheck_interval / 2;
    if (self->known_ && self->timers_.clock().boot_now() - self->known_at_ < fresh) co_return self->known_->primary;
    try {
      co_return co_await ask_in_turn(self, (self->first_ + 1) % self->options_.sentinels.size(), deadline);
    } catch (const TransportError&) {
      // Without a sentinel nothing changes.
    }
    co_return current;
  }

  void interrupt() {
    ++interruptions_;
    for (const auto& weak : attempts_) {
      if (const auto attempt = weak.lock()) attempt->cancel();
    }
    for (const Reached& reached : reached_) {
      if (reached.connection) reached.connection->close("stopped");
    }
  }

  [[nodiscard]] std::string origin() const { return "sentinel \"" + options_.master + "\""; }

  SentinelOptions& options() { return options_; }

 private:
  Address believe(std::size_t index, const SentinelAnswer& answer) {
    first_ = index;
    known_ = answer;
    known_at_ = timers_.clock().boot_now();
    return answer.primary;
  }

  void report_disagreement(const std::vector<Refusal>& answers) {
    if (!disagreements_.allows(timers_.clock().boot_now())) return;
    log::warning(log::sentinels_disagree,
                 "sentinels name different primaries, but none reports a failover: compare SENTINEL MASTER on each, "
                 "and resolve-hostnames and announce-hostnames of sentinel.conf",
                 {{"sentinel", options_.master}, {"in_use", known_->primary.display()}, {"answers", listed(answers)}});
  }

  Task<SentinelAnswer> ask(std::size_t index, BootTime deadline) {
    co_await follow_name(index, deadline);
    if (!is_connected(index)) {
      auto fresh = co_await connect(index, deadline);
      reached_[index].connection = std::move(fresh);
    }
    const auto connection = reached_[index].connection;  // another question may put a new one in its place meanwhile
    Command question({"SENTINEL", "get-master-addr-by-name", options_.master});
    Answer answered = co_await connection->command(std::move(question), deadline);
    const Reply answer = std::move(answered).value();
    if (answer.is_error()) {
      connection->close("refused");  // a password that is replaced is used at once
      throw ServerError(name_of(index), answer.text.reveal());
    }
    if (answer.is_nil()) {
      connection->close("does not know the name");
      throw SetupError("does not know the name \"" + options_.master + "\"; check coordination.redis.sentinel.master");
    }
    SentinelAnswer named;
    named.primary = primary_in(answer);
    named.primary.tls = options_.sentinels[index].tls;
    Command about({"SENTINEL", "MASTER", options_.master});
    answered = co_await connection->command(std::move(about), deadline);
    const Reply details = std::move(answered).value();
    named.epoch = epoch_in(details);
    co_return named;
  }

  std::shared_ptr<ConnectAttempt> new_attempt() {
    auto attempt = std::make_shared<ConnectAttempt>();
    std::erase_if(attempts_, [](const auto& weak) { return weak.expired(); });
    attempts_.push_back(attempt);
    return attempt;
  }

  // The name may lead to another sentinel by now, and the connected one may be out of date. This takes half of the time
  // at most, and changes nothing if the name cannot be resolved.
  Task<> follow_name(std::size_t index, BootTime deadline) {
    const auto connection = reached_[index].connection;
    const BootTime now = timers_.clock().boot_now();
    const Address& sentinel = options_.sentinels[index];
    if (!is_connected(index) || now < reached_[index].resolve_at || !is_name(sentinel)) co_return;
    reached_[index].resolve_at = now + resolve_interval;
    const auto attempt = new_attempt();
    const std::string other = co_await new_address(timers_, options_.resolve, sentinel.host, reached_[index].ip,
                                                   now + (deadline - now) / 2, *attempt);
    if (!other.empty()) connection->close("the name has another address now");
  }

  Task<std::shared_ptr<Connection>> connect(std::size_t index, BootTime deadline) {
    const auto attempt = new_attempt();
    Connected dialed = co_await dial(timers_, options_.resolve, options_.connect, options_.sentinels[index],
                                     options_.tls, deadline, *attempt, reached_[index].useless_ip);
    if (dialed.operator_must_act) throw SetupError(dialed.failure);
    if (!dialed.transport) throw TransportError(dialed.failure);
    auto connection = std::make_shared<Connection>(timers_, std::move(dialed.transport), ReplyLimits{}, name_of(index));
    reached_[index].ip = dialed.ip;
    reached_[index].resolve_at = timers_.clock().boot_now() + resolve_interval;
    co_await log_in(*connection, name_of(index), options_.username, options_.password, deadline);
    co_return connection;
  }

  [[nodiscard]] std::string name_of(std::size_t index) const { return options_.sentinels[index].display(); }

  [[nodiscard]] bool is_connected(std::size_t index) const {
    const auto& connection = reached_[index].connection;
    return connection && connection->is_open();
  }

  [[noreturn]] void give_up(const std::vector<Refusal>& refusals) const {
    const std::string message =
        origin() + ": none of " + std::to_string(refusals.size()) + " sentinels names the primary: " + listed(refusals);
    const auto must_act = [](const Refusal& refusal) { return refusal.operator_must_act; };
    if (std::any_of(refusals.begin(), refusals.end(), must_act)) throw SetupError(message);
    throw TransportError(message);
  }

  Timers& timers_;
  SentinelOptions options_;
  std::size_t first_ = 0;                // whom to ask first
  std::optional<SentinelAnswer> known_;  // the last answer that was believed
  BootTime known_at_;
  LogPace disagreements_;
  std::vector<Reached> reached_;                         // of each sentinel
  std::vector<std::weak_ptr<ConnectAttempt>> attempts_;  // under way
  std::uint64_t interruptions_ = 0;
};

SentinelResolver::SentinelResolver(Timers& timers, Random& random, SentinelOptions options)
    : impl_(std::make_shared<Impl>(timers, random, std::move(options))) {}

SentinelResolver::~SentinelResolver() { impl_->interrupt(); }
Task<Address> SentinelResolver::resolve(BootTime deadline) { return impl_->resolve(deadline); }
std::string SentinelResolver::origin() const { return impl_->origin(); }
Duration SentinelResolver::recheck_interval() const { return impl_->options().recheck_interval; }
Task<Address> SentinelResolver::recheck(Address current, BootTime deadline) {
  return Impl::recheck(impl_, std::move(current), deadline);
}
void SentinelResolver::interrupt() { impl_->interrupt(); }

}  // namespace jeton::agent::redis
