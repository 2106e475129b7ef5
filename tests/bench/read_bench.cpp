// Reading one token of 1 KiB: libjeton beside the least that can be done, and beside what people do instead.
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <memory>

#include "tests/bench/locked_token.hpp"
#include "tests/bench/sections.hpp"
#include "tests/support/redis_server.hpp"

namespace jeton::bench {
namespace {

void read_file_once(const char* path, char* to) {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  require(::read(fd, to, token_size) == static_cast<ssize_t>(token_size), "short file");
  ::close(fd);
}

void add_results(Report& r) {
  r.result("current", r["current"] / r["load_and_clock"]);
  r.result("read", r["read"], 1.5 * r["memcpy"] + 5);
  r.result("redis_get_to_current", r["redis_get"] / r["current"]);
  r.result("redis_get_to_read", r["redis_get"] / r["read"]);
  r.result("file_to_read", r["file"] / r["read"]);
}

}  // namespace

void bench_read(Report& report) {
  report.section("one reader, a token of 1 KiB, nothing changes");
  const BenchSegment segment;
  const BenchReader handles(segment.directory());
  jeton_token* const token = handles.token();
  jeton_reader* const reader = handles.reader();

  alignas(64) static std::array<char, token_size> from;
  alignas(64) static std::array<char, 2 * token_size> to;
  from.fill('x');
  static std::atomic<std::uint64_t> word{1};

  const std::string plain_file = segment.dir().write("plain", std::string(token_size, 'x')).string();
  LockedToken locked(segment.dir());
  test::RedisServer server;
  const std::unique_ptr<redisContext, decltype(&::redisFree)> redis(::redisConnectUnix(server.socket().c_str()),
                                                                    &::redisFree);
  require(redis && redis->err == 0, "redis");
  const std::unique_ptr<void, decltype(&::freeReplyObject)> stored(
      ::redisCommand(redis.get(), "SET token %b", from.data(), from.size()), &::freeReplyObject);

  const std::vector<Case> cases = {
      {"one atomic load + CLOCK_REALTIME_COARSE", "load_and_clock", 10'000,
       [](std::uint64_t n) {
         timespec now = {};
         for (std::uint64_t i = 0; i < n; ++i) {
           keep(word.load(std::memory_order_acquire));
           ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
           keep(now);
         }
       }},
      {"jeton_current, unchanged", "current", 10'000,
       [&](std::uint64_t n) {
         const jeton_view* view = nullptr;
         for (std::uint64_t i = 0; i < n; ++i) {
           if (jeton_current(reader, &view) != JETON_OK) return require(false, "current");
           keep(view);
         }
       }},
      {"memcpy of 1 KiB", "memcpy", 10'000,
       [](std::uint64_t n) {
         for (std::uint64_t i = 0; i < n; ++i) {
           std::size_t size = token_size;
           asm volatile("" : "+r"(size));  // a length that is not known before, as a token's
           std::memcpy(to.data(), from.data(), size);
           keep(to);
         }
       }},
      {"jeton_read of 1 KiB", "read", 10'000,
       [&](std::uint64_t n) {
         std::size_t size = 0;
         for (std::uint64_t i = 0; i < n; ++i) {
           if (jeton_read(token, to.data(), to.size(), &size, nullptr) != JETON_OK) return require(false, "read");
           keep(to);
         }
       }},
      {"jeton_read of 1 KiB with its jeton_info", "read_with_info", 10'000,
       [&](std::uint64_t n) {
         std::size_t size = 0;
         jeton_info info = JETON_INFO_INIT;
         for (std::uint64_t i = 0; i < n; ++i) {
           if (jeton_read(token, to.data(), to.size(), &size, &info) != JETON_OK) return require(false, "read");
           keep(to);
         }
       }},
      {"memcpy under a Boost interprocess_mutex, alone", "interprocess_mutex", 10'000,
       [&](std::uint64_t n) {
         for (std::uint64_t i = 0; i < n; ++i) {
           locked.read(to.data());
           keep(to);
         }
       }},
      {"open, read, close of a tmpfs file", "file", 500,
       [&](std::uint64_t n) {
         for (std::uint64_t i = 0; i < n; ++i) read_file_once(plain_file.c_str(), to.data());
       }},
      {"GET from redis-server, unix socket, hiredis", "redis_get", 50,
       [&](std::uint64_t n) {
         for (std::uint64_t i = 0; i < n; ++i) {
           auto* reply = static_cast<redisReply*>(::redisCommand(redis.get(), "GET token"));
           require(reply != nullptr && reply->type == REDIS_REPLY_STRING && reply->len == token_size, "GET");
           ::freeReplyObject(reply);
         }
       }},
  };
  report.add(cases, measure(cases, 1001));
  add_results(report);
}

}  // namespace jeton::bench
