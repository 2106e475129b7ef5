// jetonctl: reads tokens and asks the agent (man page jetonctl(1)). Runs the command of its command line.
#include <exception>
#include <iostream>
#include <sstream>

#include "libclient/ctl/command_line.hpp"
#include "libclient/ctl/output.hpp"
#include "libclient/ctl/segments.hpp"

namespace jeton::ctl {
namespace {

struct Run {
  const Common& common;

  Exit operator()(const GetOptions& options) const { return run_get(common, options); }
  Exit operator()(const StatusOptions& options) const { return run_status(common, options); }
  Exit operator()(const DoctorOptions& options) const { return run_doctor(common, options); }
  Exit operator()(const HistoryOptions& options) const { return run_history(common, options); }
  Exit operator()(const NamesOptions& options) const { return run_names(common, options); }
  Exit operator()(const LogLevelOptions& options) const { return run_log_level(common, options); }
  Exit operator()(const WatchOptions& options) const { return run_watch(common, options); }
  Exit operator()(const WaitOptions& options) const { return run_wait(common, options); }
  Exit operator()(const RejectedOptions& options) const { return run_rejected(common, options); }
  Exit operator()(const RefreshOptions& options) const { return run_refresh(common, options); }
  Exit operator()(const ExecOptions& options) const { return run_exec(common, options); }
  Exit operator()(const LockRunOptions& options) const { return run_lock_run(common, options); }
  Exit operator()(const LockAcquireOptions& options) const { return run_lock_acquire(common, options); }
  Exit operator()(const LockExtendOptions& options) const { return run_lock_extend(common, options); }
  Exit operator()(const LockReleaseOptions& options) const { return run_lock_release(common, options); }
  Exit operator()(const LockShowOptions& options) const { return run_lock_show(common, options); }
};

Exit run(int argc, char** argv, const InheritedState& inherited) {
  std::ostringstream help;
  const CommandLine line = parse_command_line(argc, argv, help, std::cerr);
  try {
    write_out(help.str());
    if (!line.command) return line.exit;
    const Common common{runtime_dir(line.dir), line.format, inherited};
    return std::visit(Run{common}, *line.command);
  } catch (const Failure& failure) {
    if (*failure.what() != '\0') say(failure.what());
    return failure.exit();
  } catch (const std::exception& e) {
    say(e.what());
    return Exit::error;
  }
}

}  // namespace
}  // namespace jeton::ctl

int main(int argc, char** argv) {
  const jeton::ctl::InheritedState inherited;
  jeton::ctl::prepare_process();
  return static_cast<int>(jeton::ctl::run(argc, argv, inherited));
}
