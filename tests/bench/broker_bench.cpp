// jeton_broker_bench [--rounds N] [--locks N] [--json FILE]: locks that applications take through the agent, all in one
// run: taking and giving back, beside what it costs an application that speaks to Redis itself; handing over, beside a
// server that does nothing; processor time, connections and memory of the agent, and an agent that holds many.
#include <hiredis/hiredis.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <jeton/client.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/bare_hand_over.hpp"
#include "tests/bench/broker_fleet.hpp"
#include "tests/bench/process_cost.hpp"
#include "tests/bench/report.hpp"

namespace {

using jeton::bench::median;
using Clock = std::chrono::steady_clock;
namespace test = jeton::test;
using jeton::bench::BareHandOver;
using jeton::bench::BrokerFleet;
using jeton::bench::Report;

double us_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

double percentile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values.at(static_cast<std::size_t>(part * static_cast<double>(values.size() - 1)));
}

void add(Report& report, const std::string& key, const std::string& name, const std::vector<double>& times) {
  report.add(key, name, median(times), "us");
  report.add(key + "_p99", "  the slowest of a hundred", percentile(times, 0.99), "us");
}

// An application with a connection of its own.
class Direct {
 public:
  explicit Direct(const test::RedisServer& server)
      : context_(::redisConnectUnix(server.socket().c_str()), &::redisFree) {
    if (!context_ || context_->err != 0) throw std::runtime_error("no connection to redis-server");
  }
  void ping() const { free_reply(::redisCommand(context_.get(), "PING")); }
  void lock_and_release() const {
    free_reply(::redisCommand(context_.get(), "SET direct owner NX PX 60000"));
    free_reply(
        ::redisCommand(context_.get(), "EVAL %s 1 direct owner",
                       "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"));
  }

 private:
  static void free_reply(void* reply) {
    if (reply == nullptr) throw std::runtime_error("redis-server is gone");
    ::freeReplyObject(reply);
  }
  std::unique_ptr<redisContext, decltype(&::redisFree)> context_;
};

