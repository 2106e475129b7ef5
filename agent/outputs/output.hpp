// Output: keeps one file in step with the tokens that its template names.
//
// It is written while all of them are valid, whenever one of them has changed, and at the start and at a reload if it
// is missing or another one. When one of them has expired, the file stays, or is removed (on_expiry: remove). A failure
// is logged and tried again with growing pauses. One thread: the loop's; the file itself is written elsewhere
// (blocking_calls.hpp).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/backoff.hpp"
#include "agent/base/event.hpp"
#include "agent/outputs/blocking_calls.hpp"
#include "agent/outputs/hook.hpp"
#include "agent/outputs/output_content.hpp"
#include "agent/outputs/output_file.hpp"

namespace jeton::agent {

class Output {
 public:
  Output(const OutputParts& parts, const std::filesystem::path& path);

  // Its configuration from now on; also of one that is running. `hook`: null without on_change.
  void configure(std::string token, OutputConfig config, std::shared_ptr<Hook> hook);
  // Until cancelled, or the end of an output that has left the configuration.
  Task<> run();
  // It has left the configuration: with on_expiry: remove the file is removed first.
  void retire();
  [[nodiscard]] bool ended() const { return ended_; }
  // A token, or the clock, has changed.
  void look_again() { wake_.notify(); }

  [[nodiscard]] const std::string& token() const { return token_; }
  [[nodiscard]] const OutputConfig& config() const { return config_; }
  [[nodiscard]] const HookMark& mark() const { return mark_; }
  [[nodiscard]] bool uses(const std::string& token) const;
  [[nodiscard]] OutputStatus status() const;
  // The secrets that must not appear in a log now.
  [[nodiscard]] std::vector<SecretString> secrets() const;

 private:
  // Of a token that was written. A later publication of the same token may have other attributes.
  struct Version {
    Generation publication = 0;
    WallTime expires_at;
    bool operator==(const Version&) const = default;
  };
  using Versions = std::vector<Version>;

  [[nodiscard]] std::vector<const Record*> records() const;
  [[nodiscard]] std::optional<Versions> valid_versions() const;
  [[nodiscard]] bool is_to_remove();
  [[nodiscard]] BootTime next_look() const;
  Task<> write(Versions versions);
  Task<> remove();
  // The common steps of a write and a removal; returns whether it went well.
  Task<bool> change(std::function<bool(const HookMark&)> work, OutputStatus::State state, Generation generation);
  void fail(const std::string& why);
  void succeed(OutputStatus::State state, bool changed);
  [[nodiscard]] const Clock& clock() const { return parts_.timers.clock(); }

  const OutputParts parts_;
  const HookMark mark_;
  std::string token_;
  OutputConfig config_;
  std::vector<std::string> names_;  // of the tokens: its own, and those that the template names
  std::shared_ptr<Hook> hook_;
  Event wake_;
  Backoff backoff_;
  OutputStatus status_;
  std::optional<Versions> written_;     // what the file has
  std::vector<SecretString> in_file_;   // the secrets of the last text
  std::vector<SecretString> replaced_;  // and of the one before: on_change may print what the program had until now
  bool removed_ = false;                // nothing is left to remove
  bool retired_ = false;
  bool ended_ = false;
  std::uint64_t configured_ = 0;  // how often
  BootTime not_before_{};
  std::optional<BootTime> missing_since_;  // there has been no record of one of the tokens
};

}  // namespace jeton::agent
