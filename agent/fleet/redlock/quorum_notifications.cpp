#include "agent/fleet/redlock/quorum_notifications.hpp"

#include <algorithm>
#include <utility>

namespace jeton::agent {
namespace {

// Far more owners than can be on their way through the channels of N servers at a time.
constexpr std::size_t remembered = 512;
// Connections that come up together, at the start above all, make one gap.
constexpr Duration resync_delay = std::chrono::milliseconds(5);
// So long after a record was written to one server again, others that lost it have it too, or need it from us: the host
// that wrote it may not have been connected to them.
constexpr Duration look_after_repair = std::chrono::milliseconds(200);
// The message of a server that is slower than the others comes no later behind theirs.
constexpr Duration longest_delay = std::chrono::seconds(10);

}  // namespace

// Subscribed on every server alike.
class QuorumNotifications::Deduplicator final : public FleetListener,
                                                public std::enable_shared_from_this<Deduplicator> {
 public:
  Deduplicator(Timers& timers, FleetListener& listener) : timers_(timers), listener_(&listener) {}

  void replace_listener(FleetListener& listener) {
    listener_ = &listener;
    last_generation_ = 0;
    hear(GapEvent{});
  }

  void hear(FleetEvent event) override {
    if (auto* record = std::get_if<Record>(&event)) {
      hear_record(std::move(*record));
      return;
    }
    if (const auto* usage = std::get_if<FetchUsage>(&event)) {
      if (is_late(*usage)) return;
      usage_ = *usage;
      usage_heard_at_ = timers_.clock().boot_now();
    }
    const bool gap = std::holds_alternative<GapEvent>(event);
    if (gap || std::holds_alternative<LossEvent>(event)) may_be_lost_ = true;
    if (gap) {
      notify_resync_in(resync_delay);
    } else {
      listener_->hear(std::move(event));
    }
  }

 private:
  // A lower count, of a server that was slow. It counts again soon: any client may have sent the higher one.
  [[nodiscard]] bool is_late(const FetchUsage& usage) const {
    const BootTime now = timers_.clock().boot_now();
    return usage.calls < usage_.calls && usage_.window_end > now && now - usage_heard_at_ < longest_delay;
  }

  void hear_record(Record record) {
    if (record.generation < last_generation_) return;
    const bool repaired = std::exchange(may_be_lost_, false);
    const bool again = record.generation == last_generation_;
    if (again && !repaired) return;
    last_generation_ = record.generation;
    listener_->hear(std::move(record));
    if (again) notify_resync_in(look_after_repair);
  }

  void notify_resync_in(Duration delay) {
    if (std::exchange(resync_is_due_, true)) return;
    timers_.schedule(timers_.clock().boot_now() + delay, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->resync_is_due_ = false;
      self->listener_->hear(GapEvent{});
    });
  }

  Timers& timers_;
  FleetListener* listener_;
  Generation last_generation_ = 0;
  FetchUsage usage_;  // as last passed on
  BootTime usage_heard_at_{};
  bool may_be_lost_ = false;
  bool resync_is_due_ = false;
};

QuorumNotifications::~QuorumNotifications() = default;

QuorumNotifications::Heard& QuorumNotifications::heard(Subject::Kind kind, std::string message) {
  std::deque<Heard>& latest = heard_[kind];
  const auto found = std::find_if(latest.begin(), latest.end(), [&](const Heard& h) { return h.message == message; });
  if (found != latest.end()) return *found;
  if (latest.size() >= remembered) latest.pop_front();
  return latest.emplace_back(Heard{std::move(message)});
}

bool QuorumNotifications::reached_majority(std::size_t server, Subject::Kind kind, std::string_view what,
                                           const std::string& owner) {
  Heard& message = heard(kind, std::string(what) + " " + owner);
  message.servers.insert(server);
  if (message.passed_on || message.servers.size() < majority_) return false;
  message.passed_on = true;
  return true;
}

void QuorumNotifications::own(const std::string& owner) {
  heard(Subject::Kind::token, "claim " + owner).passed_on = true;
  heard(Subject::Kind::token, "release " + owner).passed_on = true;
}

bool QuorumNotifications::notify_data_loss(const std::string& name) {
  const auto found = listeners_.find({Subject::Kind::token, name});
  if (found == listeners_.end()) return false;
  found->second->hear(LossEvent{});
  return true;
}

void QuorumNotifications::subscribe(const Servers& servers, const Subject& subject, FleetListener* listener) {
  const auto key = std::pair(subject.kind, subject.name);
  const auto found = listeners_.find(key);
  if (listener == nullptr) {
    for (const auto& server : servers) server->notifications().subscribe(subject, nullptr);
    if (found != listeners_.end()) listeners_.erase(found);
  } else if (found != listeners_.end()) {
    found->second->replace_listener(*listener);
  } else {
    const auto deduplicator = std::make_shared<Deduplicator>(timers_, *listener);
    listeners_.emplace(key, deduplicator);
    for (const auto& server : servers) server->notifications().subscribe(subject, deduplicator.get());
  }
}

void QuorumNotifications::unsubscribe_all(const Servers& servers, Subject::Kind kind) {
  for (const auto& server : servers) server->notifications().unsubscribe_all(kind);
  std::erase_if(listeners_, [kind](const auto& entry) { return entry.first.first == kind; });
}

}  // namespace jeton::agent
