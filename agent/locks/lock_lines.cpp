#include "agent/locks/lock_lines.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/fleet/lease_terms.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

constexpr Duration look_again_after = 3s;
constexpr Duration look_again_at_foreign = 250ms;  // a lock of other clients, whose releases are not announced
constexpr Duration look_again_at_trouble = 500ms;
constexpr Duration behind_the_lease = 1ms;

}  // namespace

// A place in a line, from arrival to departure.
class LockLines::Place {
 public:
  Place(LockLines& lines, const LockId& id, LockTicket& ticket)
      : lines_(lines), alive_(lines.alive_), id_(id), line_(lines.lines_[id.name]), ticket_(ticket) {
    line_.tickets.push_back(&ticket);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    if (alive_.expired()) return;
    const bool was_first = is_first();
    line_.tickets.remove(&ticket_);
    if (was_first && !line_.tickets.empty()) line_.tickets.front()->wake.notify();
    lines_.leave(id_, line_);
  }

  [[nodiscard]] bool is_first() const { return line_.tickets.front() == &ticket_; }
  Line& line() { return line_; }

 private:
  LockLines& lines_;
  std::weak_ptr<bool> alive_;
  LockId id_;
  Line& line_;
  LockTicket& ticket_;
};

class LockLines::Watch {
 public:
  Watch(LockLines& lines, LockId id, std::function<void()> woken)
      : lines_(lines),
        alive_(lines.alive_),
        id_(std::move(id)),
        line_(lines.lines_[id_.name]),
        woken_(std::move(woken)) {
    line_.watchers.push_back(&woken_);
    lines_.listen(id_, line_);
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() {
    if (alive_.expired()) return;
    line_.watchers.remove(&woken_);
    lines_.leave(id_, line_);
  }

 private:
  LockLines& lines_;
  std::weak_ptr<bool> alive_;
  LockId id_;
  Line& line_;
  std::function<void()> woken_;
};

LockLines::LockLines(Timers& timers, Random& random, LockStore& store)
    : timers_(timers), random_(random), store_(store) {}

LockLines::~LockLines() = default;

std::shared_ptr<LockLines::Watch> LockLines::watch(LockId id, std::function<void()> woken) {
  return std::make_shared<Watch>(*this, std::move(id), std::move(woken));
}

Task<LockTry> LockLines::take(LockWish wish, std::shared_ptr<LockTicket> ticket,
                              std::function<void(const LockTry&)> on_busy) {
  if (wish.give_up_at <= now()) {
    const bool others_wait = waiting(wish.id.name) > 0;
    LockTry only;
    if (others_wait) {
      only = co_await look(wish);
    } else {
      only = co_await try_once(wish, BootTime::max());
    }
    co_return only;
  }
  Place place(*this, wish.id, *ticket);
  LockTry last;
  bool in_time = true;
  bool looked = false;
  while (!ticket->cancelled) {
    if (!place.is_first()) {
      if (!in_time) co_return last;
      if (!std::exchange(looked, true)) {
        try {
          last = co_await look(wish);
          on_busy(last);
        } catch (const TransportError&) {
          // Whoever is first finds out whether that lasts.
        }
        if (place.is_first() || ticket->cancelled) continue;
      }
      in_time = co_await ticket->wake.wait_until(wish.give_up_at);
      continue;
    }
    const std::uint64_t heard = place.line().heard;
    std::exception_ptr unreachable;
    try {
      last = co_await try_once(wish, wish.give_up_at);
    } catch (const TransportError&) {
      unreachable = std::current_exception();
    }
    if (!unreachable && last.lease) co_return last;
    const bool over = now() >= wish.give_up_at || (wish.retry && now() + *wish.retry > wish.give_up_at);
    if (over && unreachable) std::rethrow_exception(unreachable);
    if (over) co_return last;
    if (!unreachable) on_busy(last);
    listen(wish.id, place.line());
    if (place.line().heard != heard) continue;

    Duration pause = wish.id.terms.key.empty() ? look_again_after : look_again_at_foreign;
    if (unreachable) pause = look_again_at_trouble;
    // Drawn between a half and the whole, so that the hosts do not knock together.
    pause = wish.retry.value_or(pause / 2 + std::chrono::duration_cast<Duration>(pause / 2 * random_.uniform()));
    BootTime again_at = std::min(now() + pause, wish.give_up_at);
    // Also a lease that ends just now: a server may hold it for the rest of its last millisecond.
    if (!unreachable) again_at = std::min(again_at, std::max(last.busy_until, now()) + behind_the_lease);
    co_await ticket->wake.wait_until(again_at);
  }
  co_return last;
}

Task<LockTry> LockLines::try_once(const LockWish& wish, BootTime give_up_at) {
  LockClaim claim{wish.owner, wish.owner.empty(), wish.ttl, wish.note, give_up_at};
  if (claim.owner_is_new) claim.owner = new_owner_id(random_);
  LockTry result = co_await store_.try_acquire(wish.id, claim);
  if (result.lease && now() >= result.lease->valid_until) {
    // Nobody could work under it.
    const std::string owner = result.lease->owner;
    co_await store_.release(wish.id, owner);
    throw TransportError("the answer came too late: the lock had ended by then; take a longer time to live");
  }
  co_return result;
}

// Whoever does not wait does not overtake those who do.
Task<LockTry> LockLines::look(const LockWish& wish) {
  const LockView view = co_await store_.show(wish.id);
  LockTry busy;
  if (view.held) busy.holder = view.owner;  // otherwise it is for the first of those who wait
  busy.note = view.note;
  busy.busy_until = now() + (view.held && view.ttl ? Duration{*view.ttl} : look_again_after);
  co_return busy;
}

// Not before the lock was found held: most are free, and cost no subscription.
void LockLines::listen(const LockId& id, Line& line) {
  if (std::exchange(line.listening, true)) return;
  store_.listen(id, [this, name = id.name] {
    const auto found = lines_.find(name);
    if (found == lines_.end()) return;
    Line& heard = found->second;
    ++heard.heard;
    if (!heard.tickets.empty()) heard.tickets.front()->wake.notify();
    for (const auto* woken : heard.watchers) (*woken)();
  });
}

void LockLines::leave(const LockId& id, Line& line) {
  if (!line.tickets.empty() || !line.watchers.empty()) return;
  if (line.listening) store_.listen(id, nullptr);
  lines_.erase(id.name);
}

std::size_t LockLines::waiting(const std::string& name) const {
  const auto found = lines_.find(name);
  return found == lines_.end() ? 0 : found->second.tickets.size();
}

}  // namespace jeton::agent
