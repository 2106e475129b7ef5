#include "agent/outputs/output.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/log.hpp"

namespace jeton::agent {
namespace {

constexpr BackoffLimits output_pauses{std::chrono::seconds(1), std::chrono::seconds(30),
                                      std::chrono::milliseconds(200)};
// So long after the start the fleet's record of a token may still be on its way.
constexpr Duration settling_time = std::chrono::minutes(1);
constexpr Duration shortest_look = std::chrono::milliseconds(10);  // of a timer that is rounded
constexpr Duration longest_look = std::chrono::hours(24);

BootTime end_of(const Record& record, const Clock& clock) {
  return std::min(boot_time_of(record.expires_at, clock), record.expires_boot);
}

}  // namespace

Output::Output(const OutputParts& parts, const std::filesystem::path& path)
    : parts_(parts), mark_(mark_of(parts, path)), wake_(parts.timers), backoff_(output_pauses, parts.random) {
  status_.path = path.string();
}

void Output::configure(std::string token, OutputConfig config, std::shared_ptr<Hook> hook) {
  retired_ = false;
  hook_ = std::move(hook);
  // Also if nothing has changed: somebody may have removed the file, or corrected the cause of a failure.
  written_.reset();
  removed_ = false;
  not_before_ = {};
  wake_.notify();
  if (token == token_ && config == config_) return;
  ++configured_;
  token_ = std::move(token);
  config_ = std::move(config);
  std::set<std::string> names = config_.content.others();
  names.erase(token_);
  names_.assign(names.begin(), names.end());
  names_.insert(names_.begin(), token_);
  missing_since_.reset();
}

void Output::retire() {
  retired_ = true;
  not_before_ = {};
  wake_.notify();
}

Task<> Output::run() {
  for (;;) {
    if (clock().boot_now() < not_before_) {
      co_await wake_.wait_until(not_before_);
      continue;
    }
    if (retired_ && (removed_ || !config_.remove_expired)) {
      ended_ = true;
      co_return;
    }
    auto versions = valid_versions();
    const bool to_remove = is_to_remove();
    if (to_remove) {
      co_await remove();
    } else if (versions && versions != written_) {
      co_await write(std::move(*versions));
    } else {
      co_await wake_.wait_until(next_look());
    }
  }
}

std::vector<const Record*> Output::records() const {
  std::vector<const Record*> found;
  for (const std::string& name : names_) found.push_back(parts_.tokens.record_of(name));
  return found;
}

// Nothing unless all tokens are valid.
std::optional<Output::Versions> Output::valid_versions() const {
  Versions versions;
  for (const Record* record : records()) {
    if (record == nullptr || record->blank() || !record->valid(clock())) return std::nullopt;
    versions.push_back({record->generation, record->expires_at});
  }
  return versions;
}

// A token of which nothing is known yet may be valid: only one that has expired, or stays unknown, ends the file.
bool Output::is_to_remove() {
  const auto all = records();
  const auto is_missing = [](const Record* record) { return record == nullptr || record->blank(); };
  const bool missing = std::any_of(all.begin(), all.end(), is_missing);
  if (!missing) missing_since_.reset();
  if (missing && !missing_since_) missing_since_ = clock().boot_now();
  if (!config_.remove_expired || removed_) return false;
  if (retired_) return true;
  if (missing) return clock().boot_now() >= *missing_since_ + settling_time;
  return !valid_versions();
}

BootTime Output::next_look() const {
  const BootTime now = clock().boot_now();
  BootTime look = now + longest_look;
  for (const Record* record : records()) {
    if (record != nullptr && record->valid(clock())) look = std::min(look, end_of(*record, clock()));
  }
  if (missing_since_ && config_.remove_expired && !removed_) look = std::min(look, *missing_since_ + settling_time);
  return std::max(look, now + shortest_look);
}

Task<> Output::write(Versions versions) {
  const auto text = std::make_shared<SecretString>();
  std::vector<SecretString> secrets;
  try {
    auto filled = fill_in(config_.content, token_, parts_.tokens);
    *text = std::move(filled.text);
    secrets = std::move(filled.secrets);
  } catch (const Error& e) {
    fail(status_.path + ": " + e.what());
    co_return;
  }
  const auto config = std::make_shared<const OutputConfig>(config_);
  std::function<bool(const HookMark&)> work = [config, text](const HookMark& mark) {
    return write_output(*config, *text, mark);
  };
  for (const Record* record : records()) secrets.push_back(record->value);
  const Generation generation = parts_.tokens.record_of(token_)->token_generation();
  const bool done = co_await change(std::move(work), OutputStatus::State::written, generation);
  if (!done) co_return;
  if (secrets != in_file_) replaced_ = std::exchange(in_file_, std::move(secrets));
  written_ = std::move(versions);
  removed_ = false;
}

Task<> Output::remove() {
  const auto config = std::make_shared<const OutputConfig>(config_);
  std::function<bool(const HookMark&)> work = [config](const HookMark& mark) { return remove_output(*config, mark); };
  const bool done = co_await change(std::move(work), OutputStatus::State::removed, 0);
  if (!done) co_return;
  written_.reset();
  removed_ = true;
}

Task<bool> Output::change(std::function<bool(const HookMark&)> work, OutputStatus::State state, Generation generation) {
  const std::shared_ptr<Hook> hook = hook_;  // a reload may give the output another one
  const std::uint64_t configured = configured_;
  std::optional<Hook::Writing> writing;
  bool was_followed = false;
  if (hook) {
    writing.emplace(*hook);
    was_followed = hook->leave(mark_);
  }
  const HookMark mark = hook ? mark_ : HookMark{};
  const auto changed = std::make_shared<bool>(false);
  std::function<void()> call = [work = std::move(work), mark, changed] { *changed = work(mark); };
  try {
    co_await parts_.calls.run(status_.path, std::move(call));
  } catch (const Error& e) {
    fail(e.what());
    co_return false;
  }
  status_.generation = generation;
  succeed(state, *changed);
  if (hook_) hook_->wrote(*changed, mark_, was_followed && hook_ == hook);
  co_return configured == configured_;  // one that was configured anew meanwhile is changed again
}

// Said once: a disk that stays full is tried again and again.
void Output::fail(const std::string& why) {
  ++status_.failures;
  status_.state = OutputStatus::State::failing;
  not_before_ = clock().boot_now() + backoff_.next();
  const bool is_new = why != status_.last_error;
  status_.last_error = why;
  if (is_new) {
    log::error(log::output_failed, "an output cannot be written; its file is as before, and is tried again",
               {{"token", token_}, {"path", status_.path}, {"error", why}});
  }
  parts_.changed.notify();
}

void Output::succeed(OutputStatus::State state, bool changed) {
  const bool failed_before = !std::exchange(status_.last_error, {}).empty();
  status_.state = state;
  backoff_.reset();
  if (changed) {
    ++status_.writes;
    status_.written_at = clock().wall_now();
  }
  if (changed || failed_before) {
    log::info(log::output_written,
              state == OutputStatus::State::removed ? "an output was removed" : "an output has the token",
              {{"token", token_}, {"path", status_.path}, {"generation", status_.generation}});
  }
  parts_.changed.notify();
}

bool Output::uses(const std::string& token) const {
  return std::find(names_.begin(), names_.end(), token) != names_.end();
}

OutputStatus Output::status() const {
  OutputStatus status = status_;
  if (hook_) status.on_change = hook_->status();
  return status;
}

std::vector<SecretString> Output::secrets() const {
  std::vector<SecretString> secrets = in_file_;
  secrets.insert(secrets.end(), replaced_.begin(), replaced_.end());
  for (const Record* record : records()) {
    if (record == nullptr) continue;
    secrets.push_back(record->value);
    if (record->previous) secrets.push_back(record->previous->value);
  }
  try {
    for (SecretString& secret : fill_in(config_.content, token_, parts_.tokens).secrets) {
      secrets.push_back(std::move(secret));
    }
  } catch (const Error&) {
    // A change that cannot be written was not written either.
  }
  return secrets;
}

}  // namespace jeton::agent
