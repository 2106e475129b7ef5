#include "agent/coordination/lock_wait.hpp"

#include <algorithm>

#include "agent/base/error.hpp"

namespace jeton::agent {

Task<AcquireResult> wait_for_lock(Coordinator& coordinator, Timers& timers, Random& random, Event& released,
                                  std::string name, Duration ttl, LockPatience patience) {
  const Clock& clock = timers.clock();
  const BootTime give_up_at = clock.boot_now() + patience.wait;
  for (;;) {
    AcquireResult result;
    std::exception_ptr unreachable;
    try {
      result = co_await coordinator.try_acquire(name, ttl);
    } catch (const TransportError&) {
      unreachable = std::current_exception();
    }
    const BootTime now = clock.boot_now();
    const Duration pause =
        patience.retry / 2 + std::chrono::duration_cast<Duration>(patience.retry / 2 * random.uniform());
    const bool last_try = now + pause > give_up_at;
    if (last_try && unreachable) std::rethrow_exception(unreachable);
    if (last_try || result.lease) co_return result;
    BootTime again_at = now + pause;
    if (!unreachable && !result.pause && result.busy_until > now) again_at = std::min(again_at, result.busy_until);
    co_await released.wait_until(again_at);
  }
}

}  // namespace jeton::agent
