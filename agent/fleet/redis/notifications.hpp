// Notifications: passes messages on the channels of tokens and locks to their listeners, over one connection. It leaves
// out this agent's own messages about its updater locks, converts times, and calls for a resync when messages may have
// been missed. One thread: the loop's.
//
// The listener of a lock gets releases and gaps only.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/log_pace.hpp"
#include "agent/fleet/channel_message.hpp"
#include "agent/fleet/coordinator.hpp"
#include "agent/fleet/redis/client/cluster_watch.hpp"
#include "agent/fleet/redis/client/subscriber.hpp"
#include "agent/fleet/redis/redis_backend.hpp"
#include "agent/fleet/redis/redis_scripts.hpp"
#include "agent/record/fleet_codec.hpp"

namespace jeton::agent {

class Notifications {
 public:
  // Whether a claim ("claim") or release ("release") by this owner is to be passed on now: every server of a quorum
  // sends it. Empty function: every message is passed on.
  using ReachedMajority = std::function<bool(Subject::Kind, std::string_view what, const std::string& owner)>;
  // If `options` have a cluster, each of its nodes reports changes of the keys that it holds; otherwise the server of
  // the messages does. `offset`: the server's clock minus ours, empty while unknown; until then the listener of a token
  // gets nothing, and then a GapEvent.
  Notifications(Timers& timers, Random& random, const RedisOptions& options, ReachedMajority reached_majority,
                std::function<std::optional<Milliseconds>()> offset);
  ~Notifications();
  Notifications(const Notifications&) = delete;
  Notifications& operator=(const Notifications&) = delete;

  // Sets a callback for every message about a token that shows a successful write by some agent.
  void on_written(std::function<void()> callback) { written_ = std::move(callback); }
  void start();
  void stop();

  // nullptr ends it.
  void subscribe(const Subject& subject, FleetListener* listener);
  // Ends all subscriptions of this kind.
  void unsubscribe_all(Subject::Kind kind);
  // Claims and releases by this owner are our own and are not passed on to the present listener.
  void own(const Subject& subject, const std::string& owner);
  // Reports to the listener that the stored record of a token cannot be read. False: it was so the last time, too.
  [[nodiscard]] bool notify_unreadable(const Subject& subject, const std::string& why);
  // The stored record can be read.
  void note_readable(const Subject& subject);
  // Makes every listener of a token with an open channel load again: the offset became known or changed, or a load may
  // have failed.
  void notify_resync();
  // Whether the listener of this token hears of the loss of its record at once, as far as is known: the server reports
  // keys, and reported the write of the last publication. Not in a Cluster, whose nodes come and go.
  [[nodiscard]] bool reports_losses(const Subject& subject) const;

 private:
  struct Subscription {
    Subject subject;
    FleetListener* listener = nullptr;
    bool ready = false;                       // messages arrive
    LogPace warnings;                         // about malformed messages
    std::string own_owner;                    // of the last acquisition
    bool unreadable = false;                  // the stored record
    std::optional<BootTime> write_due_since;  // a publication was heard, and not yet that it wrote the key
  };

  [[nodiscard]] RedisKeys keys_of(const Subject& subject) const {
    return RedisKeys::of_subject(prefix_, subject, database_);
  }
  void on_message(const std::string& channel, std::string_view payload);
  void on_gap(const std::string& channel);
  void on_watch_gap(const std::string& channel);
  void on_written_key(const std::string& channel, std::string_view payload);
  void on_changed(const std::string& channel, bool all);
  void deliver(Subscription& subscription, ChannelMessage message);
  void notify_resync_soon(const std::string& channel);

  Timers& timers_;
  std::string prefix_;
  int database_;
  FleetCodec codec_;
  ReachedMajority reached_majority_;
  std::function<std::optional<Milliseconds>()> offset_;
  std::function<void()> written_;
  std::map<std::string, Subscription> by_channel_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  redis::Subscriber subscriber_;
  std::optional<redis::ClusterWatch> watch_;
};

}  // namespace jeton::agent
