// The source of type `exec`: a command prints the token. The command has no shell, a clean environment and a deadline;
// no process that it starts outlives it (supervisor.hpp). One thread: the loop's.
#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/bounded_wait.hpp"
#include "agent/base/log.hpp"
#include "agent/config/text/values.hpp"
#include "agent/process/exec_run.hpp"
#include "agent/process/write_protection.hpp"
#include "agent/provider/answer/refusal.hpp"
#include "agent/provider/exec/exec_output.hpp"
#include "agent/provider/factory.hpp"
#include "agent/provider/secret_resolver.hpp"
#include "agent/provider/source_fingerprint.hpp"

namespace jeton::agent {
namespace {

using Kind = SourceError::Kind;

constexpr std::size_t shortest_secret_line = 8;  // bytes
// A plugin that finds no such variable may refuse to run, or ask on a terminal.
constexpr const char* exec_info =
    R"({"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":{"interactive":false}})";

// A secret of several lines, such as a PEM, would be logged line by line.
void add_lines_of_secrets(std::vector<SecretString>& secrets) {
  const std::vector<SecretString> whole = secrets;
  for (const SecretString& secret : whole) {
    std::string_view rest = secret.reveal();
    if (rest.find('\n') == std::string_view::npos) continue;
    while (!rest.empty()) {
      const std::string_view line = part_until(rest, '\n');
      if (line.size() >= shortest_secret_line && !line.starts_with("-----")) secrets.emplace_back(line);
    }
  }
}

// Errors that may pass by themselves: the host lacks a resource, or the program is being replaced.
Kind kind_of_errno(int error) {
  constexpr std::array passing{EAGAIN, ENOMEM, EMFILE, ENFILE, ETXTBSY, EIO, EINTR, ESTALE};
  return std::find(passing.begin(), passing.end(), error) == passing.end() ? Kind::permanent : Kind::transient;
}

// An exit status may have a rule, and so may a code that the command printed before it failed.
[[noreturn]] void refuse_exit(const ExecResult& result, const ExecSourceConfig& config, const std::string& words,
                              WallTime now, std::span<const SecretString> secrets) {
  const int status = result.report.value;
  const bool cannot_run = status == 126 || status == 127;
  const AnswerContent content = content_of(result.output.reveal(), config.response, now);
  const auto error = declared_error(content, config.response, secrets);
  const std::string code = error ? error->code : std::string{};
  const Kind otherwise = cannot_run ? Kind::permanent : Kind::transient;
  const Kind kind = kind_of_code(config.response.error_rules, code, status, otherwise);
  SourceError refusal(kind, config.command.front() + " ended with status " + std::to_string(status) +
                                (error ? " and printed " + error->words : "") +
                                (cannot_run ? ": a program that it runs is missing or cannot be executed" : "") +
                                words);
  refusal.set_refusal(error ? error->shown_code : std::string{}, status);
  throw SourceError(refusal);
}

// Throws for any end but exit status 0. `said`: the last line of its stderr.
void check_end(const ExecResult& result, const ExecSourceConfig& config, const std::string& said, WallTime now,
               std::span<const SecretString> secrets) {
  const std::string program = config.command.front();
  const std::string words = said.empty() ? "" : " (its last output: \"" + said + "\")";
  const int value = result.report.value;
  switch (result.end) {
    case ExecResult::End::timed_out:
      throw SourceError(Kind::transient, program + " did not end within source.timeout (" +
                                             format_duration(config.timeout) + ") and was killed" + words);
    case ExecResult::End::too_much_output:
      throw SourceError(Kind::transient, program + " printed more than response.max_body (" +
                                             format_size(config.response.max_body) + ") and was killed");
    case ExecResult::End::ended:
      break;
  }
  switch (result.report.kind) {
    case ExecReport::Kind::exited:
      if (value == 0) return;
      refuse_exit(result, config, words, now, secrets);
    case ExecReport::Kind::signalled:
      throw SourceError(Kind::transient, program + " was ended by signal " + std::to_string(value) + words);
    case ExecReport::Kind::no_directory:
      throw SourceError(
          kind_of_errno(value),
          "source.working_directory " + std::string(errno_error(config.working_directory.string(), value).what()));
    case ExecReport::Kind::not_executed:
      throw SourceError(kind_of_errno(value), std::string("cannot execute ") + errno_error(program, value).what() +
                                                  (value == EACCES || value == ENOENT || value == ENOEXEC
                                                       ? "; check the path, its mode and its interpreter (#!)"
                                                       : ""));
    case ExecReport::Kind::not_started:
      throw SourceError(Kind::transient, errno_error("cannot start " + program, value).what());
    case ExecReport::Kind::not_protected:
      throw SourceError(
          Kind::transient,
          errno_error("cannot withdraw the right to write the agent's state from " + program, value).what());
    case ExecReport::Kind::nothing_reported:
      throw SourceError(Kind::transient,
                        "it is not known how " + program + " ended: its supervisor was killed" + words);
  }
}

void say_once_that_nothing_is_protected() {
  static bool said = false;
  if (std::exchange(said, true)) return;
  log::warning(log::exec_unprotected,
               "commands of exec sources may write the agent's state and runtime directories: this kernel has no "
               "Landlock (Linux 5.13, and landlock in its lsm=), or the sandbox of the service refuses it");
}

class ExecSource final : public Source {
 public:
  ExecSource(const TokenConfig& token, const Immutable<ExecSourceConfig>& config, const SourceParts& parts)
      : name_(token.name),
        config_(config),
        capacity_(token.capacity),
        timers_(parts.timers),
        tokens_(parts.tokens),
        unwritable_(without_links(parts.agent_directories)) {
    if (!unwritable_.empty() && landlock_version() == 0) say_once_that_nothing_is_protected();
  }

