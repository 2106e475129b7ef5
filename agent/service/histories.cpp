#include "agent/service/histories.hpp"

#include <cstdint>
#include <limits>
#include <optional>
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
// A hundred events, each with its text in JSON, where a character may take six bytes.
constexpr std::size_t largest_history = 512 * 1024;
constexpr std::uint64_t not_on_disk = std::numeric_limits<std::uint64_t>::max();  // no number of changes

// Nothing if it is missing.
std::optional<std::string> read_file(const std::filesystem::path& file) {
  return bounded(file.string(), [file]() -> std::optional<std::string> {
    const auto text = read_private_file(file, largest_history);
    if (!text) return std::nullopt;
    return std::string(text->reveal());
  });
}

void write_file(const std::filesystem::path& file, std::string text) {
  run_bounded(file.string(), [file, text = std::move(text)] {
    make_private_directory(file.parent_path());  // it may have been removed
    replace_private_file(file, SecretString(text), Durability::process);
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
  const auto [place, is_new] = entries_.try_emplace(name);
  if (!is_new) return place->second.history;
  try {
    restore(name, place->second);
  } catch (const std::exception& e) {
    complain(e);
  }
  return place->second.history;
}

void Histories::restore(const std::string& name, Entry& entry) {
  const std::optional<std::string> text = read_file(file_of(name));
  if (!text) return;
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
    complain(e);
  }
}

void Histories::write_due() {
  const BootTime now = clock_.boot_now();
  for (auto& [name, entry] : entries_) {
    if (entry.history.changes() == entry.written || now < entry.quiet_until) continue;
    static_cast<void>(write(name, entry));
    entry.quiet_until = now + write_pace;
  }
}

// The first failure ends it: the others are in the same directory, and each may take the time of a disk that hangs.
void Histories::write_all() {
  for (auto& [name, entry] : entries_) {
    if (entry.history.changes() != entry.written && !write(name, entry)) return;
  }
}

bool Histories::write(const std::string& name, Entry& entry) {
  try {
    write_file(file_of(name), history_json(name, entry.history.events(), clock_.wall_now()));
  } catch (const std::exception& e) {
    complain(e);
    return false;
  }
  entry.written = entry.history.changes();
  complained_ = false;
  return true;
}

void Histories::complain(const std::exception& failure) {
  if (std::exchange(complained_, true)) return;
  log::warning(log::history_not_kept,
               "the history of tokens cannot be kept on disk; it is in memory until the agent ends",
               {{"directory", directory_.string()}, {"error", failure.what()}});
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
