#include "tests/fuzz/redis_trial.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <vector>

#include "agent/base/log.hpp"
#include "agent/fleet/redis/client/cluster_map.hpp"
#include "agent/fleet/redis/client/cluster_runner.hpp"
#include "agent/fleet/redis/client/connection.hpp"
#include "agent/fleet/redis/client/sentinel_resolver.hpp"
#include "agent/fleet/redis/client/subscriber.hpp"
#include "agent/fleet/redis/redis_backend.hpp"
#include "tests/fuzz/answering_transport.hpp"
#include "tests/fuzz/message_check.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/virtual_timers.hpp"

namespace jeton::fuzz {
namespace {

using namespace jeton::agent;
using namespace jeton::agent::redis;
using namespace std::chrono_literals;

constexpr Duration timeout = 500ms;
constexpr Duration patience = 30s;  // of virtual time, longer than any chain of deadlines
constexpr ReplyLimits limits{64 * 1024, 64};
const std::string display = "redis://10.0.0.1:6379";

std::size_t elements_of(const Reply& reply) {
  std::size_t count = reply.elements.size();
  for (const Reply& element : reply.elements) count += elements_of(element);
  return count;
}

bool same(const Reply& a, const Reply& b) {
  return a.type == b.type && a.integer == b.integer && a.text.reveal() == b.text.reveal() &&
         std::equal(a.elements.begin(), a.elements.end(), b.elements.begin(), b.elements.end(), same);
}

struct Parsed {
  std::vector<Reply> replies;
  std::string failure;
};

Parsed parse(std::string_view text, unsigned split) {
  Parsed parsed;
  RespParser parser(limits);
  Answers pieces({}, split);
  try {
    while (!text.empty()) {
      const std::size_t size = pieces.piece(std::min<std::size_t>(text.size(), 16 * 1024));
      parser.feed(text.substr(0, size));
      text.remove_prefix(size);
      while (auto reply = parser.next()) parsed.replies.push_back(std::move(*reply));
    }
  } catch (const TransportError& e) {
    parsed.failure = e.what();
  }
  return parsed;
}

std::string parser_complaint(std::string_view text, unsigned split) {
  const Parsed whole = parse(text, 0);
  const Parsed pieces = parse(text, split | 1U);
  if (!std::equal(whole.replies.begin(), whole.replies.end(), pieces.replies.begin(), pieces.replies.end(), same) ||
      whole.failure.empty() != pieces.failure.empty()) {
    return "replies that depend on where they were split";
  }
  for (const Reply& reply : whole.replies) {
    if (elements_of(reply) > limits.elements) return "a reply beyond the limit";
  }
  return whole.failure.empty() ? "" : message_complaint(whole.failure);
}

// What a node of a Cluster says of the others.
std::string map_complaint(std::string_view text, unsigned split) {
  Address asked;
  asked.host = "10.0.0.1";
  const auto redirection = parse_redirection(text, asked);
  if (redirection && (redirection->slot >= cluster_slots || redirection->to.port == 0)) return "a way to nowhere";
  std::string complaint;
  for (const Reply& reply : parse(text, split).replies) {
    ClusterMap map(reply, asked);
    if (redirection) map.move(redirection->slot, redirection->to);
    for (std::uint16_t slot = 0; slot < cluster_slots; slot = static_cast<std::uint16_t>(slot + 61)) {
      const auto owner = map.owner(slot);
      if (owner && !map.contains(*owner)) return "a slot of a node that is not there";
    }
    for (const Address& node : map.nodes()) {
      if (!may_be_host(node.host) || node.port == 0) return "a node without an address";
    }
  }
  return complaint;
}

// One loop in virtual time with one server, and the tasks that ask it.
class Trial {
 public:
  Trial(std::string_view text, unsigned split) : answers_(std::make_shared<Answers>(text, split)) {}

