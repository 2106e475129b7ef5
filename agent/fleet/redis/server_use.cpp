#include "agent/fleet/redis/server_use.hpp"

#include <utility>

namespace jeton::agent {
namespace {

class ReleaseListener final : public FleetListener {
 public:
  explicit ReleaseListener(std::function<void()> woken) : woken_(std::move(woken)) {}
  void hear(FleetEvent event) override {
    if (!std::holds_alternative<ReleaseEvent>(event) && !std::holds_alternative<GapEvent>(event)) return;
    const auto woken = woken_;  // the callee may end its listening
    woken();
  }

 private:
  std::function<void()> woken_;
};

}  // namespace

ServerUse::ServerUse(Servers servers) : servers_(std::move(servers)) {
  for (const auto& server : servers_) ++server->users_;
}

ServerUse::~ServerUse() {
  stop();
  for (const auto& server : servers_) {
    if (--server->users_ == 0) server->end();
  }
}

void ServerUse::start() {
  if (stopped_ || std::exchange(started_, true)) return;
  for (const auto& server : servers_) {
    if (server->started_++ == 0) server->start();
  }
}

void ServerUse::stop() {
  if (std::exchange(stopped_, true) || !started_) return;
  for (const auto& server : servers_) {
    if (--server->started_ == 0) server->stop();
  }
}

FleetListener* ReleaseListeners::set(const LockId& id, std::function<void()> woken) {
  if (!woken) {
    listeners_.erase(id.name);
    return nullptr;
  }
  return (listeners_[id.name] = std::make_unique<ReleaseListener>(std::move(woken))).get();
}

Subject TokenSubjects::of(const std::string& name) const {
  const auto found = terms_.find(name);
  return {Subject::Kind::token, name, found == terms_.end() ? TokenTerms{} : found->second};
}

std::vector<Subject> TokenSubjects::all() const {
  std::vector<Subject> subjects;
  for (const auto& [name, terms] : terms_) subjects.push_back({Subject::Kind::token, name, terms});
  return subjects;
}

}  // namespace jeton::agent
