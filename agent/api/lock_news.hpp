// LockNews: which line of a lock's stream comes next, judged by the state of its session and by what the client has
// been told. States that were passed while a line was on its way are left out, except that nothing comes before
// "acquired" but "waiting". Sends nothing itself.
#pragma once

#include <cstdint>
#include <string>

#include "agent/locks/lock_session.hpp"

namespace jeton::agent {

class LockNews {
 public:
  // Outlives it.
  explicit LockNews(const LockSession& session) : session_(session) {}

  // The event to tell now; null: none. It stays the next one until told().
  [[nodiscard]] const char* next() const;
  void told(const char* event);
  // A client that reads nothing may be spared it: what comes later says the same and more.
  [[nodiscard]] static bool can_wait(const char* event);
  // Nothing more will come, when this one is told.
  [[nodiscard]] bool is_over() const;

 private:
  const LockSession& session_;
  bool any_ = false;
  bool acquired_ = false;
  bool asked_to_end_ = false;
  std::uint64_t renewals_ = 0;
  std::string trouble_;  // that was told; a renewal ends it
};

}  // namespace jeton::agent
