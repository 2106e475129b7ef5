// The clients of a fleet in jeton_endurance: readers, event streams, lock users, and clients that are slow, hostile or
// too many. Each kind has a thread. They are counted, and what was not as promised is counted apart.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace jeton::endurance {

class Clients {
 public:
  // `directories`: the runtime_dir of each agent; they have a token by now.
  Clients(std::vector<std::filesystem::path> directories, std::size_t readers, std::size_t streams);
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;
  ~Clients() { stop(); }

  void stop();
  // By operation: "reads", "stream lines", "locks taken", ...
  [[nodiscard]] std::map<std::string, std::uint64_t> counts() const;

 private:
  void start(std::function<void()> work);
  void count(const std::string& operation, std::uint64_t times = 1);
  // False: it is over.
  [[nodiscard]] bool pause(std::chrono::milliseconds time) const;

  void read(std::size_t readers);
  void follow(std::size_t streams);
  void take_locks(std::size_t user);
  void disturb();

  std::vector<std::filesystem::path> directories_;
  std::atomic<bool> over_ = false;
  mutable std::mutex mutex_;
  std::map<std::string, std::uint64_t> counts_;
  std::vector<std::thread> threads_;
};

}  // namespace jeton::endurance
