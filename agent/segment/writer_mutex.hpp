// WriterMutex: excludes writers of segments from each other. A Boost interprocess_mutex in `writer.mutex`, a file of
// the agent that no reader can open, so that no reader can block the agent.
//
// The holder of `agent.lock` (RuntimeDir) creates the mutex again at every start, so a mutex that a killed agent left
// locked is not used again. If its owner is dead nevertheless, or does not release it within a second, it is created
// again with a warning. Throws Error.
#pragma once

#include <filesystem>
#include <memory>

namespace jeton::agent {

class WriterMutex {
 public:
  explicit WriterMutex(std::filesystem::path file);
  ~WriterMutex();

  class [[nodiscard]] Guard {
   public:
    explicit Guard(WriterMutex& mutex) : mutex_(mutex) { mutex_.lock(); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    ~Guard() { mutex_.unlock(); }

   private:
    WriterMutex& mutex_;
  };

 private:
  class Mapped;
  void lock();
  void unlock() noexcept;

  std::filesystem::path file_;
  std::unique_ptr<Mapped> mapped_;
};

}  // namespace jeton::agent
