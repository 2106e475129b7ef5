// Histories: the history of each token of this agent, over reloads and restarts: each in a file of its own, mode 0600,
// below the state directory if there is one, else below the runtime directory.
//
// A file is written when its token had events, once a minute at most, and at the end; an agent that is killed loses a
// minute, or more with thousands of tokens, because few files are written at a time. A file that cannot be read or
// written is reported once and tried again; it is not written before it was read, so that a slow disk costs no earlier
// events. A damaged one, which a power failure may leave, is reported, and kept beside as NAME.damaged until the next
// one or until the token is forgotten: unlike the files of tokens it has no secret. One thread: the loop's; a dead
// mount holds it up no longer than bounded_wait.hpp says.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>

#include "agent/base/time.hpp"
#include "agent/config/model/config.hpp"
#include "agent/refresh/token_history.hpp"

namespace jeton::agent {

class Histories {
 public:
  // `clock` outlives it. `patience`: after it a batch of files ends, before bounded_wait.hpp gives all of them up.
  Histories(std::filesystem::path directory, const Clock& clock,
            std::chrono::milliseconds patience = std::chrono::milliseconds(500))
      : directory_(std::move(directory)), clock_(clock), patience_(patience) {}

  // With the history of an earlier run, at the first call. Stays where it is until the token is forgotten.
  TokenHistory& of(const std::string& name);
  // The same of many tokens: it takes less time than a call for each. Files that a slow disk does not give at once are
  // read by write_due().
  void restore(const std::set<std::string>& names);
  // Null: there is no such token.
  [[nodiscard]] const TokenHistory* find(const std::string& name) const;
  // Forgets the other tokens, and removes their files.
  void prune_except(const std::set<std::string>& names);

  // Reads the files not read yet, and writes files that are due, a minute after their last try; call it every few
  // seconds.
  void write_due();
  // Writes all that has changed, in a few seconds at most.
  void write_all();

 private:
  struct Entry {
    TokenHistory history;
    bool is_restored = false;   // its file was read, or there is none
    std::uint64_t written = 0;  // TokenHistory::changes()
    BootTime quiet_until{};
  };
  void restore_some(std::span<const std::string> names);
  // How many were tried: the first ones.
  std::size_t restore_part(std::span<const std::string> names);
  void restore_from(const std::string& name, const std::optional<std::string>& text);
  // Out of the way of the next write.
  void keep_damaged(const std::string& name, const std::string& damage);
  // How many were tried: the first ones.
  std::size_t write(std::span<const std::string> names);
  [[nodiscard]] std::filesystem::path file_of(const std::string& name) const { return directory_ / (name + ".json"); }
  void complain(const std::string& failure);

  const std::filesystem::path directory_;
  const Clock& clock_;
  const std::chrono::milliseconds patience_;
  std::map<std::string, Entry> entries_;
  std::string looked_at_last_;  // by write_due()
  bool complained_ = false;
};

// Below agent.state_dir, or $STATE_DIRECTORY of the unit, which it makes if it is missing; or else below
// agent.runtime_dir.
[[nodiscard]] std::filesystem::path history_dir_of(const AgentConfig& config);

}  // namespace jeton::agent
