#include "agent/fleet/redis/client/cluster_watch.hpp"

#include <boost/system/system_error.hpp>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "agent/base/backoff.hpp"
#include "agent/fleet/redis/client/cluster_slot.hpp"

namespace jeton::agent::redis {
namespace {

using namespace std::chrono_literals;

// Between two questions for the map because a node is down: soon at first, for a failover, and not for hours.
constexpr BackoffLimits relearn_pace{.base = 200ms, .cap = 10s, .floor = 50ms};

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
        learn_pace_(relearn_pace, random) {
    options_.locator = nullptr;
    options_.database = 0;
    options_.in_cluster = true;
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
    channels_.try_emplace(channel, Watched{key, std::nullopt});
    follow();
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
    try {
      while (!self->stopped_ && !self->cluster_->stopped()) {
        self->follow();
        static_cast<void>(co_await self->cluster_->wait_change(BootTime::max()));
      }
    } catch (const boost::system::system_error&) {
      // The loop ends.
    }
  }

  // A slot that nobody holds is watched where it was: its node may come back.
  void follow() {
    bool moved = false;
    for (auto& [channel, watched] : channels_) {
      const auto owner = cluster_->map().owner(key_slot(watched.key));
      if (!owner || owner == watched.on) continue;
      leave(channel, watched);
      watched.on = owner;
      on(*owner).subscribe(channel, watched.key);
      moved = true;
    }
    if (!moved) return;
    drop_unused();
    for (const auto& [name, node] : nodes_) node->start();
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
    const BootTime now = timers_.clock().boot_now();
    if (now < learn_at_) return;
    learn_at_ = now + learn_pace_.next();
    cluster_->learn_soon();
  }

  Timers& timers_;
  Random& random_;
  std::shared_ptr<Cluster> cluster_;
  ConnectOptions options_;
  Subscriber::Callbacks callbacks_;
  Duration keepalive_;
  Backoff learn_pace_;
  BootTime learn_at_{};
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
