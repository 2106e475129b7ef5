#include "agent/outputs/hook.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/failpoint.hpp"
#include "agent/base/log.hpp"
#include "agent/jwt/digest.hpp"

namespace jeton::agent {
namespace {

constexpr BackoffLimits hook_pauses{std::chrono::seconds(2), std::chrono::minutes(5), std::chrono::seconds(1)};

std::string digest_text(const std::string& text) {
  return std::string(hex_encoded(digest_of(Digest::sha256, text).reveal(), HexCase::lower).reveal());
}

// Another one for every other on_change; short, for JSON.
std::string id_of(const HookConfig& config) {
  std::string text = std::to_string(config.timeout.count()) + '\n' + std::to_string(config.min_interval.count());
  if (const auto* command = std::get_if<CommandHook>(&config.action)) {
    for (const std::string& argument : command->argv) text += '\0' + argument;
  } else {
    text += '\n' + description_of(config);
  }
  return digest_text(text).substr(0, 16);
}

bool is_set(const std::filesystem::path& mark) {
  std::error_code ignored;
  return std::filesystem::exists(mark, ignored);
}

}  // namespace

std::filesystem::path mark_of(const OutputParts& parts, const std::filesystem::path& output) {
  return parts.directory / "outputs" / digest_text(output.string());
}

void remove_mark(const std::filesystem::path& mark) {
  std::error_code ignored;  // then the run is repeated after the next restart
  std::filesystem::remove(mark, ignored);
}

Hook::Hook(HookConfig config, const OutputParts& parts, SecretsOfHook secrets)
    : config_(std::move(config)),
      parts_(parts),
      secrets_(std::move(secrets)),
      wake_(parts_.timers),
      backoff_(hook_pauses, parts_.random) {
  status_.action = description_of(config_);
  status_.id = id_of(config_);
}

Hook::Writing::Writing(Hook& hook) : hook_(hook) { ++hook_.writing_; }

Hook::Writing::~Writing() {
  --hook_.writing_;
  hook_.wake_.notify();
}

void Hook::follow(const std::filesystem::path& mark) {
  if (!marks_.contains(mark)) wrote(false, mark, false);
}

void Hook::wrote(bool changed, const std::filesystem::path& mark, bool was_followed) {
  marks_.insert(mark);
  const bool is_served = running_ && was_followed;  // the run under way began with that mark
  due_ = due_ || (!retired_ && (changed || (!is_served && is_set(mark))));
  wake_.notify();
}

void Hook::retire(bool unused) {
  retired_ = unused;
  wake_.notify();
}

Task<> Hook::run() {
  for (;;) {
    if (retired_ && !due_ && writing_ == 0) {
      remove_marks();
      ended_ = true;
      co_return;
    }
    if (!due_ || writing_ > 0) {
      co_await wake_.wait();
    } else if (parts_.timers.clock().boot_now() < not_before_) {
      co_await wake_.wait_until(not_before_);
    } else {
      due_ = false;
      running_ = true;
      not_before_ = parts_.timers.clock().boot_now() + config_.min_interval;
      std::string failure;
      try {
        JETON_FAILPOINT("output.hook");
        co_await parts_.hooks.run(config_, known_secrets());
      } catch (const Error& e) {
        failure = e.what();
      }
      running_ = false;
      note(failure);
      parts_.changed.notify();
    }
  }
}

// The marks stay while a change since then may need them.
void Hook::note(const std::string& failure) {
  const Clock& clock = parts_.timers.clock();
  ++status_.runs;
  status_.last_run_at = clock.wall_now();
  const std::string before = std::exchange(status_.last_error, failure);
  if (!failure.empty()) {
    ++status_.failures;
    due_ = !retired_;
    not_before_ = std::max(not_before_, clock.boot_now() + backoff_.next());
    if (failure != before) {
      log::error(log::on_change_failed, "on_change failed; the program may still use the old token",
                 {{"action", status_.action}, {"error", failure}});
    }
    return;
  }
  backoff_.reset();
  if (!due_) remove_marks();
  log::info(log::on_change_done, before.empty() ? "on_change followed a change of outputs" : "on_change works again",
            {{"action", status_.action}});
}

// Its outputs have gone, and perhaps their tokens.
SecretsOfHook Hook::known_secrets() const { return retired_ ? SecretsOfHook{} : secrets_; }

void Hook::remove_marks() const {
  for (const std::filesystem::path& mark : marks_) remove_mark(mark);
}

HookStatus Hook::status() const {
  HookStatus status = status_;
  status.is_due = due_;
  return status;
}

}  // namespace jeton::agent
