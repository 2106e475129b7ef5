#include "tests/support/memory_redis/memory_network.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "tests/support/memory_redis/memory_line.hpp"

namespace jeton::test {

using agent::Duration;
using agent::Task;
using agent::TransportError;
using agent::redis::Address;
using agent::redis::Connected;
using memory_redis::MemoryLine;
using memory_redis::Site;

namespace {

class MemoryTransport final : public agent::redis::Transport {
 public:
  explicit MemoryTransport(std::shared_ptr<MemoryLine> line) : line_(std::move(line)) {}
  ~MemoryTransport() override { line_->close(); }

  Task<Received> read_some(std::span<char> into) override { return line_->read_some(into); }
  Task<> write(std::string_view bytes) override {
    line_->write(bytes);
    co_return;
  }
  void close() noexcept override { line_->close(); }

 private:
  std::shared_ptr<MemoryLine> line_;
};

struct HashOfHost {
  std::size_t operator()(const Address& address) const { return std::hash<std::string>{}(address.host); }
};

}  // namespace

// Held by the connects that are under way.
struct MemoryNetwork::State : std::enable_shared_from_this<State> {
  State(agent::Timers& t, agent::Random& r) : timers(t), random(r) {}

  [[nodiscard]] Duration latency() {
    return shortest + std::chrono::duration_cast<Duration>((longest - shortest) * random.uniform());
  }

  [[nodiscard]] std::shared_ptr<Site> site(const Address& address) const {
    const auto found = sites.find(address);
    return found == sites.end() ? nullptr : found->second;
  }

  // In the time of the client, whose host may be stopped meanwhile.
  static Task<Connected> connect(std::shared_ptr<State> self, agent::Timers& timers, Address address,
                                 agent::BootTime deadline, agent::redis::ConnectAttempt& attempt) {
    const auto site = self->site(address);
    if (!site) co_return Connected{.failure = "no route to host"};
    const bool answered = site->fault != Fault::no_connection;
    const agent::BootTime done = timers.clock().boot_now() + self->latency() + self->latency();
    const auto aborted = std::make_shared<bool>(false);
    const auto wake = std::make_shared<agent::Event>(timers);
    const agent::redis::Abortable abortable(attempt, [aborted, wake] {
      *aborted = true;
      wake->notify();
    });
    co_await wake->wait_until(answered ? std::min(done, deadline) : deadline);
    if (*aborted) co_return Connected{.failure = "operation canceled"};
    if (!answered || done > deadline) co_return Connected{.failure = "no connection in time"};
    const bool refused = !site->server->is_up() || site->fault == Fault::refused;
    if (refused) co_return Connected{.failure = "connection refused"};
    auto line = std::make_shared<MemoryLine>(self->timers, site, [self] { return self->latency(); });
    line->open();
    std::erase_if(site->lines, [](const auto& known) { return known.expired(); });
    site->lines.push_back(line);
    co_return Connected{.transport = std::make_unique<MemoryTransport>(std::move(line))};
  }

  static Task<std::vector<std::string>> resolve(std::shared_ptr<State> self, agent::Timers& timers, std::string name,
                                                agent::BootTime deadline, agent::redis::ConnectAttempt& attempt) {
    const bool hangs = self->hanging.contains(name);
    const agent::BootTime done = timers.clock().boot_now() + self->latency() + self->latency();
    const auto aborted = std::make_shared<bool>(false);
    const auto wake = std::make_shared<agent::Event>(timers);
    const agent::redis::Abortable abortable(attempt, [aborted, wake] {
      *aborted = true;
      wake->notify();
    });
    co_await wake->wait_until(hangs ? deadline : std::min(done, deadline));
    if (*aborted) throw TransportError("operation canceled");
    if (hangs || done > deadline) throw TransportError("the name was not resolved in time");
    const auto known = self->names.find(name);
    std::vector<std::string> hosts{name};
    if (known != self->names.end()) hosts = known->second;
    if (hosts.empty()) throw TransportError("the name cannot be resolved: no such name");
    co_return hosts;
  }

