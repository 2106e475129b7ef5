// The command line of jetonctl lock.
#include <CLI/CLI.hpp>

#include "libclient/ctl/options.hpp"

namespace jeton::ctl {
namespace {

constexpr const char* statuses =
    "--dir and --format are allowed here too; see jetonctl --help.\n"
    "Exit status: 0 done, 1 usage or local error, 2 agent unreachable or refused,\n"
    "4 held by another owner, 5 not held by this owner.";
constexpr const char* run_statuses =
    "Exit status: that of CMD; 124 (or -E) held by another owner, 123 lock lost and CMD ended,\n"
    "125 jetonctl failed, 126 CMD cannot be run, 127 CMD not found.";

CLI::App* add_lock_command(CLI::App* lock, const char* name, const char* help, std::string& target) {
  CLI::App* command = lock->add_subcommand(name, help);
  command->fallthrough();
  command->footer(statuses);
  command->add_option("NAME", target, "The lock's name; a pattern under locks: must allow it")
      ->type_name("")
      ->required();
  return command;
}

void add_owner(CLI::App* command, std::string& owner, const char* help) {
  // A variable that is not set must not stand for another id.
  command->add_option("--owner", owner, help)->type_name("ID")->check([](const std::string& text) {
    return text.empty() ? "'' is not an owner id" : std::string();
  });
}

void add_metadata(CLI::App* command, std::string& metadata) {
  command->add_option("--metadata", metadata, "A text that lock show prints with the holder")->type_name("TEXT");
}

void add_run(CLI::App* lock, LockRunOptions& options, const std::vector<std::string>& words,
             std::optional<Command>& chosen) {
  CLI::App* run =
      add_lock_command(lock, "run", "Run a command while holding a lock: lock run NAME -- CMD", options.name);
  run->footer(run_statuses);
  add_duration(run, "--ttl", options.ttl, "How long the lock lasts after this host fails [30s]");
  add_duration(run, "--wait", options.wait, "Wait for the lock this long [do not wait]");
  add_duration(run, "--retry", options.retry, "Try again at this interval, besides at each release");
  add_duration(run, "--grace", options.grace, "Time from SIGTERM to SIGKILL when the lock is lost [10s]");
  run->add_option("--also", options.also, "One more lock; all locks are taken or none")
      ->type_name("NAME")
      ->allow_extra_args(false);
  add_metadata(run, options.metadata);
  run->add_flag("-q,--quiet", options.quiet, "Print nothing if another owner holds the lock");
  add_exit_status(run, "-E,--conflict-exit-code", options.busy_status,
                  "Exit status if another owner holds the lock [124]");
  run->callback([&options, &words, &chosen] {
    if (words.empty()) throw CLI::ValidationError("lock run", "there is no command; write it after --");
    options.command = words;
    chosen = options;
  });
}

}  // namespace

void add_lock_commands(CLI::App& app, LockDraft& draft, const std::vector<std::string>& command,
                       std::optional<Command>& chosen) {
  CLI::App* lock = app.add_subcommand("lock", "Take and release locks of the whole fleet");
  lock->fallthrough();
  lock->require_subcommand(1);
  add_run(lock, draft.run, command, chosen);

  LockAcquireOptions& wanted = draft.acquire;
  CLI::App* acquire = add_lock_command(lock, "acquire", "Take a lock that outlives this process", wanted.name);
  add_duration(acquire, "--ttl", wanted.ttl, "How long the lock lasts unless extended")->required();
  add_duration(acquire, "--wait", wanted.wait, "Wait for the lock this long [do not wait]");
  add_duration(acquire, "--retry", wanted.retry, "Try again at this interval, besides at each release");
  add_owner(acquire, wanted.owner, "The owner id [a new id]");
  add_metadata(acquire, wanted.metadata);
  acquire->callback([&] { chosen = wanted; });

  LockExtendOptions& longer = draft.extend;
  CLI::App* extend = add_lock_command(lock, "extend", "Replace the TTL of a lock", longer.name);
  add_owner(extend, longer.owner, "The owner id that acquire printed");
  extend->get_option("--owner")->required();
  add_duration(extend, "--ttl", longer.ttl, "The new TTL, from now on")->required();
  extend->callback([&] { chosen = longer; });

  LockReleaseOptions& given = draft.release;
  CLI::App* release = add_lock_command(lock, "release", "Release a lock", given.name);
  add_owner(release, given.owner, "The owner id that acquire printed");
  release->add_flag("--force", given.force, "Release it whatever its owner (admins only)");
  release->callback([&] {
    if (given.force != given.owner.empty()) throw CLI::ValidationError("lock release", "write --owner ID or --force");
    chosen = given;
  });

  LockShowOptions& asked = draft.show;
  CLI::App* show = add_lock_command(lock, "show", "Show who holds a lock", asked.name);
  show->callback([&] { chosen = asked; });
}

bool is_lock_run(const CLI::App& app) {
  const CLI::App* lock = app.get_subcommand("lock");
  return lock->parsed() && lock->get_subcommand("run")->parsed();
}

}  // namespace jeton::ctl
