// jeton_endurance: a fleet of real agents on one Redis that rotates a short-lived token under load, and the growth of
// its memory, descriptors and keys. tests/README.md, "Endurance".
//
//   jeton_endurance [TIME] [--agents N] [--readers N] [--streams N]       default 1h, 200, 2000, 500; 600, 10m
#include <cstdio>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/endurance/clients.hpp"
#include "tests/endurance/figures.hpp"
#include "tests/support/agent_process.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/fault_provider.hpp"

namespace {

using namespace jeton;
using std::chrono::duration;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr std::size_t shortest_judged = 600;  // seconds: a process fills its pools first

struct Options {
  std::size_t seconds = 3600;
  std::size_t agents = 200;
  std::size_t readers = 2000;
  std::size_t streams = 500;
};

// "600", "600s", "10m", "1h"
std::size_t seconds_in(const std::string& text) {
  const std::map<std::string, std::size_t> units{{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}};
  std::size_t end = 0;
  const std::size_t number = std::stoull(text, &end);
  const auto unit = units.find(text.substr(end));
  if (unit == units.end()) throw std::invalid_argument(text + " is no time");
  return number * unit->second;
}

Options parse(const std::vector<std::string>& words) {
  Options options;
  const std::map<std::string, std::size_t*> numbers{
      {"--agents", &options.agents}, {"--readers", &options.readers}, {"--streams", &options.streams}};
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto found = numbers.find(words[i]);
    if (found == numbers.end()) {
      options.seconds = seconds_in(words[i]);
    } else if (++i == words.size()) {
      throw std::invalid_argument(found->first + " needs a number");
    } else {
      *found->second = std::stoull(words[i]);
    }
  }
  return options;
}

test::AgentSettings settings_of(const test::RedisServer& server, const test::FaultProvider& provider) {
  test::AgentSettings settings;
  settings.redis_url = server.unix_url();
  settings.token_url = provider.url();
  settings.refresh = "{grace: 4s, spread: 1s, min_interval: 0ms}";
  settings.token_extra = "locks:\n  \"*\": {max_ttl: 1m}\n";
  settings.log_level = "warning";
  return settings;
}

// A fleet that has its first token.
std::vector<std::unique_ptr<test::AgentProcess>> start(std::size_t count, const test::AgentSettings& settings) {
  std::vector<std::unique_ptr<test::AgentProcess>> agents;
  for (std::size_t i = 0; i < count; ++i) agents.push_back(std::make_unique<test::AgentProcess>(settings));
  for (const auto& agent : agents) agent->launch();
  for (const auto& agent : agents) agent->await();
  for (const auto& agent : agents) {
    if (!test::eventually([&] { return agent->valid(); })) throw std::runtime_error("no token: " + agent->log());
  }
  return agents;
}

int run(const Options& options) {
  const test::RedisServer server;
  const test::FaultProvider provider({.lifetime = seconds(8)});  // a rotation each four seconds
  auto agents = start(options.agents, settings_of(server, provider));
  std::vector<endurance::Watched> watched;
  std::vector<std::filesystem::path> directories;
  for (const auto& agent : agents) {
    watched.push_back({agent->pid(), agent->runtime_dir() / "agent.sock"});
    directories.push_back(agent->runtime_dir());
  }
  endurance::Figures figures(std::move(watched), server);
  endurance::Clients clients(directories, options.readers, options.streams);
  const auto begin = steady_clock::now();
  const auto end = begin + seconds(options.seconds);
  const auto interval = std::max<steady_clock::duration>(seconds(1), (end - begin) / 240);
  for (auto next = begin + interval; next <= end; next += interval) {
    std::this_thread::sleep_until(next);
    figures.sample();
  }
  clients.stop();
  bool failed = false;
  for (std::size_t i = 0; i < agents.size(); ++i) {
    if (agents[i]->stop() == 0) continue;
    failed = true;
    std::cout << "agent " << i << " has failed: " << agents[i]->log() << '\n';
  }
  // From the middle of the second quarter to the middle of the last.
  const double hours = duration<double>(steady_clock::now() - begin).count() / 3600 / 2;
  std::cout << "                                          first     middle       last   growth of half the run\n"
            << figures.table(hours) << "\nfetches " << provider.counts().issued << '\n';
  for (const auto& [operation, times] : clients.counts()) {
    std::cout << operation << ' ' << times << '\n';
    failed = failed || operation.starts_with("failed");
  }
  const bool is_judged = options.seconds >= shortest_judged;
  if (!is_judged) std::cout << "growth is not judged in so short a run\n";
  for (const std::string& name : is_judged ? figures.that_have_grown() : std::vector<std::string>()) {
    failed = true;
    std::cout << "has grown: " << name << '\n';
  }
  for (const char* needed : {"reads", "lines of streams", "locks taken", "disturbances"}) {
    if (clients.counts()[needed] > 0) continue;
    failed = true;
    std::cout << "none: " << needed << '\n';
  }
  std::cout << (failed ? "failed" : "passed") << std::endl;
  return failed ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(parse({argv + 1, argv + argc}));
  } catch (const std::exception& e) {
    std::cout << e.what() << "\njeton_endurance [TIME] [--agents N] [--readers N] [--streams N]\n";
    return 2;
  }
}
