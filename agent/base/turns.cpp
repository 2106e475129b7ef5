#include "agent/base/turns.hpp"

#include <utility>

namespace jeton::agent {

Turns::Turn::Turn(std::shared_ptr<Lines> lines, Timers& timers, std::string key)
    : lines_(std::move(lines)), key_(std::move(key)), wake_(timers) {
  (*lines_)[key_].push_back(this);
}

Turns::Turn::~Turn() {
  const auto line = lines_->find(key_);
  const bool had_come = has_come();
  line->second.remove(this);
  if (line->second.empty()) {
    lines_->erase(line);
  } else if (had_come) {
    line->second.front()->wake_.notify();
  }
}

Task<std::shared_ptr<Turns::Turn>> Turns::wait(std::string key, BootTime deadline) {
  return wait_in(lines_, timers_, std::move(key), deadline);
}

Task<std::shared_ptr<Turns::Turn>> Turns::wait_in(std::shared_ptr<Lines> lines, Timers& timers, std::string key,
                                                  BootTime deadline) {
  const auto turn = std::make_shared<Turn>(std::move(lines), timers, std::move(key));
  bool in_time = true;
  while (!turn->has_come() && in_time) in_time = co_await turn->wake_.wait_until(deadline);
  if (!turn->has_come()) co_return nullptr;
  co_return turn;
}

}  // namespace jeton::agent
