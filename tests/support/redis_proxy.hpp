// RedisProxy: a connection to a redis-server that a test can break: in front of a real server, on a loopback port of
// its own, with a thread of its own. Faults between an agent and its Redis are made here, while the server works and
// the test can query it. All calls come from one thread, the test's.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace jeton::test {

// Part of the message that a release of a lock sends, and nothing else: the channel has "released" in its name.
inline constexpr const char* release_message = R"("type":"release")";

inline constexpr std::chrono::milliseconds slow_request{100};

class RedisProxy {
 public:
  enum class Mode {
    open,
    refused,    // open connections are ended, new ones at once
    deaf,       // requests arrive, answers wait here until it is open again, as TCP sends what was lost again
    held,       // requests wait here until it is open again; those of a connection that ended are lost
    slow,       // every request waits here for slow_request
    forgetful,  // the server forgets every script
  };

  explicit RedisProxy(std::uint16_t to);
  ~RedisProxy();
  RedisProxy(const RedisProxy&) = delete;
  RedisProxy& operator=(const RedisProxy&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::string url() const;
  // Sets the mode; it holds from the return of this call on.
  void set(Mode mode);
  // Holds the stream to replicas here until this ends; it is lost if their connections end.
  void hold_replication(bool held);
  // Whether a request with this text is among those that wait.
  [[nodiscard]] bool holds(const std::string& text) const;
  // The number of EVAL calls since the beginning whose script contains this text.
  [[nodiscard]] std::size_t scripts_sent(const std::string& text) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace jeton::test
