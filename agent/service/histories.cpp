#include "agent/service/histories.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
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
// The end of the agent waits no longer for a slow disk.
constexpr Duration longest_end = std::chrono::seconds(3);

// The results of the first of some files, and the first failure. A slow disk does not serve all of them in time.
struct ReadFile {
  bool failed = false;
  std::optional<std::string> text{};  // nothing: there is no such file
};
struct ReadFiles {
  std::vector<ReadFile> files;
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

// One at least.
template <typename File, typename Serve>
void serve_in_time(const std::vector<File>& files, std::chrono::milliseconds time, const Serve& serve) {
  const auto until = std::chrono::steady_clock::now() + time;
  for (const File& file : files) {
    serve(file);
    if (std::chrono::steady_clock::now() >= until) return;
  }
}

ReadFiles read_files(const std::filesystem::path& directory, std::vector<std::filesystem::path> files,
                     std::chrono::milliseconds time) {
  return bounded(directory.string(), [all = std::move(files), time] {
    ReadFiles read;
    serve_in_time(all, time, [&read](const std::filesystem::path& file) {
      ReadFile& one = read.files.emplace_back();
      try {
        if (const auto found = read_private_file(file, largest_history)) one.text = std::string(found->reveal());
      } catch (const Error& e) {
        one.failed = true;
        if (read.failure.empty()) read.failure = e.what();
      }
    });
    return read;
  });
}

WrittenFiles write_files(const std::filesystem::path& directory, std::vector<HistoryFile> files,
                         std::chrono::milliseconds time) {
  return bounded(directory.string(), [directory, all = std::move(files), time] {
    make_private_directory(directory);  // it may have been removed
    WrittenFiles result;
    serve_in_time(all, time, [&result](const HistoryFile& file) {
      result.written.push_back(false);
      try {
        replace_private_file(file.path, SecretString(file.text), Durability::process);
        result.written.back() = true;
      } catch (const Error& e) {
        if (result.failure.empty()) result.failure = e.what();
      }
    });
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
  std::vector<std::string> fresh;
  for (const std::string& name : names) {
    if (entries_.try_emplace(name).second) fresh.push_back(name);
  }
  restore_some(fresh);
}

// In parts, until one is not read whole: write_due() goes on with the rest.
void Histories::restore_some(std::span<const std::string> names) {
  while (!names.empty()) {
    const auto part = names.first(std::min(names.size(), most_files_at_once));
    const std::size_t tried = restore_part(part);
    if (tried < part.size()) return;
    names = names.subspan(tried);
  }
}

std::size_t Histories::restore_part(std::span<const std::string> names) {
  std::vector<std::filesystem::path> files;
  for (const std::string& name : names) files.push_back(file_of(name));
  try {
    const ReadFiles read = read_files(directory_, std::move(files), patience_);
    if (!read.failure.empty()) complain(read.failure);
    for (std::size_t i = 0; i < read.files.size(); ++i) {
      Entry& entry = entries_.at(names[i]);
      entry.is_restored = !read.files[i].failed;
      if (!entry.is_restored) entry.quiet_until = clock_.boot_now() + write_pace;
      restore_from(names[i], read.files[i].text);
    }
    return read.files.size();
  } catch (const Error& e) {
    complain(e.what());
    return 0;
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
  std::vector<std::string> unread;
  std::vector<std::string> due;
  auto at = entries_.upper_bound(looked_at_last_);
  for (std::size_t left = entries_.size(); left > 0 && unread.size() + due.size() < most_files_at_once; --left, ++at) {
    if (at == entries_.end()) at = entries_.begin();
    auto& [name, entry] = *at;
    looked_at_last_ = name;
    if (now < entry.quiet_until) continue;
    if (!entry.is_restored) {
      unread.push_back(name);
    } else if (entry.history.changes() != entry.written) {
      due.push_back(name);
      entry.quiet_until = now + write_pace;
    }
  }
  restore_some(unread);
  write(due);
}

// In parts. If the disk does not answer in time, the others are left: each part may take as long.
void Histories::write_all() {
  const auto changed = [this](bool restored) {
    std::vector<std::string> names;
    for (const auto& [name, entry] : entries_) {
      if (entry.is_restored == restored && entry.history.changes() != entry.written) names.push_back(name);
    }
    return names;
  };
  const BootTime until = clock_.boot_now() + longest_end;
  restore_some(changed(false));
  const std::vector<std::string> names = changed(true);
  std::span<const std::string> left(names);
  while (!left.empty() && clock_.boot_now() < until) {
    const std::size_t tried = write(left.first(std::min(left.size(), most_files_at_once)));
    if (tried == 0) return;
    left = left.subspan(tried);
  }
}

std::size_t Histories::write(std::span<const std::string> names) {
  if (names.empty()) return 0;
  std::vector<HistoryFile> files;
  for (const std::string& name : names) {
    files.push_back({file_of(name), history_json(name, entries_.at(name).history.events(), clock_.wall_now())});
  }
  try {
    const WrittenFiles result = write_files(directory_, std::move(files), patience_);
    for (std::size_t i = 0; i < result.written.size(); ++i) {
      Entry& entry = entries_.at(names[i]);
      if (result.written[i]) entry.written = entry.history.changes();
    }
    if (!result.failure.empty()) {
      complain(result.failure);
    } else if (std::all_of(entries_.begin(), entries_.end(), [](const auto& one) { return one.second.is_restored; })) {
      complained_ = false;
    }
    return result.written.size();
  } catch (const std::exception& e) {
    complain(e.what());
    return 0;
  }
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
