#include "agent/fleet/redlock/lock_attempts.hpp"

#include <utility>

#include "agent/base/error.hpp"
#include "agent/fleet/lease_terms.hpp"

namespace jeton::agent {

// From arrival to departure.
class LockAttempts::Contender {
 public:
  Contender(std::map<std::string, Lock>& locks, const std::string& key)
      : locks_(locks), at_(locks.try_emplace(key).first), begun_(lock().begun) {
    ++lock().contenders;
    if (lock().last) ended_ = lock().last->number;
  }
  Contender(const Contender&) = delete;
  Contender& operator=(const Contender&) = delete;
  ~Contender() {
    if (--lock().contenders == 0) locks_.erase(at_);
  }

  Lock& lock() { return at_->second; }

  // The attempt whose end answers this contender as well; nullptr: none does.
  const Ended* answered_by() {
    if (!lock().last) return nullptr;
    const Ended& last = *lock().last;
    const bool ended_meanwhile = last.number > ended_;
    const bool begun_meanwhile = last.number > begun_;
    const bool lasts = last.result.lease || last.unreachable;
    return begun_meanwhile || (lasts && ended_meanwhile) ? &last : nullptr;
  }

 private:
  std::map<std::string, Lock>& locks_;
  std::map<std::string, Lock>::iterator at_;
  std::uint64_t begun_;      // the latest attempt at arrival
  std::uint64_t ended_ = 0;  // the latest that had ended at arrival
};

Task<AcquireResult> LockAttempts::run(std::string key, Attempt attempt) {
  Contender contender(locks_, key);
  const auto turn = co_await turns_.wait(key, BootTime::max());
  if (const Ended* known = contender.answered_by()) {
    if (known->unreachable) std::rethrow_exception(known->unreachable);
    AcquireResult answer = known->result;
    if (answer.lease) {
      answer.busy_until = answer.lease->valid_until;
      answer.holder = printable_owner(answer.lease->owner);
      answer.lease.reset();
    }
    co_return answer;
  }
  Ended ended{++contender.lock().begun, {}, {}};
  try {
    ended.result = co_await attempt();
  } catch (const TransportError&) {
    ended.unreachable = std::current_exception();
  }
  contender.lock().last = ended;
  if (ended.unreachable) std::rethrow_exception(ended.unreachable);
  co_return std::move(ended.result);
}

}  // namespace jeton::agent
