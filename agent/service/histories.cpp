#include "agent/service/histories.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/api/tokens/token_json.hpp"
#include "agent/base/bounded_wait.hpp"
#include "agent/base/environment.hpp"
#include "agent/base/error.hpp"
#include "agent/base/log.hpp"
#include "agent/base/private_file.hpp"

namespace jeton::agent {
namespace {

constexpr const char* history_folder = "history";
constexpr Duration write_pace = std::chrono::minutes(1);
// A loop that waits for more of them would be late for its tokens.
constexpr std::size_t most_files_at_once = 200;
// A hundred events, each with its text in JSON, where a character may take six bytes.
constexpr std::size_t largest_history = 512 * 1024;
constexpr std::uint64_t not_on_disk = std::numeric_limits<std::uint64_t>::max();  // no number of changes

// What became of some files: of each its text, or whether it was written; and the first failure.
struct ReadFiles {
  std::vector<std::optional<std::string>> texts;  // nothing: there is no such file
  std::string failure{};
};
struct WrittenFiles {
  std::vector<bool> written;
  std::string failure{};
};
struct HistoryFile {
  std::filesystem::path path;
  std::string text;
};

ReadFiles read_files(const std::filesystem::path& directory, std::vector<std::filesystem::path> files) {
  return bounded(directory.string(), [all = std::move(files)] {
    ReadFiles read;
    for (const std::filesystem::path& file : all) {
      std::optional<std::string>& text = read.texts.emplace_back();
      try {
        if (const auto found = read_private_file(file, largest_history)) text = std::string(found->reveal());
      } catch (const Error& e) {
        if (read.failure.empty()) read.failure = e.what();
      }
    }
    return read;
  });
}

WrittenFiles write_files(const std::filesystem::path& directory, std::vector<HistoryFile> files) {
  return bounded(directory.string(), [directory, all = std::move(files)] {
    make_private_directory(directory);  // it may have been removed
    WrittenFiles result;
    for (const HistoryFile& file : all) {
      result.written.push_back(false);
      try {
        replace_private_file(file.path, SecretString(file.text), Durability::process);
        result.written.back() = true;
      } catch (const Error& e) {
        if (result.failure.empty()) result.failure = e.what();
      }
    }
    return result;
  });
}

void remove_others(const std::filesystem::path& directory, const std::set<std::string>& names) {
  run_bounded(directory.string(), [directory, names] {
    std::vector<std::filesystem::path> others;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
         entry.increment(error)) {
      if (!names.contains(entry->path().stem().string())) others.push_back(entry->path());
    }
    std::error_code ignored;
    for (const std::filesystem::path& other : others) std::filesystem::remove(other, ignored);
  });
}

}  // namespace

TokenHistory& Histories::of(const std::string& name) {
  if (!entries_.contains(name)) restore({name});
  return entries_.at(name).history;
}

void Histories::restore(const std::set<std::string>& names) {
  std::vector<std::string> some;
  for (const std::string& name : names) {
    if (!entries_.contains(name)) some.push_back(name);
    if (some.size() == most_files_at_once) restore_some(std::exchange(some, {}));
  }
  if (!some.empty()) restore_some(some);
}

void Histories::restore_some(const std::vector<std::string>& names) {
  std::vector<std::filesystem::path> files;
  for (const std::string& name : names) {
    entries_.try_emplace(name);
    files.push_back(file_of(name));
  }
  try {
    const ReadFiles read = read_files(directory_, std::move(files));
    if (!read.failure.empty()) complain(read.failure);
    for (std::size_t i = 0; i < names.size(); ++i) restore_from(names[i], read.texts[i]);
  } catch (const Error& e) {
    complain(e.what());
  }
}

void Histories::restore_from(const std::string& name, const std::optional<std::string>& text) {
  if (!text) return;
  Entry& entry = entries_.at(name);
  ReadHistory earlier = read_history(*text);
  entry.history.restore(std::move(earlier.events));
  if (earlier.damage.empty()) return;
  keep_damaged(name, earlier.damage);
  entry.written = not_on_disk;
}