  [[nodiscard]] ConnectOptions options() {
    ConnectOptions options;
    options.address.host = "10.0.0.1";
    options.username = [] { return SecretString("jeton"); };
    options.password = [] { return SecretString(planted_secret); };
    options.client_name = "jeton-agent";
    options.timeout = timeout;
    options.limits = limits;
    options.connect = connector();
    options.resolve = resolver();
    return options;
  }
  [[nodiscard]] Connector connector() {
    return [this](Timers&, Address address, TlsOptions, BootTime, ConnectAttempt&) -> Task<Connected> {
      if (!may_be_host(address.host)) complaint = "a connection to what is no host";
      if (answers_->done()) co_return Connected{.failure = "connection refused"};
      co_return Connected{.transport = transport()};
    };
  }
  // Of the names that an answer leads to. Without it they would be asked for in the network, by a thread.
  [[nodiscard]] static NameResolver resolver() {
    return [](Timers&, std::string host, BootTime, ConnectAttempt&) -> Task<std::vector<std::string>> {
      if (host.size() % 2 == 0) throw TransportError("the name cannot be resolved: no such host");
      co_return std::vector<std::string>{"10.0.0.3"};
    };
  }
  [[nodiscard]] std::unique_ptr<Transport> transport() {
    return std::make_unique<AnsweringTransport>(timers, answers_);
  }
  [[nodiscard]] BootTime deadline() const { return timers.clock().boot_now() + timeout; }

  // Every task ends with an answer or with a TransportError, in time.
  template <typename T>
  void ask(Task<T> task) {
    ++asked_;
    boost::asio::co_spawn(timers.loop(), answer_of(std::move(task)), [this](const std::exception_ptr& failure) {
      ++ended_;
      if (failure) note(failure);
    });
  }
  [[nodiscard]] bool run() {
    return timers.run_until(timers.clock().boot_now() + patience, [this] { return ended_ == asked_; });
  }
  // The rest of what was said, with nobody asking.
  void pass() { timers.run_for(2 * timeout); }
  // After the clients have gone, what they started ends.
  void drain() { timers.run_for(1s); }
  [[nodiscard]] std::string verdict() const {
    return !complaint.empty() || ended_ == asked_ ? complaint : "a question that has no end";
  }

  test::VirtualTimers timers;
  test::SeededRandom random{1};
  std::string complaint;

 private:
  template <typename T>
  static Task<> answer_of(Task<T> task) {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(task);
    } else if constexpr (std::is_same_v<T, redis::Answer>) {
      T answer = co_await std::move(task);
      static_cast<void>(std::move(answer).value());
    } else {
      [[maybe_unused]] const T answer = co_await std::move(task);
    }
  }

  void note(const std::exception_ptr& failure) {
    try {
      std::rethrow_exception(failure);
    } catch (const TransportError& e) {
      // The server's own words are part of it, whatever they are; a password is none of them.
      if (std::string_view(e.what()).size() > 1024) complaint = "a message that is too long";
      if (std::string_view(e.what()).find(planted_secret) != std::string_view::npos) complaint = "a password is shown";
    } catch (const std::exception& e) {
      complaint = std::string("an exception that none may let out: ") + e.what();
    }
  }

