#include "agent/fleet/redis/client/subscriber.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/event.hpp"
#include "agent/base/log.hpp"
#include "agent/base/log_pace.hpp"
#include "agent/fleet/redis/client/kept_connection.hpp"

namespace jeton::agent::redis {
namespace {

// The server's name for the channel of its tracking.
constexpr std::string_view invalidations = "__redis__:invalidate";

// So many channels are subscribed by one command.
constexpr std::size_t most_channels = 500;
// With more keys the server is asked to report all keys with the same beginning. It compares each key that it writes
// with every beginning of which it reports; with one, it also reports keys that nobody here asks about.
constexpr std::size_t most_prefixes = 64;

// The kinds of requests that the server has yet to answer, in the order of its answers.
enum class Asked { watch, subscribe, unsubscribe, ping };
struct Channel {
  std::string key;  // whose changes the channel reports too; empty: none
  Subscriber::Need need = Subscriber::Need::required;
};
struct Question {
  Asked what{};
  std::string channel{};    // of subscribe; empty: several, all required
  std::size_t answers = 1;  // that are to come, unless it is refused as a whole
};

}  // namespace

class Subscriber::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Timers& timers, Random& random, ConnectOptions options, Callbacks callbacks, Duration keepalive)
      : timers_(timers),
        callbacks_(std::move(callbacks)),
        keepalive_(keepalive),
        timeout_(options.timeout),
        heard_(timers),
        kept_(timers, random, std::move(options), "subscriptions",
              {.up = [this](const std::shared_ptr<Connection>& connection) { up(connection); },
               .down = [this](const std::string&) { down(); }}) {}

  void stop() {
    callbacks_ = {};
    kept_.stop();
    down();
  }

  void subscribe(const std::string& channel, const std::string& key, Need need) {
    if (!channels_.emplace(channel, Channel{key, need}).second) return;
    if (!key.empty()) by_key_.emplace(key, channel);
    if (!connection_) return;
    const bool is_watched = !watched_beginning_.empty() && key.starts_with(watched_beginning_);
    if (!key.empty() && !not_watched_ && !is_watched) {
      // A subscribed connection takes no command that would watch one key more: a new one watches all.
      kept_.renew();
    } else if (subscribed_) {
      send(*connection_, {Asked::subscribe, channel}, Command({"SUBSCRIBE", channel}));
    }
  }

  void unsubscribe(const std::string& channel) {
    const auto found = channels_.find(channel);
    if (found == channels_.end()) return;
    const auto [first, last] = by_key_.equal_range(found->second.key);
    const auto of_channel = std::find_if(first, last, [&](const auto& entry) { return entry.second == channel; });
    if (of_channel != last) by_key_.erase(of_channel);
    channels_.erase(found);
    if (connection_ && subscribed_) {
      send(*connection_, {Asked::unsubscribe}, Command({"UNSUBSCRIBE", channel}));
    }
  }

  void start() { kept_.start(); }
  [[nodiscard]] bool reports_changes() const { return watching_; }

 private:
  void send(Connection& connection, Question question, Command command) {
    asked_.push_back(std::move(question));
    connection.send(std::move(command));
  }

  void up(const std::shared_ptr<Connection>& connection) {
    connection_ = connection;
    start_task(timers_.executor(), serve(shared_from_this(), connection));
  }

  // Ends with its connection.
  static Task<> serve(std::shared_ptr<Impl> self, std::shared_ptr<Connection> connection) {
    try {
      const bool watching = co_await track_keys(self, connection);
      if (self->connection_ != connection || !connection->is_open()) co_return;
      self->subscribed_ = true;
      connection->on_push([weak = std::weak_ptr(self)](const Reply& reply) {
        if (const auto alive = weak.lock()) alive->on_reply(reply);
      });
      // From its answer on the server reports changes of keys, also between other answers.
      if (watching) self->send(*connection, {Asked::watch}, Command({"SUBSCRIBE", invalidations}));
      self->subscribe_all(*connection);
      co_await keep_alive(self, connection);
    } catch (const TransportError& e) {
      connection->close(e.what());  // if it is not: without its subscriptions it is of no use, and another one is made
    }
  }

  // The required channels together; a server that refuses one of them refuses all. Optional ones each by itself.
  void subscribe_all(Connection& connection) {
    std::vector<std::string_view> words{"SUBSCRIBE"};
    const auto flush = [&] {
      if (words.size() == 1) return;
      send(connection, {Asked::subscribe, {}, words.size() - 1}, Command{std::span<const std::string_view>(words)});
      words.resize(1);
    };
    for (const auto& [name, channel] : channels_) {
      if (channel.need == Need::optional) {
        send(connection, {Asked::subscribe, name}, Command({"SUBSCRIBE", name}));
        continue;
      }
      words.emplace_back(name);
      if (words.size() > most_channels) flush();
    }
    flush();
  }

  // The keys whose changes the server is to report: each key, or the beginning that all of them have.
  [[nodiscard]] std::vector<std::string> watched() const {
    std::vector<std::string> keys;
    for (const auto& [key, channel] : by_key_) keys.push_back(key);
    if (keys.size() <= most_prefixes) return keys;
    const std::string& last = keys.back();
    const auto differs = std::mismatch(keys.front().begin(), keys.front().end(), last.begin(), last.end());
    if (differs.second != last.begin()) keys = {std::string(last.begin(), differs.second)};
    return keys;
  }

  // Must come before the first SUBSCRIBE, which rules out other commands. False: there is nothing to hear of.
  static Task<bool> track_keys(std::shared_ptr<Impl> self, std::shared_ptr<Connection> connection) {
    const std::vector<std::string> prefixes = self->watched();
    self->watched_beginning_ = prefixes.size() < self->by_key_.size() ? prefixes.front() : std::string();
    if (prefixes.empty()) co_return false;
    const BootTime deadline = self->timers_.clock().boot_now() + self->timeout_;
    Command ask_id({"CLIENT", "ID"});
    Answer answer = co_await connection->command(std::move(ask_id), deadline);
    const Reply id = std::move(answer).value();
    if (id.type != Reply::Type::integer) {
      self->cannot_watch(id);
      co_return false;
    }
    const std::string own_id = std::to_string(id.integer);
    std::vector<std::string_view> words{"CLIENT", "TRACKING", "ON", "REDIRECT", own_id, "BCAST"};
    for (const std::string& prefix : prefixes) {
      words.emplace_back("PREFIX");
      words.emplace_back(prefix);
    }
    Command track{std::span<const std::string_view>(words)};
    answer = co_await connection->command(std::move(track), deadline);
    const Reply done = std::move(answer).value();
    if (done.is_error()) self->cannot_watch(done);
    co_return !done.is_error();
  }

  void cannot_watch(const Reply& refusal) {
    not_watched_ = true;
    if (std::exchange(not_watched_reported_, true)) return;
    const std::string_view said = refusal.is_error() ? refusal.text.reveal() : "an unexpected answer to CLIENT ID";
    log::info("redis does not report lost keys; a check every 30 to 36 s finds them",
              {{"endpoint", kept_.display()}, {"error", ServerError(kept_.display(), said).answer()}});
  }

  void down() {
    connection_.reset();
    not_watched_ = subscribed_ = watching_ = false;
    watched_beginning_.clear();
    asked_.clear();
    heard_.notify();  // who waits for the answer to a PING need not any more
    if (const auto tell = callbacks_.down) tell();
  }

  static Task<> keep_alive(std::shared_ptr<Impl> self, std::shared_ptr<Connection> connection) {
    const Clock& clock = self->timers_.clock();
    for (;;) {
      const bool quiet = co_await connection->wait_quiet(self->kept_.keepalive(self->keepalive_));
      if (!quiet) co_return;
      self->send(*connection, {Asked::ping}, Command({"PING"}));
      const BootTime deadline = clock.boot_now() + self->timeout_;
      const std::uint64_t before = self->replies_;
      bool in_time = true;
      while (connection->is_open() && self->replies_ == before && in_time) {
        in_time = co_await self->heard_.wait_until(deadline);
      }
      if (self->replies_ != before || !connection->is_open()) continue;
      connection->close("no answer to PING in time");
    }
  }

  void on_reply(const Reply& reply) {
    ++replies_;
    heard_.notify();
    if (reply.is_error()) {
      refused(reply);
      return;
    }
    if (reply.type == Reply::Type::status) answered();  // PONG outside the subscribed mode
    if (reply.type != Reply::Type::array || reply.elements.size() < 2) return;
    const auto word = [&reply](std::size_t i) {
      return reply.elements[i].type == Reply::Type::string ? reply.elements[i].text.reveal() : std::string_view{};
    };
    const std::string channel(word(1));
    if (word(0) != "message") answered();
    if (word(0) == "subscribe" && channel == invalidations) watching_ = true;
    if (word(0) == "message" && channel == invalidations && reply.elements.size() == 3) {
      on_invalidation(reply.elements[2]);
      return;
    }
    if (!channels_.contains(channel)) return;
    // Copied, because the callee may stop the subscriber, which takes the callbacks away.
    if (word(0) == "message" && reply.elements.size() == 3) {
      if (const auto message = callbacks_.message) message(channel, word(2));
    } else if (word(0) == "subscribe") {
      if (const auto gap = callbacks_.gap) gap(channel);
    }
  }

  // None: the server answers a question that was not asked.
  std::optional<Question> answered() {
    if (asked_.empty()) return std::nullopt;
    Question question = asked_.front();
    if (--asked_.front().answers == 0) asked_.pop_front();
    return question;
  }

  // The answer to all that the first question asks for.
  std::optional<Question> answered_as_a_whole() {
    if (!asked_.empty()) asked_.front().answers = 1;
    return answered();
  }

  void refused(const Reply& error) {
    const std::optional<Question> question = answered_as_a_whole();
    const auto is = [&](Asked what) { return question && question->what == what; };
    if (is(Asked::ping) || is(Asked::unsubscribe)) return;  // it answers, and that is all we need
    if (is(Asked::watch)) {
      cannot_watch(error);
      return;
    }
    const ServerError refusal(kept_.display(), error.text.reveal());
    if (is(Asked::subscribe) && refusal.code() == "NOPERM" && !question->channel.empty()) {
      const auto found = channels_.find(question->channel);
      if (found == channels_.end()) return;  // left meanwhile
      if (found->second.need == Need::optional) {
        cannot_hear(question->channel, refusal);
        return;
      }
    }
    // Without the channel the connection is useless.
    connection_->close(refusal.what());
  }

  void cannot_hear(const std::string& channel, const ServerError& refusal) {
    if (!refusals_.allows(timers_.clock().boot_now())) return;
    log::warning(log::redis_restricted, "the server refused a channel; periodic checks find the changes instead",
                 {{"channel", channel}, {"error", refusal.what()}});
  }

  // Nothing instead of a list of keys: all are gone.
  void on_invalidation(const Reply& keys) {
    const auto changed = callbacks_.changed;
    if (!changed) return;
    std::vector<std::string> channels;  // copied, because the callee may unsubscribe
    if (keys.is_nil()) {
      for (const auto& [key, channel] : by_key_) channels.push_back(channel);
    }
    for (const Reply& key : keys.elements) {
      if (key.type != Reply::Type::string) continue;
      const auto [first, last] = by_key_.equal_range(std::string(key.text.reveal()));
      for (auto entry = first; entry != last; ++entry) channels.push_back(entry->second);
    }
    for (const std::string& channel : channels) changed(channel, keys.is_nil());
  }

  Timers& timers_;
  Callbacks callbacks_;
  Duration keepalive_;
  Duration timeout_;
  std::map<std::string, Channel> channels_;         // by name
  std::multimap<std::string, std::string> by_key_;  // the channel that reports the changes of a key
  std::string watched_beginning_;                   // of every key that is watched; empty: each key by itself
  std::deque<Question> asked_;
  LogPace refusals_;          // of optional channels
  bool not_watched_ = false;  // the server of this connection does not report keys
  bool subscribed_ = false;   // the connection is past its preparation
  bool watching_ = false;     // the server reports keys
  bool not_watched_reported_ = false;
  std::shared_ptr<Connection> connection_;
  std::uint64_t replies_ = 0;
  Event heard_;
  KeptConnection kept_;
};

Subscriber::Subscriber(Timers& timers, Random& random, ConnectOptions options, Callbacks callbacks, Duration keepalive)
    : impl_(std::make_shared<Impl>(timers, random, std::move(options), std::move(callbacks), keepalive)) {}

Subscriber::~Subscriber() { impl_->stop(); }
void Subscriber::start() { impl_->start(); }
void Subscriber::stop() { impl_->stop(); }
void Subscriber::subscribe(const std::string& channel, const std::string& key, Need need) {
  impl_->subscribe(channel, key, need);
}
void Subscriber::unsubscribe(const std::string& channel) { impl_->unsubscribe(channel); }
bool Subscriber::reports_changes() const { return impl_->reports_changes(); }

}  // namespace jeton::agent::redis
