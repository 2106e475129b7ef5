#include "agent/fleet/redis/redis_channels.hpp"

#include <boost/asio/post.hpp>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/log.hpp"
#include "agent/fleet/fleet_record.hpp"

namespace jeton::agent {
namespace {

// Both come with the same turn of the server's loop; a message that nobody's write stands behind hides no later loss.
constexpr Duration write_due_for = std::chrono::seconds(1);

}  // namespace

RedisChannels::RedisChannels(Timers& timers, Random& random, Servers servers, std::string prefix, FleetCodec codec,
                             std::function<std::optional<Milliseconds>()> offset)
    : timers_(timers),
      prefix_(std::move(prefix)),
      database_(servers.connection.database),
      locks_(servers.locks),
      codec_(std::move(codec)),
      offset_(std::move(offset)),
      subscriber_(
          timers, random, servers.connection,
          {.message = [this](const std::string& channel, std::string_view payload) { on_message(channel, payload); },
           .gap = [this](const std::string& channel) { on_gap(channel); },
           .changed = [this](const std::string& channel, bool all) { on_changed(channel, all); }},
          servers.keepalive) {
  if (!servers.cluster) return;
  watch_.emplace(
      timers, random, std::move(servers.cluster), std::move(servers.connection),
      redis::Subscriber::Callbacks{
          .message = [this](const std::string& channel, std::string_view payload) { on_written_key(channel, payload); },
          .gap = [this](const std::string& channel) { on_watch_gap(channel); },
          .changed = [this](const std::string& channel, bool all) { on_changed(channel, all); }},
      servers.keepalive);
}

RedisChannels::~RedisChannels() { stop(); }

void RedisChannels::stop() {
  alive_.reset();
  subscriber_.stop();
  if (watch_) watch_->stop();
}

void RedisChannels::start() {
  subscriber_.start();
  if (watch_) watch_->start();
}

RedisKeys RedisChannels::keys_of(const std::string& name) const {
  if (locks_) return RedisKeys::of_lock(prefix_, name, database_);
  return {prefix_, name, database_};
}

void RedisChannels::subscribe(const std::string& name, FleetListener* listener) {
  const std::string channel = keys_of(name).channel;
  if (listener == nullptr) {
    by_channel_.erase(channel);
    subscriber_.unsubscribe(channel);
    if (watch_) watch_->unsubscribe(channel);
    return;
  }
  Subscription& subscription = by_channel_[channel];
  subscription.name = name;
  subscription.listener = listener;
  if (subscription.ready) {
    tell_gap_soon(channel);
  } else {
    const std::string key = keys_of(name).token;
    subscriber_.subscribe(channel, watch_ ? std::string() : key);
    if (watch_) watch_->subscribe(channel, key);
  }
}

void RedisChannels::own(const std::string& name, const std::string& owner) { own_owner_[name] = owner; }

void RedisChannels::tell_gaps() {
  for (const auto& [channel, subscription] : by_channel_) {
    if (subscription.ready) tell_gap_soon(channel);
  }
}

// Never from inside a call of the listener's: it would not expect to be called back there.
void RedisChannels::tell_gap_soon(const std::string& channel) {
  boost::asio::post(timers_.executor(), [this, channel, alive = std::weak_ptr(alive_)] {
    if (alive.expired() || !offset_()) return;
    const auto found = by_channel_.find(channel);
    if (found != by_channel_.end() && found->second.ready) found->second.listener->on_gap();
  });
}

void RedisChannels::tell_unreadable(const std::string& name, const std::string& why) {
  const auto found = by_channel_.find(keys_of(name).channel);
  if (found != by_channel_.end()) found->second.listener->on_unreadable(why);
}

// Without the clock's offset a record cannot be read; the gap is told as soon as it is known.
void RedisChannels::on_gap(const std::string& channel) {
  const auto found = by_channel_.find(channel);
  if (found == by_channel_.end()) return;
  found->second.ready = true;
  if (!watch_) found->second.write_due_since.reset();
  tell_gap_soon(channel);
}

// What the node did to the key until now is not known.
void RedisChannels::on_watch_gap(const std::string& channel) {
  const auto found = by_channel_.find(channel);
  if (found == by_channel_.end()) return;
  found->second.write_due_since.reset();
  if (found->second.ready) tell_gap_soon(channel);
}

void RedisChannels::on_written_key(const std::string& channel, std::string_view payload) {
  const auto found = by_channel_.find(channel);
  if (found != by_channel_.end() && is_publication(payload)) {
    found->second.write_due_since = timers_.clock().boot_now();
  }
}

// A publication changes the key too: it is heard first, on the same connection, and then its write, once. Whatever else
// changes the key loses the record, even right behind a publication.
void RedisChannels::on_changed(const std::string& channel, bool all) {
  const auto found = by_channel_.find(channel);
  if (found == by_channel_.end() || !found->second.ready) return;
  const auto write_due_since = std::exchange(found->second.write_due_since, std::nullopt);
  if (!all && write_due_since && timers_.clock().boot_now() - *write_due_since < write_due_for) return;
  found->second.listener->on_lost();
}

void RedisChannels::on_message(const std::string& channel, std::string_view payload) {
  const auto found = by_channel_.find(channel);
  if (found == by_channel_.end() || !found->second.ready) return;
  Subscription& subscription = found->second;
  if (!watch_) on_written_key(channel, payload);
  if (!offset_()) return;
  try {
    ChannelMessage message = decode_message(payload, subscription.name, codec_);
    deliver(subscription, std::move(message));
  } catch (const Error& e) {
    if (subscription.warnings.allows(timers_.clock().boot_now())) {
      log::warning("ignored a malformed message; who else publishes on this channel?",
                   {{"token", subscription.name}, {"channel", channel}, {"error", e.what()}});
    }
    subscription.listener->on_unreadable(e.what());
  }
}

void RedisChannels::deliver(Subscription& subscription, ChannelMessage message) {
  FleetListener& listener = *subscription.listener;
  if (auto* record = std::get_if<Record>(&message))
    *record = to_local_time(std::move(*record), *offset_(), timers_.clock().wall_now());
  // A release only deletes, which a server that is out of memory still does; a rejection writes nothing.
  const bool writes =
      !std::holds_alternative<ReleaseMessage>(message) && !std::holds_alternative<RejectedMessage>(message);
  if (written_ && writes) written_();
  const BootTime now = timers_.clock().boot_now();
  const std::string& own_owner = own_owner_[subscription.name];
  if (auto* record = std::get_if<Record>(&message)) {
    listener.on_record(std::move(*record));
  } else if (const auto* claim = std::get_if<ClaimMessage>(&message)) {
    if (claim->owner != own_owner && is_news_("claim", claim->owner)) listener.on_claim(now + claim->ttl);
  } else if (const auto* release = std::get_if<ReleaseMessage>(&message)) {
    if (release->owner != own_owner && is_news_("release", release->owner)) listener.on_release();
  } else if (const auto* pause = std::get_if<PauseMessage>(&message)) {
    listener.on_pause(Pause{now + pause->ttl, pause->reason, pause->request});
  } else if (const auto* usage = std::get_if<UsageMessage>(&message)) {
    FetchUsage heard;
    heard.calls = usage->calls;
    heard.window_end = now + usage->ttl;
    listener.on_usage(heard);
  } else if (const auto* rejected = std::get_if<RejectedMessage>(&message)) {
    listener.on_rejected(rejected->generation);
  } else if (std::holds_alternative<ResumeMessage>(message)) {
    listener.on_resume();
  }
}

}  // namespace jeton::agent
