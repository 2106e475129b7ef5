#include "agent/fleet/redlock/redlock_ears.hpp"

#include <algorithm>
#include <utility>

namespace jeton::agent {
namespace {

// Far more owners than can be on their way through the channels of N servers at a time.
constexpr std::size_t remembered = 256;
// Connections that come up together, at the start above all, make one gap.
constexpr Duration gap_delay = std::chrono::milliseconds(5);
// So long after a record was given back to one server, others that lost it have it too, or need it from us: whoever
// gave it may not have been connected to them.
constexpr Duration look_after_repair = std::chrono::milliseconds(200);

}  // namespace

// Subscribed on every server alike.
class RedlockEars::Ear final : public FleetListener, public std::enable_shared_from_this<Ear> {
 public:
  Ear(Timers& timers, FleetListener& listener) : timers_(timers), listener_(&listener) {}

  void listen_to(FleetListener& listener) {
    listener_ = &listener;
    last_generation_ = 0;
    on_gap();
  }

  void on_record(Record record) override {
    if (record.generation < last_generation_) return;
    const bool given_back = std::exchange(may_be_lost_, false);
    const bool again = record.generation == last_generation_;
    if (again && !given_back) return;
    last_generation_ = record.generation;
    listener_->on_record(std::move(record));
    if (again) tell_gap_in(look_after_repair);
  }
  void on_claim(BootTime until) override { listener_->on_claim(until); }
  void on_release() override { listener_->on_release(); }
  void on_pause(Pause pause) override { listener_->on_pause(std::move(pause)); }
  void on_rejected(Generation generation) override { listener_->on_rejected(generation); }
  void on_resume() override { listener_->on_resume(); }
  void on_unreadable(const std::string& why) override { listener_->on_unreadable(why); }
  void on_usage(FetchUsage usage) override {
    // Late, of a server that was slow.
    if (usage.calls < usage_.calls && usage_.window_end > timers_.clock().boot_now()) return;
    usage_ = usage;
    listener_->on_usage(usage);
  }
  void on_lost() override {
    may_be_lost_ = true;
    listener_->on_lost();
  }
  void on_gap() override {
    may_be_lost_ = true;
    tell_gap_in(gap_delay);
  }

 private:
  void tell_gap_in(Duration delay) {
    if (std::exchange(gap_is_due_, true)) return;
    timers_.schedule(timers_.clock().boot_now() + delay, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->gap_is_due_ = false;
      self->listener_->on_gap();
    });
  }

  Timers& timers_;
  FleetListener* listener_;
  Generation last_generation_ = 0;
  FetchUsage usage_;  // as last told
  bool may_be_lost_ = false;
  bool gap_is_due_ = false;
};

RedlockEars::~RedlockEars() = default;

RedlockEars::Heard& RedlockEars::heard(std::string message) {
  const auto found = std::find_if(heard_.begin(), heard_.end(), [&](const Heard& h) { return h.message == message; });
  if (found != heard_.end()) return *found;
  if (heard_.size() >= remembered) heard_.pop_front();
  return heard_.emplace_back(Heard{std::move(message)});
}

bool RedlockEars::is_news(std::string_view what, const std::string& owner) {
  Heard& message = heard(std::string(what) + " " + owner);
  ++message.servers;
  if (message.told || message.servers < majority_) return false;
  message.told = true;
  return true;
}

void RedlockEars::own(const std::string& owner) {
  heard("claim " + owner).told = true;
  heard("release " + owner).told = true;
}

bool RedlockEars::tell_lost(const std::string& name) {
  const auto found = ears_.find(name);
  if (found == ears_.end()) return false;
  found->second->on_lost();
  return true;
}

void RedlockEars::subscribe(const RedlockQuorum& quorum, const std::string& name, FleetListener* listener) {
  const auto found = ears_.find(name);
  if (listener == nullptr) {
    for (const auto& node : quorum.nodes) node->channels().subscribe(name, nullptr);
    if (found != ears_.end()) ears_.erase(found);
  } else if (found != ears_.end()) {
    found->second->listen_to(*listener);
  } else {
    const auto ear = std::make_shared<Ear>(timers_, *listener);
    ears_.emplace(name, ear);
    for (const auto& node : quorum.nodes) node->channels().subscribe(name, ear.get());
  }
}

}  // namespace jeton::agent
