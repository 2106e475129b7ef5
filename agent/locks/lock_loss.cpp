#include "agent/locks/lock_loss.hpp"

#include <boost/system/system_error.hpp>
#include <chrono>
#include <memory>

#include "agent/base/error.hpp"
#include "agent/base/event.hpp"
#include "agent/config/text/values.hpp"

namespace jeton::agent {
namespace {

constexpr Duration look_patience = std::chrono::milliseconds(100);
constexpr std::size_t longest_trouble = 1000;

struct Look {
  explicit Look(Timers& timers) : ended(timers) {}
  std::optional<LockView> found;
  bool over = false;
  Event ended;
};

Task<> look_up(LockStore& store, LockId id, std::shared_ptr<Look> look) {
  try {
    look->found = co_await store.show(std::move(id));
  } catch (const Error&) {
    // Not known, then.
  } catch (const boost::system::system_error&) {
    // The loop ends.
  }
  look->over = true;
  look->ended.notify();
}

}  // namespace

std::string found_instead(const LockView& found) {
  if (!found.held) return "it has expired, was deleted, or was released";
  return "another owner has it now: " + holder_text(found.note, found.owner);
}

Task<std::string> ask_current_state(Timers& timers, LockStore& store, LockId id) {
  const auto look = std::make_shared<Look>(timers);
  start_task(timers.executor(), look_up(store, std::move(id), look));
  const BootTime until = timers.clock().boot_now() + look_patience;
  bool in_time = true;
  while (!look->over && in_time) in_time = co_await look->ended.wait_until(until);
  if (!look->found) co_return "it has expired, was deleted, was released, or was taken by another owner";
  co_return found_instead(*look->found);
}

std::string short_trouble(const std::string& trouble) { return trouble.substr(0, longest_trouble); }

std::string why_not_renewed(const MissedRenewal& missed, const std::string& endpoint, BootTime now) {
  std::string text = "it could not be renewed in time: ";
  if (!missed.trouble.empty()) {
    text += short_trouble(missed.trouble);
  } else if (missed.asked_at) {
    text += "no answer for " + format_duration(to_ms(now - *missed.asked_at)) + " from " + endpoint;
  } else {
    text += "the agent did not run when the renewal was due; was the host suspended or overloaded?";
  }
  return text;
}

}  // namespace jeton::agent
