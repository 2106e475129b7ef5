#include "tests/support/virtual_timers.hpp"

#include <algorithm>
#include <utility>

namespace jeton::test {

VirtualTimers::VirtualTimers() = default;
VirtualTimers::~VirtualTimers() = default;

agent::Timers::Id VirtualTimers::schedule(agent::BootTime when, Callback callback) {
  return queue_.add(when, std::move(callback));
}

bool VirtualTimers::cancel(Id id) { return queue_.remove(id); }

bool VirtualTimers::run_until(agent::BootTime end, const std::function<bool()>& condition) {
  for (;;) {
    loop_.restart();
    loop_.poll();
    if (condition()) return true;
    // No time passes before the work that the condition has begun.
    loop_.restart();
    loop_.poll();
    const auto next = queue_.earliest();
    if (!next || *next > end) break;
    clock_.now = std::max(clock_.now, *next);
    while (const Callback callback = queue_.take_due(clock_.now)) callback();
  }
  clock_.now = std::max(clock_.now, end);
  return condition();
}

}  // namespace jeton::test
