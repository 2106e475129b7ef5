// ModelProvider and ModelSource: one provider for a fleet in virtual time, and the way of each host to it. It counts
// and remembers what it was asked, and can be slow, fail, refuse and hang, limit the calls by itself, end a token that
// has a successor, and have a wrong clock. It hands out a state with each token, as a provider that rotates refresh
// tokens does. One thread: the loop's.
#pragma once

#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/event.hpp"
#include "agent/provider/source.hpp"
#include "tests/support/host_timers.hpp"

namespace jeton::test {

struct Answer {
  enum class Kind { token, transient, permanent, hang, state_only, unread, defect, lost, hostile };
  Kind kind = Kind::token;
  std::optional<agent::Duration> retry_after{};
  std::string value{};          // of the token; empty: a new one each time
  std::exception_ptr thrown{};  // by a source with a defect
  std::string expires_in{};     // of a hostile answer, as its JSON has it

  static Answer failure(std::optional<agent::Duration> retry_after = {}) { return {Kind::transient, retry_after}; }
  static Answer refusal() { return {Kind::permanent}; }
  static Answer never() { return {Kind::hang}; }
  static Answer same(std::string value) { return {Kind::token, {}, std::move(value)}; }
  // No token, but the state that the next call needs.
  static Answer unusable() { return {Kind::state_only}; }
  // The source throws this instead of a SourceError.
  static Answer defect(std::exception_ptr thrown) { return {Kind::defect, {}, {}, std::move(thrown)}; }
  // A token is issued, and the answer does not arrive.
  static Answer lost() { return {Kind::lost}; }
  // Neither can be read; the state of before is spent.
  static Answer unread() { return {Kind::unread}; }
  // With whatever is in these places of its JSON. It is read as a source of OAuth reads it. A token that is taken ends
  // after the lifetime of all, whatever the answer says.
  static Answer hostile(std::string value, std::string expires_in) {
    return {Kind::hostile, {}, std::move(value), {}, std::move(expires_in)};
  }
};

// One call, and how it ended.
struct ProviderCall {
  std::string host;
  agent::BootTime asked_at;
  std::optional<agent::BootTime> ended_at{};
  std::optional<Answer::Kind> outcome{};
  bool replay = false;
  std::optional<agent::Duration> retry_after{};
  std::string value{};            // of the token that was issued, also if the answer was lost
  agent::BootTime valid_until{};  // this token, by what the answer says
};

// More calls than this in any such time are answered with 429. `tells`: with a Retry-After.
struct RateLimit {
  std::size_t calls = 1;
  agent::Duration per{};
  bool tells = false;
};

class ModelProvider {
 public:
  explicit ModelProvider(agent::Timers& timers) : timers_(timers), released_(timers) {}

  // For the next `times` calls, then well again; without a number until another order.
  void behave(Answer answer, int times = -1);
  // Every call that hangs ends as a failure.
  void release();
  // `host`: who asks. `clock`: of that host; the answer is dated by it.
  agent::Task<agent::FetchedToken> call(std::string host, std::string state, const agent::Clock& clock);
  agent::Task<> revoke(std::string value);
  // Whether it takes the token from a user: it was issued, has not run out, and was not ended.
  [[nodiscard]] bool accepts(const std::string& value) const;

  agent::Milliseconds lifetime{std::chrono::minutes(10)};
  std::optional<agent::WallTime> dated_end{};  // in its stead
  // It names each end as a date, by a clock of its own that is so far ahead.
  std::optional<agent::Milliseconds> clock_error{};
  std::optional<agent::Duration> ends_former{};  // so long after a new token has been issued; none: each lives on
  std::optional<RateLimit> rate_limit{};
  agent::Duration answer_time = std::chrono::milliseconds(200);
  int failing_revocations = 0;
  std::exception_ptr defect_of_revocation{};                // thrown by the next one
  std::optional<agent::Duration> revocation_retry_after{};  // of those that fail
  int hanging_revocations = 0;                              // before the failing ones; until release()
  bool rotates = false;  // a call must come with the state of the last answer; any other is a replay, and refused

  std::function<void(const ProviderCall&)> observer{};  // when a call begins, and when it has ended

  std::uint64_t calls = 0;
  std::uint64_t replays = 0;
  std::uint64_t rate_limited = 0;   // calls beyond its rate limit
  std::vector<std::string> issued;  // values, in order
  std::vector<agent::BootTime> asked_at;
  std::uint64_t revocation_calls = 0;
  std::vector<std::string> revoked;  // values, in order

 private:
  agent::Task<agent::FetchedToken> answer(ProviderCall& call, std::string state, const agent::Clock& clock);
  agent::FetchedToken read_hostile(ProviderCall& made, const Answer& answer, agent::WallTime sent_at,
                                   const agent::Clock& clock);
  // What is left until it is not too often any more; none: it is not.
  [[nodiscard]] std::optional<agent::Duration> called_too_often();
  void issue(const std::string& value, agent::BootTime end);
  [[nodiscard]] agent::BootTime now() const { return timers_.clock().boot_now(); }
  [[nodiscard]] Answer next();
  agent::Task<> hang();

  agent::Timers& timers_;
  agent::Event released_;
  std::uint64_t releases_ = 0;
  Answer answer_;
  int times_ = -1;
  std::string state_;                            // of the last answer
  std::map<std::string, agent::BootTime> ends_;  // of each value, as the provider judges it
  std::deque<agent::BootTime> served_;           // within the rate limit
};

// The request of a host is identified by its secret: fingerprint() is made of it.
class ModelSource final : public agent::Source {
 public:
  // `keeps_state`: as a source with a refresh token does; the provider's state is of no use to others.
  ModelSource(ModelProvider& provider, HostTimers& time, const std::string& host, const std::string& secret,
              bool revokes, bool keeps_state)
      : provider_(provider), time_(time), host_(host), secret_(secret), revokes_(revokes), keeps_state_(keeps_state) {}

  agent::Task<agent::FetchedToken> fetch(agent::FetchContext context) override;
  [[nodiscard]] std::string fingerprint() const override { return secret_; }
  [[nodiscard]] bool revokes() const override { return revokes_; }
  agent::Task<> revoke(agent::SecretString token) override;
  [[nodiscard]] std::string describe() const override { return "model"; }

 private:
  // A host that is stopped goes on with an answer when it goes on.
  agent::Task<> while_stopped();

  ModelProvider& provider_;
  HostTimers& time_;
  std::string host_;
  const std::string& secret_;
  bool revokes_;
  bool keeps_state_;
};

}  // namespace jeton::test
