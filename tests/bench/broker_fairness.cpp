// jeton_broker_fairness [--hosts N] [--workers N] [--seconds N]: workers of several hosts that all want one lock, again
// and again. How often each got it, and how long each waited: nobody may starve.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/broker_fleet.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using jeton::bench::BrokerFleet;

struct Worker {
  std::size_t host;
  std::vector<double> waits_ms{};
};

void work(const BrokerFleet& fleet, Worker& worker, const std::atomic<bool>& over) {
  jeton::Lock lock = fleet.lock("contended", worker.host);
  while (!over) {
    const auto start = Clock::now();
    lock.lock();
    worker.waits_ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    lock.unlock();
  }
}

void report(const BrokerFleet& fleet, const std::vector<Worker>& workers) {
  std::vector<double> all;
  std::vector<double> turns;
  for (std::size_t host = 0; host < fleet.hosts(); ++host) {
    std::size_t of_host = 0;
    for (const Worker& worker : workers) {
      if (worker.host != host) continue;
      of_host += worker.waits_ms.size();
      turns.push_back(static_cast<double>(worker.waits_ms.size()));
      all.insert(all.end(), worker.waits_ms.begin(), worker.waits_ms.end());
    }
    std::printf("host %zu: %zu turns\n", host + 1, of_host);
  }
  std::sort(all.begin(), all.end());
  std::sort(turns.begin(), turns.end());
  const auto at = [&](double part) {
    return all.at(static_cast<std::size_t>(part * static_cast<double>(all.size() - 1)));
  };
  std::printf("turns of a worker: fewest %.0f, median %.0f, most %.0f\n", turns.front(), turns.at(turns.size() / 2),
              turns.back());
  std::printf("waited: p50 %.1f ms, p90 %.1f ms, p99 %.1f ms, longest %.1f ms\n", at(0.5), at(0.9), at(0.99),
              all.back());
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t hosts = 4;
  std::size_t workers_of_host = 4;
  int seconds = 10;
  for (int i = 1; i + 1 < argc; i += 2) {
    const auto count = static_cast<std::size_t>(std::max(1, std::atoi(argv[i + 1])));
    if (std::strcmp(argv[i], "--hosts") == 0) hosts = count;
    if (std::strcmp(argv[i], "--workers") == 0) workers_of_host = count;
    if (std::strcmp(argv[i], "--seconds") == 0) seconds = static_cast<int>(count);
  }
  const BrokerFleet fleet(hosts);
  std::vector<Worker> workers;
  for (std::size_t host = 0; host < hosts; ++host) workers.insert(workers.end(), workers_of_host, Worker{host});
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  for (Worker& worker : workers) threads.emplace_back([&] { work(fleet, worker, over); });
  std::this_thread::sleep_for(std::chrono::seconds(seconds));
  over = true;
  for (std::thread& thread : threads) thread.join();
  std::printf("%zu hosts, %zu workers each, %d s, 1 ms of work under the lock\n", hosts, workers_of_host, seconds);
  report(fleet, workers);
  return 0;
}