  static void each_line(const std::shared_ptr<Site>& site, const std::function<void(MemoryLine&)>& what) {
    const auto known = site->lines;  // what one of them does may open another
    for (const auto& weak : known) {
      if (const auto line = weak.lock()) what(*line);
    }
  }
  static void tell_lines(const std::shared_ptr<Site>& site) {
    each_line(site, [](MemoryLine& line) { line.fault_changed(); });
  }
  // Throws if the address was never pointed anywhere.
  [[nodiscard]] std::shared_ptr<Site> known_site(const Address& address) const {
    auto found = site(address);
    if (!found) throw std::logic_error("no such address: " + address.display());
    return found;
  }

  agent::Timers& timers;
  agent::Random& random;
  std::map<std::string, std::vector<std::string>> names;
  std::set<std::string> hanging;
  Duration shortest = std::chrono::microseconds(100);
  Duration longest = std::chrono::microseconds(100);
  std::unordered_map<Address, std::shared_ptr<Site>, HashOfHost> sites;
};

MemoryNetwork::MemoryNetwork(agent::Timers& timers, agent::Random& random)
    : state_(std::make_shared<State>(timers, random)) {}

MemoryNetwork::~MemoryNetwork() = default;

std::shared_ptr<MemoryServer> MemoryNetwork::add_server(const Address& address, const std::string& password) {
  auto server = std::make_shared<MemoryServer>(state_->timers, state_->random, password);
  point(address, server);
  return server;
}

void MemoryNetwork::point(const Address& address, std::shared_ptr<MemoryServer> server) {
  if (const auto known = state_->site(address)) {
    known->server = std::move(server);
    return;
  }
  state_->sites.emplace(address, std::make_shared<Site>(Site{address, std::move(server), Fault::none}));
}

agent::redis::Connector MemoryNetwork::connector() {
  return [state = state_](agent::Timers& timers, Address address, const agent::redis::TlsOptions&,
                          agent::BootTime deadline, agent::redis::ConnectAttempt& attempt) {
    return State::connect(state, timers, std::move(address), deadline, attempt);
  };
}

agent::redis::NameResolver MemoryNetwork::resolver() {
  return [state = state_](agent::Timers& timers, std::string name, agent::BootTime deadline,
                          agent::redis::ConnectAttempt& attempt) {
    return State::resolve(state, timers, std::move(name), deadline, attempt);
  };
}

void MemoryNetwork::set_name(const std::string& name, std::vector<std::string> hosts) {
  state_->names[name] = std::move(hosts);
}

void MemoryNetwork::hang_name(const std::string& name, bool hangs) {
  if (hangs) {
    state_->hanging.insert(name);
  } else {
    state_->hanging.erase(name);
  }
}

void MemoryNetwork::set_latency(Duration shortest, Duration longest) {
  state_->shortest = shortest;
  state_->longest = longest;
}

void MemoryNetwork::set_fault(const Address& address, Fault fault) {
  const auto site = state_->known_site(address);
  if (std::exchange(site->fault, fault) != fault) State::tell_lines(site);
}

std::size_t MemoryNetwork::connections(const Address& address) const {
  const auto site = state_->site(address);
  if (!site) return 0;
  return static_cast<std::size_t>(std::count_if(site->lines.begin(), site->lines.end(), [](const auto& known) {
    const auto line = known.lock();
    return line && line->is_open();
  }));
}

void MemoryNetwork::set_client_stopped(const Address& address, bool stopped) {
  const auto site = state_->known_site(address);
  if (std::exchange(site->client_stopped, stopped) != stopped) State::tell_lines(site);
}

void MemoryNetwork::lose_connections(const Address& address, bool told) {
  State::each_line(state_->known_site(address), [told](MemoryLine& line) {
    if (told) {
      line.break_off();
    } else {
      line.die();
    }
  });
}

}  // namespace jeton::test
