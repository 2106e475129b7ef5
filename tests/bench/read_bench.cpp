// Reading one token of 1 KiB: libjeton beside the least that can be done, and beside what people do instead.
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <jeton/jeton.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/interprocess/file_mapping.hpp>
#include <boost/interprocess/mapped_region.hpp>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <boost/interprocess/sync/scoped_lock.hpp>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>

#include "tests/bench/bench.hpp"
#include "tests/bench/segment_of_bench.hpp"
#include "tests/support/redis_server.hpp"

namespace jeton::bench {
namespace {

namespace bip = boost::interprocess;

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(std::string("benchmark: ") + what);
}

// A token the way one would share it without libjeton: a mutex and bytes in a mapped file.
struct LockedToken {
  bip::interprocess_mutex mutex;
  std::array<char, token_size> value;
};

class LockedMapping {
 public:
  explicit LockedMapping(const std::filesystem::path& file)
      : mapping_(file.c_str(), bip::read_write), region_(mapping_, bip::read_write) {
    token_ = new (region_.get_address()) LockedToken;
    token_->value.fill('x');
  }
  void read(char* to) {
    const bip::scoped_lock<bip::interprocess_mutex> lock(token_->mutex);
    std::memcpy(to, token_->value.data(), token_->value.size());
  }

 private:
  bip::file_mapping mapping_;
  bip::mapped_region region_;
  LockedToken* token_ = nullptr;
};

void read_file_once(const char* path, char* to) {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  require(::read(fd, to, token_size) == static_cast<ssize_t>(token_size), "short file");
  ::close(fd);
}

}  // namespace

std::vector<Figure> measure_reads(int rounds) {
  BenchSegment segment;
  const std::string directory = segment.directory();
  jeton_options options = JETON_OPTIONS_INIT;
  options.directory = directory.c_str();
  jeton_token* token = nullptr;
  jeton_reader* reader = nullptr;
  require(jeton_open(&options, "api", &token) == JETON_OK && jeton_reader_open(token, &reader) == JETON_OK, "open");

  alignas(64) static std::array<char, token_size> from;
  alignas(64) static std::array<char, 2 * token_size> to;
  from.fill('x');
  static std::atomic<std::uint64_t> word{1};

  const std::string plain_file = segment.dir().write("plain", std::string(token_size, 'x')).string();
  LockedMapping locked(segment.dir().write("locked", std::string(sizeof(LockedToken), '\0')));
  test::RedisServer server;
  const std::unique_ptr<redisContext, decltype(&::redisFree)> redis(::redisConnectUnix(server.socket().c_str()),
                                                                    &::redisFree);
  require(redis && redis->err == 0, "redis");
  const std::unique_ptr<void, decltype(&::freeReplyObject)> stored(
      ::redisCommand(redis.get(), "SET token %b", from.data(), from.size()), &::freeReplyObject);

  const std::vector<Case> cases = {
      {"one atomic load + CLOCK_REALTIME_COARSE", "load_and_clock", 20'000,
       [](std::uint64_t n) {
         timespec now = {};
         for (std::uint64_t i = 0; i < n; ++i) {
           keep(word.load(std::memory_order_acquire));
           ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
           keep(now);
         }
       }},
      {"jeton_current, unchanged", "current", 20'000,
       [&](std::uint64_t n) {
         const jeton_view* view = nullptr;
         for (std::uint64_t i = 0; i < n; ++i) {
           require(jeton_current(reader, &view) == JETON_OK, "current");
           keep(view);
         }
       }},
      {"memcpy of 1 KiB", "memcpy", 20'000,
       [](std::uint64_t n) {
         for (std::uint64_t i = 0; i < n; ++i) {
           std::size_t size = token_size;
           asm volatile("" : "+r"(size));  // a length that is not known before, as a token's
           std::memcpy(to.data(), from.data(), size);
           keep(to);
         }
       }},
      {"jeton_read of 1 KiB", "read", 20'000,
       [&](std::uint64_t n) {
         std::size_t size = 0;
         for (std::uint64_t i = 0; i < n; ++i) {
           require(jeton_read(token, to.data(), to.size(), &size, nullptr) == JETON_OK, "read");
           keep(to);
         }
       }},
      {"memcpy under a Boost interprocess_mutex", "interprocess_mutex", 20'000,
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
  std::vector<Figure> figures = measure(cases, rounds);
  jeton_reader_close(reader);
  jeton_close(token);
  return figures;
}

}  // namespace jeton::bench
