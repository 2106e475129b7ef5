#include "agent/fleet/redis/notifications.hpp"

#include <boost/asio/post.hpp>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/log.hpp"

namespace jeton::agent {
namespace {

// Both come with the same turn of the server's loop; a message without a write behind it hides no later loss.
constexpr Duration write_due_for = std::chrono::seconds(1);

// The server is identified by its connection for commands. The messages of a server that a quorum refuses, because it
// has its vote through another connection, are heard all the same.
redis::ConnectOptions for_messages(redis::ConnectOptions options) {
  options.identified = nullptr;
  return options;
}

}  // namespace

Notifications::Notifications(Timers& timers, Random& random, const RedisOptions& options,
                             ReachedMajority reached_majority, std::function<std::optional<Milliseconds>()> offset)
    : timers_(timers),
      prefix_(options.prefix),
      database_(options.connection.database),
      codec_(options.codec),
      reached_majority_(std::move(reached_majority)),
      offset_(std::move(offset)),
      subscriber_(
          timers, random, for_messages(options.connection),
          {.message = [this](const std::string& channel, std::string_view payload) { on_message(channel, payload); },
           .gap = [this](const std::string& channel) { on_gap(channel); },
           .changed = [this](const std::string& channel, bool all) { on_changed(channel, all); }},
          options.keepalive) {
  if (!options.cluster) return;
  watch_.emplace(
      timers, random, options.cluster, for_messages(options.connection),
      redis::Subscriber::Callbacks{
          .message = [this](const std::string& channel, std::string_view payload) { on_written_key(channel, payload); },
          .gap = [this](const std::string& channel) { on_watch_gap(channel); },
          .changed = [this](const std::string& channel, bool all) { on_changed(channel, all); }},
      options.keepalive);
}

Notifications::~Notifications() { stop(); }

void Notifications::stop() {
  alive_.reset();
  subscriber_.stop();
  if (watch_) watch_->stop();
}

void Notifications::start() {
  subscriber_.start();
  if (watch_) watch_->start();
}

void Notifications::subscribe(const Subject& subject, FleetListener* listener) {
  const RedisKeys keys = keys_of(subject);
  const std::string& channel = keys.channel;
  const bool is_lock = subject.kind == Subject::Kind::lock;
  const bool watched = watch_ && !is_lock;
  if (listener == nullptr) {
    by_channel_.erase(channel);
    subscriber_.unsubscribe(channel);
    if (watched) watch_->unsubscribe(channel);
    return;
  }
  Subscription& subscription = by_channel_[channel];
  subscription.subject = subject;
  subscription.listener = listener;
  if (subscription.ready) {
    notify_resync_soon(channel);
  } else {
    // Tokens share the connection and must not lose it for a lock.
    const auto need = is_lock ? redis::Subscriber::Need::optional : redis::Subscriber::Need::required;
    subscriber_.subscribe(channel, watched ? std::string() : keys.token, need);
    if (watched) watch_->subscribe(channel, keys.token);
  }
}

void Notifications::unsubscribe_all(Subject::Kind kind) {
  std::vector<Subject> ended;
  for (const auto& [channel, subscription] : by_channel_) {
    if (subscription.subject.kind == kind) ended.push_back(subscription.subject);
  }
  for (const Subject& subject : ended) subscribe(subject, nullptr);
}

void Notifications::own(const Subject& subject, const std::string& owner) {
  const auto found = by_channel_.find(keys_of(subject).channel);
  if (found != by_channel_.end()) found->second.own_owner = owner;
}

void Notifications::notify_resync() {
  for (const auto& [channel, subscription] : by_channel_) {
    const bool is_token = subscription.subject.kind == Subject::Kind::token;
    if (is_token && subscription.ready) notify_resync_soon(channel);
  }
}

// Never from inside a call of the listener's: it would not expect to be called back there.
void Notifications::notify_resync_soon(const std::string& channel) {
  boost::asio::post(timers_.executor(), [this, channel, alive = std::weak_ptr(alive_)] {
    if (alive.expired()) return;
    const auto found = by_channel_.find(channel);
    if (found == by_channel_.end() || !found->second.ready) return;
    if (found->second.subject.kind == Subject::Kind::token && !offset_()) return;
    found->second.listener->hear(GapEvent{});
  });
}

// A proxy may accept what turns the reports on, and pass none on.
bool Notifications::reports_losses(const Subject& subject) const {
  const auto found = by_channel_.find(keys_of(subject).channel);
  if (watch_ || found == by_channel_.end() || !found->second.ready) return false;
  const auto& write_due_since = found->second.write_due_since;
  const bool missed_a_write = write_due_since && timers_.clock().boot_now() - *write_due_since >= write_due_for;
  return !missed_a_write && subscriber_.reports_changes();
}

bool Notifications::notify_unreadable(const Subject& subject, const std::string& why) {
  const auto found = by_channel_.find(keys_of(subject).channel);
  if (found == by_channel_.end()) return true;
  const bool is_new = !std::exchange(found->second.unreadable, true);
  found->second.listener->hear(UnreadableEvent{why});
  return is_new;
}

void Notifications::note_readable(const Subject& subject) {
  const auto found = by_channel_.find(keys_of(subject).channel);
  if (found != by_channel_.end()) found->second.unreadable = false;
}

// Without the clock's offset a record cannot be read; the listener of a token resyncs as soon as it is known.
void Notifications::on_gap(const std::string& channel) {
  const auto found = by_channel_.find(channel);
  if (found == by_channel_.end()) return;
  found->second.ready = true;
  if (!watch_) found->second.write_due_since.reset();
  notify_resync_soon(channel);
}

// Changes of the key on that node until now are not known.
void Notifications::on_watch_gap(const std::string& channel) {
  const auto found = by_channel_.find(channel);
  if (found == by_channel_.end()) return;
  found->second.write_due_since.reset();
  if (found->second.ready) notify_resync_soon(channel);
}

void Notifications::on_written_key(const std::string& channel, std::string_view payload) {
  const auto found = by_channel_.find(channel);
  if (found != by_channel_.end() && is_publication(payload)) {
    found->second.write_due_since = timers_.clock().boot_now();
  }
}

// A publication changes the key too: it is heard first, on the same connection, and then its write, once. Whatever else
// changes the key loses the record, even right behind a publication.
void Notifications::on_changed(const std::string& channel, bool all) {
  const auto found = by_channel_.find(channel);
  if (found == by_channel_.end() || !found->second.ready) return;
  const auto write_due_since = std::exchange(found->second.write_due_since, std::nullopt);
  if (!all && write_due_since && timers_.clock().boot_now() - *write_due_since < write_due_for) return;
  found->second.listener->hear(LossEvent{});
}

void Notifications::on_message(const std::string& channel, std::string_view payload) {
  const auto found = by_channel_.find(channel);
  if (found == by_channel_.end() || !found->second.ready) return;
  Subscription& subscription = found->second;
  const bool is_lock = subscription.subject.kind == Subject::Kind::lock;
  if (is_lock && !reached_majority_) {
    // Only releases are sent there, and a message of another kind costs an attempt to take the lock.
    subscription.listener->hear(ReleaseEvent{});
    return;
  }
  if (!is_lock) {
    if (!watch_) on_written_key(channel, payload);
    if (!offset_()) return;
  }
  try {
    ChannelMessage message = decode_message(payload, subscription.subject.name, codec_);
    if (is_lock && !std::holds_alternative<ReleaseMessage>(message)) return;
    deliver(subscription, std::move(message));
  } catch (const Error& e) {
    if (subscription.warnings.allows(timers_.clock().boot_now())) {
      log::warning(
          log::message_ignored, "ignored a malformed message; check which clients publish on this channel",
          {{log_key_of(subscription.subject), subscription.subject.name}, {"channel", channel}, {"error", e.what()}});
    }
    subscription.listener->hear(UnreadableEvent{e.what()});
  }
}

void Notifications::deliver(Subscription& subscription, ChannelMessage message) {
  FleetListener& listener = *subscription.listener;
  if (auto* record = std::get_if<Record>(&message))
    *record = to_local_time(std::move(*record), *offset_(), timers_.clock().wall_now());
  // A release only deletes, which a server that is out of memory still does; a rejection writes nothing.
  const bool writes =
      !std::holds_alternative<ReleaseMessage>(message) && !std::holds_alternative<RejectedMessage>(message);
  if (written_ && writes) written_();
  const BootTime now = timers_.clock().boot_now();
  const auto is_due = [&](std::string_view what, const std::string& owner) {
    return owner != subscription.own_owner &&
           (!reached_majority_ || reached_majority_(subscription.subject.kind, what, owner));
  };
  if (auto* record = std::get_if<Record>(&message)) {
    listener.hear(std::move(*record));
  } else if (const auto* claim = std::get_if<ClaimMessage>(&message)) {
    if (is_due("claim", claim->owner)) listener.hear(ClaimEvent{now + claim->ttl});
  } else if (const auto* release = std::get_if<ReleaseMessage>(&message)) {
    if (is_due("release", release->owner)) listener.hear(ReleaseEvent{});
  } else if (const auto* pause = std::get_if<PauseMessage>(&message)) {
    listener.hear(Pause{now + pause->ttl, pause->reason, pause->request});
  } else if (const auto* usage = std::get_if<UsageMessage>(&message)) {
    FetchUsage heard;
    heard.calls = usage->calls;
    heard.window_end = now + usage->ttl;
    listener.hear(heard);
  } else if (const auto* rejected = std::get_if<RejectedMessage>(&message)) {
    listener.hear(RejectionEvent{rejected->generation});
  } else if (const auto* resume = std::get_if<ResumeMessage>(&message)) {
    listener.hear(ResumeEvent{resume->reason});
  }
}

}  // namespace jeton::agent
