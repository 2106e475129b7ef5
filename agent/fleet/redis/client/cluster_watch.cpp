#include "agent/fleet/redis/client/cluster_watch.hpp"

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "agent/base/backoff.hpp"

namespace jeton::agent::redis {
namespace {

using namespace std::chrono_literals;

// Between two questions for the map because a node is down: soon at first, for a failover, and not for hours.
constexpr BackoffLimits relearn_pace{.base = 200ms, .cap = 10s, .floor = 50ms};

// Between two moves of channels. Two nodes that say of each other that they hold a slot would make us move without end,
// and after every move each token is looked at, which is redirected again.
constexpr BackoffLimits move_pace{.base = 200ms, .cap = 10s, .floor = 100ms};
constexpr Duration settled_after = 30s;

}  // namespace

class ClusterWatch::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Timers& timers, Random& random, std::shared_ptr<Cluster> cluster, ConnectOptions options,
       Subscriber::Callbacks callbacks, Duration keepalive)
      : timers_(timers),
        random_(random),
        cluster_(std::move(cluster)),
        options_(std::move(options)),
        callbacks_(std::move(callbacks)),
        keepalive_(keepalive),
        learn_pace_(relearn_pace, random),
        move_pace_(move_pace, random) {
    options_.endpoint_resolver = nullptr;
    options_.database = 0;
    options_.in_cluster = true;
    options_.reports = std::make_shared<LogBurst>();
    if (!options_.client_name.empty()) options_.client_name += "-watch";
  }

  void start() { start_task(timers_.executor(), run(shared_from_this())); }

  void stop() {
    stopped_ = true;
    channels_.clear();
    nodes_.clear();
  }

  void subscribe(const std::string& channel, const std::string& key) {
    if (stopped_) return;
    const auto [added, is_new] = channels_.try_emplace(channel, Watched{key, std::nullopt});
    if (is_new) watch_at_owner(channel, added->second);
  }

  void unsubscribe(const std::string& channel) {
    const auto found = channels_.find(channel);
    if (found == channels_.end()) return;
    leave(channel, found->second);
    channels_.erase(found);
    drop_unused();
  }

 private:
  struct Watched {
    std::string key;
    std::optional<Address> on;  // none until the map was learnt
  };

  // Ends with the cluster.
  static Task<> run(std::shared_ptr<Impl> self) {
    while (!self->is_over()) {
      if (!self->follow()) {
        static_cast<void>(co_await self->cluster_->wait_change(BootTime::max()));
        continue;
      }
      const BootTime next_move = self->after_move();
      while (!self->is_over() && self->now() < next_move) {
        static_cast<void>(co_await self->cluster_->wait_change(next_move));
      }
    }
  }

  [[nodiscard]] bool is_over() const { return stopped_ || cluster_->stopped(); }

  // True: something had moved.
  bool follow() {
    bool moved = false;
    for (auto& [channel, watched] : channels_) moved = watch_at_owner(channel, watched) || moved;
    if (moved) drop_unused();
    return moved;
  }

  // When to look next.
  BootTime after_move() {
    if (now() - moved_at_ > settled_after) move_pace_.reset();
    moved_at_ = now();
    return moved_at_ + move_pace_.next();
  }

  // A slot without a node is watched where it was: its node may come back.
  bool watch_at_owner(const std::string& channel, Watched& watched) {
    const auto owner = cluster_->map().owner(key_slot(watched.key));
    if (!owner || owner == watched.on) return false;
    leave(channel, watched);
    watched.on = owner;
    Subscriber& node = on(*owner);
    node.subscribe(channel, watched.key);
    node.start();
    return true;
  }

  void leave(const std::string& channel, const Watched& watched) {
    if (watched.on) on(*watched.on).unsubscribe(channel);
  }

  Subscriber& on(const Address& address) {
    auto& node = nodes_[address.display()];
    if (!node) {
      ConnectOptions options = options_;
      options.address = address;
      Subscriber::Callbacks callbacks = callbacks_;
      callbacks.gap = [this](const std::string& channel) { up(channel); };
      callbacks.down = [this] { down(); };
      node = std::make_unique<Subscriber>(timers_, random_, std::move(options), std::move(callbacks), keepalive_);
    }
    return *node;
  }

  void drop_unused() {
    std::set<std::string> used;
    for (const auto& [channel, watched] : channels_) {
      if (watched.on) used.insert(watched.on->display());
    }
    std::erase_if(nodes_, [&](const auto& entry) { return !used.contains(entry.first); });
  }

  void up(const std::string& channel) {
    learn_pace_.reset();
    learn_at_ = {};
    if (callbacks_.gap) callbacks_.gap(channel);
  }

  // Perhaps another node has taken over. Commands would find out, but a quiet agent sends none.
  void down() {
    if (now() < learn_at_) return;
    learn_at_ = now() + learn_pace_.next();
    cluster_->learn_soon();
  }

  [[nodiscard]] BootTime now() const { return timers_.clock().boot_now(); }

  Timers& timers_;
  Random& random_;
  std::shared_ptr<Cluster> cluster_;
  ConnectOptions options_;
  Subscriber::Callbacks callbacks_;
  Duration keepalive_;
  Backoff learn_pace_;
  BootTime learn_at_{};
  Backoff move_pace_;
  BootTime moved_at_{};
  std::map<std::string, Watched> channels_;
  std::map<std::string, std::unique_ptr<Subscriber>> nodes_;  // in use, by display()
  bool stopped_ = false;
};

ClusterWatch::ClusterWatch(Timers& timers, Random& random, std::shared_ptr<Cluster> cluster, ConnectOptions options,
                           Subscriber::Callbacks callbacks, Duration keepalive)
    : impl_(std::make_shared<Impl>(timers, random, std::move(cluster), std::move(options), std::move(callbacks),
                                   keepalive)) {}

ClusterWatch::~ClusterWatch() { impl_->stop(); }
void ClusterWatch::start() { impl_->start(); }
void ClusterWatch::stop() { impl_->stop(); }
void ClusterWatch::subscribe(const std::string& channel, const std::string& key) { impl_->subscribe(channel, key); }
void ClusterWatch::unsubscribe(const std::string& channel) { impl_->unsubscribe(channel); }

}  // namespace jeton::agent::redis
