// A process that takes the updater lock of the token "t", works under it and publishes when it is told to: what the
// tests kill and stop. lock_holder SOCKET TTL_MS DIRECTORY
//
// Prints "acquired OWNER FENCE"; renews every third of the TTL and prints "renewed" or "lost"; publishes as soon as
// DIRECTORY/go exists, prints "stored" or "refused" and ends. Trouble with the server is printed as "error".
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "agent/base/boot_timers.hpp"
#include "agent/base/error.hpp"
#include "agent/base/random.hpp"
#include "agent/base/time.hpp"
#include "agent/fleet/redis/redis_backend.hpp"

namespace {

using namespace jeton::agent;
using namespace std::chrono_literals;

void say(const std::string& text) {
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

Record make_record(const Clock& clock, Generation generation) {
  Record record;
  record.generation = generation;
  record.value = SecretString("from the holder");
  record.issued_at = clock.wall_now();
  record.expires_at = record.issued_at + 1h;
  return record;
}

Task<> work(Coordinator& coordinator, Timers& timers, Duration ttl, std::filesystem::path go) {
  const std::string name = "t";
  const AcquireResult acquired = co_await coordinator.try_acquire(name, ttl);
  if (!acquired.lease) {
    say("busy");
    co_return;
  }
  Lease lease = *acquired.lease;
  say("acquired " + lease.owner + " " + std::to_string(lease.fence));
  BootTime renew_at = timers.clock().boot_now() + ttl / 3;
  while (!std::filesystem::exists(go)) {
    co_await sleep_for(timers, 5ms);
    if (timers.clock().boot_now() < renew_at) continue;
    renew_at = timers.clock().boot_now() + ttl / 3;
    const bool held = co_await coordinator.renew(name, lease);
    say(held ? "renewed" : "lost");
  }
  const Record record = make_record(timers.clock(), lease.fence);
  const PublishResult result = co_await coordinator.publish(name, record, lease);
  say(result.stored ? "stored" : "refused");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  boost::asio::io_context loop{1};
  const SystemClock clock;
  BootTimers timers(loop, clock);
  OsRandom random;
  RedisOptions options;
  options.connection.address.kind = redis::Address::Kind::unix_socket;
  options.connection.address.path = argv[1];
  options.connection.timeout = 20s;
  const Backends backends = make_redis_backends(timers, random, std::move(options));
  Coordinator& coordinator = *backends.coordinator;
  coordinator.start();
  boost::asio::co_spawn(loop, work(coordinator, timers, std::chrono::milliseconds(std::atoi(argv[2])), argv[3]),
                        [&](const std::exception_ptr& failure) {
                          if (failure) say("error");
                          coordinator.stop();
                          timers.stop();
                        });
  loop.run();
  return 0;
}