  Task<FetchedToken> fetch(FetchContext /*context*/) override {
    const BootTime started_at = timers_.clock().boot_now();
    const std::string request = fingerprint();  // before a secret or the program is corrected while it runs
    std::vector<SecretString> secrets;
    std::unique_ptr<ExecRun> run;
    try {
      const ExecCommand wanted = command(secrets);
      run = std::make_unique<ExecRun>(timers_, wanted);
    } catch (const Error& e) {
      throw SourceError(Kind::transient, config_->command.front() + " cannot be run: " + e.what());
    }
    const ExecResult result = co_await run->finish();
    for (SecretString& secret : secrets_of_output(result.output.reveal(), config_))
      secrets.push_back(std::move(secret));
    try {
      FetchedToken token = token_of(result, wall_time_of(started_at, timers_.clock()), secrets);
      secrets.push_back(token.value);  // which may be short
      log_lines(result, secrets);
      co_return token;
    } catch (SourceError& e) {
      log_lines(result, secrets);
      e.set_request(request);
      throw;
    }
  }

  // It covers the program, its arguments and its environment: after the program was replaced, it differs.
  [[nodiscard]] std::string fingerprint() const override {
    try {
      std::vector<SecretString> secrets;
      SourceFingerprint all("exec");
      const ExecCommand wanted = command(secrets);
      for (const std::string& argument : wanted.argv) all.add(argument);
      all.add(wanted.directory);
      for (const SecretString& variable : wanted.environment) all.add(variable.reveal());
      if (const auto program = bounded_stat(config_->command.front())) {
        for (const auto number :
             {static_cast<std::int64_t>(program->st_ino), static_cast<std::int64_t>(program->st_size),
              static_cast<std::int64_t>(program->st_mode), std::int64_t{program->st_ctim.tv_sec},
              std::int64_t{program->st_ctim.tv_nsec}}) {
          all.add(std::to_string(number));
        }
      }
      all.add(std::to_string(static_cast<int>(config_->format)));
      all.add(config_->response, capacity_);
      return all.text();
    } catch (const Error&) {
      return {};
    }
  }

  // The program without its arguments.
  [[nodiscard]] std::string describe() const override { return config_->command.front(); }

 private:
  // PATH, HOME, LANG and the configured variables; nothing else of the agent's own environment.
  [[nodiscard]] ExecCommand command(std::vector<SecretString>& secrets) const {
    ExecCommand command;
    command.argv = config_->command;
    command.directory = config_->working_directory.string();
    command.unwritable = unwritable_;
    command.timeout = config_->timeout;
    command.max_output = config_->response.max_body;
    SecretResolver resolver(tokens_);
    for (const auto& [name, value] : config_->env) {
      const SecretString resolved = resolver.resolve(value, name);
      if (resolved.reveal().find('\0') != std::string_view::npos)
        throw Error("source.env." + name + " holds a NUL byte");
      add_variable(command, name, resolved.reveal());
    }
    const auto fall_back = [&](const std::string& name, std::string_view value) {
      if (!config_->env.contains(name)) add_variable(command, name, value);
    };
    for (const auto& [name, value] : usual_variables()) fall_back(name, value);
    if (config_->format == ExecSourceConfig::Format::kubernetes) fall_back("KUBERNETES_EXEC_INFO", exec_info);
    secrets = resolver.take_secrets();
    add_lines_of_secrets(secrets);
    return command;
  }

  [[nodiscard]] FetchedToken token_of(const ExecResult& result, WallTime started_at,
                                      std::span<const SecretString> secrets) const {
    check_end(result, config_, result.last_line.empty() ? "" : shown_line(result.last_line, secrets),
              timers_.clock().wall_now(), secrets);
    FetchedToken token = parse_exec_output(result.output.reveal(), config_, started_at, secrets);
    check_token(token, name_, capacity_, timers_.clock().wall_now());
    return token;
  }

  void log_lines(const ExecResult& result, std::span<const SecretString> secrets) const {
    for (const SecretString& line : result.lines) {
      log::info("the command printed to stderr", {{"token", name_}, {"line", shown_line(line, secrets)}});
    }
    if (result.lines_left_out > 0) {
      log::info("the command printed more lines to stderr",
                {{"token", name_}, {"lines_left_out", result.lines_left_out}});
    }
  }

  const std::string name_;
  const Immutable<ExecSourceConfig> config_;
  const std::size_t capacity_;
  Timers& timers_;
  const TokenValues& tokens_;
  const std::vector<std::string> unwritable_;
};

}  // namespace

std::unique_ptr<Source> make_source(const TokenConfig& token, const Immutable<ExecSourceConfig>& config,
                                    const SourceParts& parts) {
  return std::make_unique<ExecSource>(token, config, parts);
}

}  // namespace jeton::agent
