// RedisChannels: from messages on the channels of tokens to their listeners. Filters what this agent said itself about
// its locks, converts times, and tells a gap when messages may have been missed. One thread: the loop's.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "agent/base/log_pace.hpp"
#include "agent/fleet/channel_message.hpp"
#include "agent/fleet/coordinator.hpp"
#include "agent/fleet/redis/client/cluster_watch.hpp"
#include "agent/fleet/redis/client/subscriber.hpp"
#include "agent/fleet/redis/redis_operations.hpp"
#include "agent/record/fleet_codec.hpp"

namespace jeton::agent {

class RedisChannels {
 public:
  struct Servers {
    redis::ConnectOptions connection;  // for the messages
    // If set, each of its nodes is asked about the keys it holds; else the server of `connection` tells about them.
    std::shared_ptr<redis::Cluster> cluster;
    Duration keepalive{};
    bool locks = false;  // the channels are those of locks that applications take: no record stands behind them
  };
  // `offset`: the server's clock minus ours, empty while unknown; messages wait for it in the form of a gap.
  RedisChannels(Timers& timers, Random& random, Servers servers, std::string prefix, FleetCodec codec,
                std::function<std::optional<Milliseconds>()> offset);
  ~RedisChannels();
  RedisChannels(const RedisChannels&) = delete;
  RedisChannels& operator=(const RedisChannels&) = delete;

  // Called for every message that a successful write of some agent sent. Before start().
  void on_written(std::function<void()> callback) { written_ = std::move(callback); }
  void start();
  void stop();

  // Whether a claim ("claim") or release ("release") by this owner is to be told. The servers of a quorum share one,
  // because each of them sends every message.
  using IsNews = std::function<bool(std::string_view what, const std::string& owner)>;
  void tell_only(IsNews is_news) { is_news_ = std::move(is_news); }

  void subscribe(const std::string& name, FleetListener* listener);
  // Claims and releases by this owner are our own.
  void own(const std::string& name, const std::string& owner);
  // The stored record of a token is of no use.
  void tell_unreadable(const std::string& name, const std::string& why);
  // Every listener that has its channel loads anew: the offset became known or changed, or a load may have failed.
  void tell_gaps();

 private:
  struct Subscription {
    std::string name;
    FleetListener* listener = nullptr;
    bool ready = false;                       // messages arrive
    LogPace warnings;                         // about malformed messages
    std::optional<BootTime> write_due_since;  // a publication was heard, and not yet that it wrote the key
  };

  [[nodiscard]] RedisKeys keys_of(const std::string& name) const;
  void on_message(const std::string& channel, std::string_view payload);
  void on_gap(const std::string& channel);
  void on_watch_gap(const std::string& channel);
  void on_written_key(const std::string& channel, std::string_view payload);
  void on_changed(const std::string& channel, bool all);
  void deliver(Subscription& subscription, ChannelMessage message);
  void tell_gap_soon(const std::string& channel);

  Timers& timers_;
  std::string prefix_;
  int database_;
  bool locks_;
  FleetCodec codec_;
  std::function<std::optional<Milliseconds>()> offset_;
  std::function<void()> written_;
  IsNews is_news_ = [](std::string_view, const std::string&) { return true; };
  std::map<std::string, Subscription> by_channel_;
  std::map<std::string, std::string> own_owner_;  // by token: of the last acquisition
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  redis::Subscriber subscriber_;
  std::optional<redis::ClusterWatch> watch_;
};

}  // namespace jeton::agent
