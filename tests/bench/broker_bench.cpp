// jeton_broker_bench [--rounds N] [--locks N]: locks that applications take through the agent, beside what the same
// costs an application that speaks to Redis itself, all in one run: taking and giving back, waking a waiter, the
// agent's CPU time and system calls, memory, and an agent that holds many.
#include <hiredis/hiredis.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <jeton/client.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/bench.hpp"
#include "tests/bench/broker_fleet.hpp"
#include "tests/bench/process_cost.hpp"

namespace {

using jeton::bench::median;
using Clock = std::chrono::steady_clock;
namespace test = jeton::test;
using jeton::bench::BrokerFleet;

double us_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

double percentile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values.at(static_cast<std::size_t>(part * static_cast<double>(values.size() - 1)));
}

void print(const char* what, const std::vector<double>& times) {
  std::printf("%-58s p50 %8.1f us   p99 %8.1f us\n", what, median(times), percentile(times, 0.99));
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
double wake(const BrokerFleet& fleet) {
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

void print_cost(const char* what, std::optional<double> sum, int locks, const char* unit) {
  if (sum) {
    std::printf("%-58s %8.1f %s\n", what, *sum / locks, unit);
  } else {
    std::printf("%-58s not measured\n", what);
  }
}

// Of one lock that is taken and given back, to the agent: with a handle for each, and with one handle for all.
void cost_of_a_lock(const BrokerFleet& fleet, int locks) {
  const auto handle_for_each = [&] {
    for (int i = 0; i < locks; ++i) {
      jeton::Lock lock = fleet.lock("cost");
      lock.lock();
      lock.unlock();
    }
  };
  jeton::Lock one = fleet.lock("cost");
  const auto one_handle = [&] {
    for (int i = 0; i < locks; ++i) {
      one.lock();
      one.unlock();
    }
  };
  one_handle();  // to warm up
  using jeton::bench::cpu_us_of;
  using jeton::bench::system_calls_of;
  print_cost("the agent's CPU for a lock, a handle for each", cpu_us_of(fleet.pid(0), handle_for_each), locks, "us");
  print_cost("the agent's CPU for a lock, one handle (goal: 40)", cpu_us_of(fleet.pid(0), one_handle), locks, "us");
  print_cost("its system calls for a lock, a handle for each", system_calls_of(fleet.pid(0), handle_for_each), locks,
             "");
  print_cost("its system calls for a lock, one handle (goal: 16)", system_calls_of(fleet.pid(0), one_handle), locks,
             "");
}

double resident_kib(int pid) {
  std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
  double size = 0;
  double resident = 0;
  statm >> size >> resident;
  return resident * 4;
}

void held_and_waiting(const BrokerFleet& fleet, int locks) {
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
    jeton::Lock lock = fleet.lock("beside");
    lock.lock();
    lock.unlock();
    beside.push_back(us_since(start));
  }
  std::printf("%d locks held: %.1f KiB of the agent's memory each; %d waiting: %.1f KiB each\n", locks,
              (with_held - before) / locks, locks, (with_waiting - with_held) / locks);
  print("the agent, while it holds and keeps waiting so many", beside);
}

}  // namespace

int main(int argc, char** argv) {
  int rounds = 1000;
  int locks = 600;  // one user holds and waits for 1250 at most
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--rounds") == 0) rounds = std::max(10, std::atoi(argv[i + 1]));
    if (std::strcmp(argv[i], "--locks") == 0) locks = std::max(1, std::atoi(argv[i + 1]));
  }
  const BrokerFleet fleet(1);
  const Direct direct(fleet.server());

  std::vector<double> pings;
  std::vector<double> directs;
  std::vector<double> agents;
  std::vector<double> kepts;
  std::vector<double> wakes;
  jeton::Lock kept = fleet.lock("kept");
  for (int round = -20; round < rounds; ++round) {  // all in turn; the first to warm up
    auto start = Clock::now();
    direct.ping();
    pings.push_back(us_since(start));
    start = Clock::now();
    direct.lock_and_release();
    directs.push_back(us_since(start));
    start = Clock::now();
    {
      jeton::Lock lock = fleet.lock("bench");
      lock.lock();
      lock.unlock();
    }
    agents.push_back(us_since(start));
    start = Clock::now();
    kept.lock();
    kept.unlock();
    kepts.push_back(us_since(start));
    if (round % 10 == 0) wakes.push_back(wake(fleet));
    if (round < 0) {
      for (auto* times : {&pings, &directs, &agents, &kepts, &wakes}) times->clear();
    }
  }
  print("PING: one round trip to Redis", pings);
  print("Redis itself: SET NX PX, compare and delete", directs);
  print("through the agent: open, take, give back, close", agents);
  print("through the agent, one handle: take, give back", kepts);
  print("a waiter wakes after a release", wakes);
  std::printf("the agent costs %.0f us more (goal: 60); a waiter wakes within %.1f round trips (goal: 3)\n",
              median(agents) - median(directs), median(wakes) / median(pings));
  cost_of_a_lock(fleet, rounds);
  held_and_waiting(fleet, locks);
  return 0;
}
