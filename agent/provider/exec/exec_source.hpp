// The source of type `exec`: a command prints the token. The command has no shell, a clean environment and a deadline;
// no process that it starts outlives it (supervisor.hpp). One thread: the loop's.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "agent/base/timers.hpp"
#include "agent/config/model/config.hpp"
#include "agent/process/exec_run.hpp"
#include "agent/provider/source.hpp"

namespace jeton::agent {

class ExecSource final : public Source {
 public:
  // Timers and tokens outlive the source. `unwritable`: directories that the command must not write below; where the
  // kernel cannot enforce it, the log says so once.
  ExecSource(std::string name, const Immutable<ExecSourceConfig>& config, std::size_t capacity, Timers& timers,
             const TokenValues& tokens, const std::vector<std::filesystem::path>& unwritable = {});

  Task<FetchedToken> fetch(FetchContext context) override;
  // The fingerprint covers the program, its arguments and its environment: after the program was replaced, it differs.
  [[nodiscard]] std::string fingerprint() const override;
  // The program without its arguments.
  [[nodiscard]] std::string describe() const override { return config_->command.front(); }

 private:
  [[nodiscard]] ExecCommand command(std::vector<SecretString>& secrets) const;
  [[nodiscard]] FetchedToken token_of(const ExecResult& result, WallTime started_at,
                                      std::span<const SecretString> secrets) const;
  void log_lines(const ExecResult& result, std::span<const SecretString> secrets) const;

  const std::string name_;
  const Immutable<ExecSourceConfig> config_;
  const std::size_t capacity_;
  Timers& timers_;
  const TokenValues& tokens_;
  std::vector<std::string> unwritable_;
};

}  // namespace jeton::agent