void Histories::keep_damaged(const std::string& name, const std::string& damage) {
  const std::filesystem::path file = file_of(name);
  const std::filesystem::path aside = directory_ / (name + ".damaged");
  std::string kept = aside.string();
  try {
    run_bounded(file.string(), [file, aside] { std::filesystem::rename(file, aside); });
  } catch (const std::exception& e) {
    kept = "no, the next write replaces it: " + std::string(e.what());
  }
  log::warning(log::history_damaged, "the history of a token is damaged; it goes on with what can be read",
               {{"token", name}, {"file", file.string()}, {"error", damage}, {"kept_as", kept}});
}

const TokenHistory* Histories::find(const std::string& name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second.history;
}

void Histories::prune_except(const std::set<std::string>& names) {
  std::erase_if(entries_, [&](const auto& entry) { return !names.contains(entry.first); });
  try {
    remove_others(directory_, names);
  } catch (const std::exception& e) {
    complain(e.what());
  }
}

// Each call goes on where the one before has ended, so that none of very many waits for ever.
void Histories::write_due() {
  const BootTime now = clock_.boot_now();
  std::vector<std::string> due;
  auto at = entries_.upper_bound(looked_at_last_);
  for (std::size_t left = entries_.size(); left > 0 && due.size() < most_files_at_once; --left, ++at) {
    if (at == entries_.end()) at = entries_.begin();
    auto& [name, entry] = *at;
    looked_at_last_ = name;
    if (entry.history.changes() == entry.written || now < entry.quiet_until) continue;
    due.push_back(name);
    entry.quiet_until = now + write_pace;
  }
  static_cast<void>(write(due));
}

// The first failure ends it: the others are in the same directory, and each may take the time of a disk that hangs.
void Histories::write_all() {
  std::vector<std::string> some;
  for (const auto& [name, entry] : entries_) {
    if (entry.history.changes() != entry.written) some.push_back(name);
    if (some.size() == most_files_at_once && !write(std::exchange(some, {}))) return;
  }
  static_cast<void>(write(some));
}

bool Histories::write(const std::vector<std::string>& names) {
  if (names.empty()) return true;
  std::vector<HistoryFile> files;
  for (const std::string& name : names) {
    files.push_back({file_of(name), history_json(name, entries_.at(name).history.events(), clock_.wall_now())});
  }
  std::string failure;
  try {
    const WrittenFiles result = write_files(directory_, std::move(files));
    for (std::size_t i = 0; i < names.size(); ++i) {
      Entry& entry = entries_.at(names[i]);
      if (result.written[i]) entry.written = entry.history.changes();
    }
    failure = result.failure;
  } catch (const std::exception& e) {
    failure = e.what();
  }
  if (!failure.empty()) {
    complain(failure);
    return false;
  }
  complained_ = false;
  return true;
}

void Histories::complain(const std::string& failure) {
  if (std::exchange(complained_, true)) return;
  log::warning(log::history_not_kept,
               "the history of tokens cannot be kept on disk; it is in memory until the agent ends",
               {{"directory", directory_.string()}, {"error", failure}});
}

std::filesystem::path history_dir_of(const AgentConfig& config) {
  const char* const of_unit = environment_variable("STATE_DIRECTORY");
  const bool has_state_dir = !config.state_dir.empty() || (of_unit != nullptr && *of_unit != '\0');
  if (!has_state_dir) return config.runtime_dir / history_folder;
  const std::filesystem::path state = state_dir_of(config);
  try {
    run_bounded(state.string(), [state] { make_private_directory(state); });
    return state / history_folder;
  } catch (const Error&) {
    return config.runtime_dir / history_folder;  // a token with a state reports it
  }
}

}  // namespace jeton::agent
