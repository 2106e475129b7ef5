// ScriptedAgent: an agent that answers as a script says. Each connection is a call of `serve`, one after another.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "agent/base/unique_fd.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::test {

class ScriptedAgent {
 public:
  // What the client sends next; empty: it has ended its side.
  static std::string hear(int client) {
    std::array<char, 8192> bytes;
    const ssize_t size = ::recv(client, bytes.data(), bytes.size(), 0);
    return {bytes.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
  }
  static void say(int client, std::string_view text) { ::send(client, text.data(), text.size(), MSG_NOSIGNAL); }
  static std::string chunk(const std::string& line) {
    std::array<char, 16> digits;
    std::snprintf(digits.data(), digits.size(), "%zx\r\n", line.size());
    return digits.data() + line + "\r\n";
  }
  // The head of a stream and its first event.
  static std::string granted(const char* connection) {
    return std::string("HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: ") + connection +
           "\r\nTransfer-Encoding: chunked\r\n\r\n" +
           chunk(R"({"event":"acquired","name":"job","owner":"me","fence":7,"valid_until_boot_ms":9000000000000000})"
                 "\n");
  }
  static std::string released() { return chunk("{\"event\":\"released\"}\n") + "0\r\n\r\n"; }

  explicit ScriptedAgent(std::function<void(int client, int connection)> serve) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, (dir_ / "agent.sock").c_str(), sizeof address.sun_path - 1);
    listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_.get(), 8), 0);
    thread_ = std::thread([this, serve = std::move(serve)] {
      for (int number = 0;; ++number) {
        const agent::UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!client) return;
        ++connections_;
        serve(client.get(), number);
      }
    });
  }
  ScriptedAgent(const ScriptedAgent&) = delete;
  ScriptedAgent& operator=(const ScriptedAgent&) = delete;
  ~ScriptedAgent() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }

  [[nodiscard]] const std::filesystem::path& directory() const { return dir_.path(); }
  [[nodiscard]] int connections() const { return connections_; }

 private:
  TempDir dir_;
  agent::UniqueFd listener_;
  std::atomic<int> connections_{0};
  std::thread thread_;
};

}  // namespace jeton::test
