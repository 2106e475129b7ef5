// jeton_lock_bench [--rounds N] [--json FILE]: what it costs to take a free lock and give it back, beside bare round
// trips on the same kind of connection and beside redis-py's Lock on the same server, all in one run.
#include <boost/asio/co_spawn.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "agent/base/log.hpp"
#include "agent/fleet/redis/client/client.hpp"
#include "tests/bench/report.hpp"
#include "tests/integration/backends/redlock_testing.hpp"
#include "tests/support/process.hpp"

namespace {

using jeton::agent::Coordinator;
using jeton::agent::Duration;
using jeton::agent::Task;
using jeton::bench::median;
namespace test = jeton::test;
namespace redis = jeton::agent::redis;
using Clock = std::chrono::steady_clock;

constexpr int batch = 20;

double ns_since(Clock::time_point start) {
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count();
}

// One PING and its answer, `batch` times.
Task<> time_pings(redis::Client& client, const jeton::agent::Clock& clock, std::vector<double>& times) {
  for (int i = 0; i < batch; ++i) {
    redis::Command command({"PING"});
    const auto start = Clock::now();
    const redis::Reply reply = co_await client.command("", std::move(command), clock.boot_now() + test::patience);
    times.push_back(ns_since(start));
    if (reply.is_error()) throw std::runtime_error("PING");
  }
}

Task<> time_locks(Coordinator& coordinator, std::vector<double>& times) {
  const std::string name = "bench";
  for (int i = 0; i < batch; ++i) {
    const auto start = Clock::now();
    const auto result = co_await coordinator.try_acquire(name, std::chrono::minutes(1));
    if (!result.lease) continue;  // a server of the quorum was still about to give back the last one
    co_await coordinator.release(name, *result.lease);
    times.push_back(ns_since(start));
  }
}

// The median in ns of redis-py's Lock; negative if the package is missing.
double redis_py(const test::RedisServer& server, int rounds) {
  const auto result = test::run({"/usr/bin/python3", REDIS_PY_LOCK, server.socket(), std::to_string(rounds * batch)});
  return result.status == 0 ? std::atof(result.out.c_str()) : -1;
}

}  // namespace

int main(int argc, char** argv) {
  int rounds = 100;
  std::string json_file = "lock_bench.json";
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--rounds") == 0) rounds = std::max(1, std::atoi(argv[i + 1]));
    if (std::strcmp(argv[i], "--json") == 0) json_file = argv[i + 1];
  }
  jeton::agent::log::set_level(jeton::agent::log::Level::error);

  test::Loop loop;
  const test::RedisServers servers;
  redis::Client client(loop.timers, loop.random, test::redis_options(servers[0]).connection);
  client.start();
  const auto backends = jeton::agent::make_redis_backends(loop.timers, loop.random, test::redis_options(servers[0]));
  Coordinator& single = *backends.coordinator;
  single.start();
  test::RedlockHost quorum(loop, [&] {
    auto options = servers.options(std::chrono::milliseconds(500));
    options.prefix = "quorum";
    return options;
  }());
  const test::BlackHole hole;
  test::RedlockHost maimed(loop, [&] {
    auto options = servers.options(std::chrono::milliseconds(500));
    options.prefix = "maimed";
    options.servers[2].address = hole.address();
    return options;
  }());

  std::vector<double> pings;
  std::vector<double> singles;
  std::vector<double> quorums;
  std::vector<double> maimeds;
  for (int round = -3; round < rounds; ++round) {  // all in turn; the first to warm up
    loop.run(time_pings(client, loop.clock, pings));
    loop.run(time_locks(single, singles));
    loop.run(time_locks(quorum.coordinator, quorums));
    loop.run(time_locks(maimed.coordinator, maimeds));
    if (round < 0) {
      for (auto* times : {&pings, &singles, &quorums, &maimeds}) times->clear();
    }
  }
  const double python = redis_py(servers[0], rounds);
  client.stop();
  single.stop();

  jeton::bench::Report report;
  report.section("an uncontended lock taken and given back, over unix sockets; medians of " +
                 std::to_string(rounds * batch));
  report.add("client_round_trip", "PING and its answer, one server", median(pings) / 1000, "us");
  report.add("redis_lock", "redis: one server", median(singles) / 1000, "us");
  report.add("redlock_5", "redlock: five servers", median(quorums) / 1000, "us");
  report.add("redlock_5_black_hole", "redlock: five servers, one a black hole", median(maimeds) / 1000, "us");
  if (python < 0) {
    std::printf("  redis-py Lock: not measured, package python3-redis is missing\n");
  } else {
    report.add("redis_py_lock", "redis-py Lock: one server", python / 1000, "us");
  }
  report.add("redlock_won", "redlock: locks that were won", static_cast<double>(quorums.size()), "");
  report.add("redlock_black_hole_won", "the same with the black hole", static_cast<double>(maimeds.size()), "");
  report.result("updater_lock", report["redis_lock"] / report["client_round_trip"]);
  report.print_results();
  report.write(json_file);
  return 0;
}
