// BlockingCalls: calls of the file system that the loop must not wait for: a disk may take its time to sync, and a
// mount whose server is gone never answers. One thread: the loop's; the calls themselves run elsewhere.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/base/timers.hpp"

namespace jeton::agent {

class BlockingCalls {
 public:
  BlockingCalls() = default;
  BlockingCalls(const BlockingCalls&) = delete;
  BlockingCalls& operator=(const BlockingCalls&) = delete;
  virtual ~BlockingCalls() = default;

  // Runs `work`, which owns everything that it uses, and returns when it has ended. Throws what it throws. `what` is
  // the file, and how messages begin.
  virtual Task<> run(std::string what, std::function<void()> work) = 0;
};

// Each call on a thread of its own. A call that does not answer in time is left behind, and so is a call whose caller
// is cancelled. No other call about the same file is made until it has ended: it could still write.
class ThreadedCalls final : public BlockingCalls {
 public:
  explicit ThreadedCalls(Timers& timers, Duration patience = std::chrono::seconds(10));
  ~ThreadedCalls() override;

  // Throws Error also if there is no answer in time, or no thread.
  Task<> run(std::string what, std::function<void()> work) override;

 private:
  struct Call;
  struct Busy;

  Timers& timers_;
  const Duration patience_;
  std::shared_ptr<Busy> busy_;
};

}  // namespace jeton::agent