// From the moment of the release to the moment at which the waiter has the lock.
double hand_over(const BrokerFleet& fleet) {
  jeton::Lock held = fleet.lock("wake");
  held.lock();
  Clock::time_point woken;
  std::thread waiter([&] {
    jeton::Lock wanted = fleet.lock("wake");
    wanted.lock();
    woken = Clock::now();
    wanted.unlock();
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(5));  // it waits by then, or this round measures an acquisition
  const auto released = Clock::now();
  held.unlock();
  waiter.join();
  return std::chrono::duration<double, std::micro>(woken - released).count();
}

// The same through a server that does nothing.
double hand_over(const BareHandOver& bare) {
  Clock::time_point woken;
  std::thread waiter([&] {
    bare.wait();
    woken = Clock::now();
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const auto released = Clock::now();
  bare.give();
  waiter.join();
  return std::chrono::duration<double, std::micro>(woken - released).count();
}

void take_and_give_back(const BrokerFleet& fleet, const std::string& name) {
  jeton::Lock lock = fleet.lock(name);
  lock.lock();
  lock.unlock();
}

// Of one lock of a handle that has many, to the agent.
void cost_to_the_agent(Report& report, const BrokerFleet& fleet, jeton::Lock& lock, int locks) {
  const auto work = [&] {
    for (int i = 0; i < locks; ++i) {
      lock.lock();
      lock.unlock();
    }
  };
  const auto cpu = jeton::bench::cpu_us_of(fleet.pid(0), work);
  const auto calls = jeton::bench::system_calls_of(fleet.pid(0), work);
  if (cpu) report.add("agent_cpu", "processor time of the agent", *cpu / locks, "us");
  if (calls) report.add("agent_system_calls", "system calls of the agent", *calls / locks, "");
  if (cpu) report.result("agent_cpu", report["agent_cpu"]);
  if (calls) report.result("agent_system_calls", report["agent_system_calls"]);
}

double connections_of_agents(const test::RedisServer& server) {
  const std::string list = server.cli({"CLIENT", "LIST"});
  const std::string name = " name=jeton-agent ";
  int count = 0;
  for (std::size_t at = 0; (at = list.find(name, at)) != std::string::npos; at += name.size()) ++count;
  return count;
}

double resident_kib(int pid) {
  std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
  double size = 0;
  double resident = 0;
  statm >> size >> resident;
  return resident * 4;
}

void held_and_waiting(Report& report, const BrokerFleet& fleet, int locks) {
  report.section("an agent that holds " + std::to_string(locks) + " locks and keeps as many waiting");
  const int pid = fleet.pid(0);
  const double before = resident_kib(pid);
  std::vector<jeton::Lock> held;
  for (int i = 0; i < locks; ++i) {
    held.push_back(fleet.lock("many." + std::to_string(i)));
    held.back().lock();
  }
  const double with_held = resident_kib(pid);
  std::vector<jeton::Lock> waiting;
  for (int i = 0; i < locks; ++i) {
    waiting.push_back(fleet.lock("many." + std::to_string(i)));
    const jeton::Status started = waiting.back().start();
    if (!started.ok()) throw std::runtime_error("a waiter was refused: " + waiting.back().reason());
  }
  const double with_waiting = resident_kib(pid);
  std::vector<double> beside;
  for (int i = 0; i < 200; ++i) {
    const auto start = Clock::now();
    take_and_give_back(fleet, "beside");
    beside.push_back(us_since(start));
  }
  report.add("memory_of_held_lock", "memory of a lock that is held", (with_held - before) / locks, "KiB");
  report.add("memory_of_waiter", "memory of a waiter", (with_waiting - with_held) / locks, "KiB");
  add(report, "agent_lock_beside_many", "another lock, taken and given back", beside);
}

void uncontended_and_contended(Report& report, const BareHandOver& bare, const BrokerFleet& fleet, int rounds) {
  const Direct direct(fleet.server());
  std::vector<double> pings;
  std::vector<double> directs;
  std::vector<double> agents;
  std::vector<double> opened;
  std::vector<double> bares;
  std::vector<double> hand_overs;
  jeton::Lock kept = fleet.lock("kept");
  for (int round = -20; round < rounds; ++round) {  // all in turn; the first to warm up
    auto start = Clock::now();
    direct.ping();
    pings.push_back(us_since(start));
    start = Clock::now();
    direct.lock_and_release();
    directs.push_back(us_since(start));
    start = Clock::now();
    kept.lock();
    kept.unlock();
    agents.push_back(us_since(start));
    start = Clock::now();
    take_and_give_back(fleet, "bench");
    opened.push_back(us_since(start));
    if (round % 5 == 0) {
      bares.push_back(hand_over(bare));
      hand_overs.push_back(hand_over(fleet));
    }
    if (round < 0) {
      for (auto* times : {&pings, &directs, &agents, &opened, &bares, &hand_overs}) times->clear();
    }
  }
  report.section("a lock, taken and given back");
  add(report, "round_trip", "PING: one round trip to Redis", pings);
  add(report, "direct_lock", "Redis itself: SET NX PX, compare and delete", directs);
  add(report, "agent_lock", "through the agent: take, give back", agents);
  add(report, "agent_lock_opened", "through the agent: open, take, give back, close", opened);
  report.add("connections", "connections of the agent to Redis", connections_of_agents(fleet.server()), "");
  report.section("a waiter has the lock after the release");
  add(report, "bare_hand_over", "a unix socket server that does nothing", bares);
  add(report, "hand_over", "through the agent", hand_overs);
  report.result("hand_over", report["hand_over"] / report["bare_hand_over"]);
  report.result("agent_lock", report["agent_lock"] / report["direct_lock"]);
  report.result("connections", report["connections"]);
  cost_to_the_agent(report, fleet, kept, rounds);
}

}  // namespace

int main(int argc, char** argv) {
  int rounds = 1000;
  int locks = 600;  // one user holds and waits for 1250 at most
  std::string json_file = "broker_bench.json";
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--rounds") == 0) rounds = std::max(10, std::atoi(argv[i + 1]));
    if (std::strcmp(argv[i], "--locks") == 0) locks = std::max(1, std::atoi(argv[i + 1]));
    if (std::strcmp(argv[i], "--json") == 0) json_file = argv[i + 1];
  }
  try {
    const BareHandOver bare;  // before there are threads
    const BrokerFleet fleet(1);
    Report report;
    uncontended_and_contended(report, bare, fleet, rounds);
    held_and_waiting(report, fleet, locks);
    report.print_results();
    report.write(json_file);
    std::printf("\n%s written\n", json_file.c_str());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "jeton_broker_bench: %s\n", e.what());
    return 1;
  }
  return 0;
}