  std::shared_ptr<Answers> answers_;
  int asked_ = 0;
  int ended_ = 0;
};

// Three commands at once, of which one asks a node of a Cluster.
void try_connection(Trial& trial) {
  redis::Connection connection(trial.timers, trial.transport(), limits, display, timeout);
  trial.ask(connection.command(Command({"GET", "a"}), trial.deadline()));
  trial.ask(connection.asking(Command({"GET", "b"}), trial.deadline()));
  trial.ask(connection.command(Command({"GET", "c"}), trial.deadline()));
  if (!trial.run()) return;
  const bool shown = connection.close_reason().starts_with(display);
  if (!connection.is_open() && !shown) trial.complaint = "a connection that does not say why it ended";
  trial.pass();
}

void try_runner(Trial& trial, CommandRunner& runner) {
  static const Script script("return redis.call('GET', KEYS[1])");
  static const std::vector<std::string> keys{"jeton:{api}:token"};
  runner.start();
  trial.ask(runner.command("k", Command({"GET", "k"}), trial.deadline()));
  trial.ask(runner.run(script, keys, {}, trial.deadline()));
  if (!trial.run()) return;
  if (runner.last_error().find(planted_secret) != std::string::npos) trial.complaint = "a password is shown";
  trial.pass();
  runner.stop();
}

void try_subscriber(Trial& trial) {
  std::size_t messages = 0;
  Subscriber::Callbacks callbacks;
  callbacks.message = [&](const std::string& channel, std::string_view) {
    ++messages;
    if (channel != "c" && channel != "d") trial.complaint = "a message of a channel that nobody asked for";
  };
  callbacks.gap = [](const std::string&) {};
  callbacks.changed = [](const std::string&, bool) {};
  Subscriber subscriber(trial.timers, trial.random, trial.options(), callbacks, 100ms);
  subscriber.subscribe("c", "jeton:{api}:token");
  subscriber.subscribe("d", {}, Subscriber::Need::optional);
  subscriber.start();
  trial.pass();
  subscriber.unsubscribe("c");
  trial.pass();
  subscriber.stop();
}

void try_cluster(Trial& trial) {
  ClusterOptions options;
  options.connection = trial.options();
  options.connection.in_cluster = true;
  options.endpoints = {options.connection.address};
  ClusterRunner runner(std::make_shared<Cluster>(trial.timers, trial.random, options));
  try_runner(trial, runner);
}

void try_sentinels(Trial& trial) {
  SentinelOptions options;
  options.master = "jeton";
  options.sentinels.resize(2);
  options.sentinels[0].host = "10.0.0.1";
  options.sentinels[1].host = "10.0.0.2";
  options.password = [] { return SecretString(planted_secret); };
  options.connect = trial.connector();
  options.resolve = Trial::resolver();
  SentinelResolver resolver(trial.timers, trial.random, options);
  trial.ask(resolver.resolve(trial.deadline()));
  if (!trial.run()) return;
  Address known;
  known.host = "10.0.0.9";
  trial.ask(resolver.recheck(known, trial.deadline()));
  if (!trial.run()) return;
  resolver.interrupt();
}

void try_coordinator(Trial& trial) {
  RedisOptions options;
  options.connection = trial.options();
  options.connection.client_name.clear();  // one answer less before the first question
  options.connection.password = nullptr;
  const Backends backends = make_redis_backends(trial.timers, trial.random, options);
  backends.coordinator->configure("api", {});
  backends.coordinator->start();
  backends.locks->start();
  Lease lease{"owner", 1'790'000'000'000'000, 5s, trial.timers.clock().boot_now() + 5s};
  Record record;
  record.generation = lease.fence;
  record.value = SecretString("tok-abc");
  record.issued_at = trial.timers.clock().wall_now();
  record.expires_at = record.issued_at + 1h;
  trial.ask(backends.coordinator->load("api"));
  trial.ask(backends.coordinator->try_acquire("api", 5s));
  trial.ask(backends.coordinator->usage("api"));
  trial.ask(backends.locks->show({"job"}));
  if (!trial.run()) return;
  trial.ask(backends.coordinator->renew("api", lease));
  trial.ask(backends.coordinator->publish("api", record, lease));
  trial.ask(backends.coordinator->admit("api", lease, {}));
  trial.ask(backends.locks->try_acquire({"job"}, {"owner", true, 5s}));
  if (!trial.run()) return;
  backends.coordinator->stop();
  backends.locks->stop();
}

std::string client_complaint(int client, std::string_view text, unsigned split) {
  log::set_level(log::Level::error);  // each is told of, once
  Trial trial(text, split);
  if (client == 2) try_connection(trial);
  if (client == 3) {
    Client one(trial.timers, trial.random, trial.options());
    try_runner(trial, one);
  }
  if (client == 4) try_subscriber(trial);
  if (client == 5) try_cluster(trial);
  if (client == 6) try_sentinels(trial);
  if (client == 7) try_coordinator(trial);
  trial.drain();
  return trial.verdict();
}

}  // namespace

std::string try_redis_answers(std::string_view input) {
  if (input.size() < 2) return {};
  if (input.find(planted_secret) != std::string_view::npos) return {};  // it would be no proof
  const int client = static_cast<unsigned char>(input[0]) % clients_of_redis;
  const unsigned split = static_cast<unsigned char>(input[1]);
  const std::string_view text = input.substr(2);
  try {
    if (client == 0) return parser_complaint(text, split);
    if (client == 1) return map_complaint(text, split);
    return client_complaint(client, text, split);
  } catch (const TransportError& e) {
    return message_complaint(e.what());
  } catch (const std::exception& e) {
    return std::string("an exception that none may let out: ") + e.what();
  }
}

}  // namespace jeton::fuzz
