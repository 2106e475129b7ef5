#include "tests/support/process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <sstream>
#include <stdexcept>

#include "tests/support/eventually.hpp"

extern char** environ;

namespace jeton::test {
namespace {

// A service manager or a container may have started the tests, and is not to hear from the programs under test.
const std::set<std::string> of_the_service_manager{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
                                                   "INVOCATION_ID", "LISTEN_FDS",    "LISTEN_PID"};

int decoded(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

struct Redirections {
  std::filesystem::path in, out, err;
};

void redirect(const std::filesystem::path& file, int flags, int to) {
  const int fd = ::open(file.c_str(), flags, 0600);
  if (fd < 0 || ::dup2(fd, to) < 0) ::_exit(126);
  ::close(fd);
}

// Only async-signal-safe calls: another thread of the test may have held a lock at the fork, such as one of
// AddressSanitizer's allocator, and here nothing would ever release it.
[[noreturn]] void become(std::vector<char*>& argv, std::vector<char*>& env, const ProcessOptions& options,
                         const Redirections& files) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that is killed leaves no process behind
  redirect(files.in, O_RDONLY, 0);
  redirect(files.out, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 1);
  redirect(files.err, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 2);
  // Sockets of Boost.Asio would be inherited, and stay open here when the test closes them.
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  const rlim_t cores = options.core_dumps ? RLIM_INFINITY : 0;
  const rlimit limit{cores, cores};
  ::setrlimit(RLIMIT_CORE, &limit);
  // Another user cannot come to the program if the tree is in a directory of its owner alone, such as /root.
  const int program = options.uid ? ::open(argv[0], O_PATH | O_CLOEXEC) : -1;
  if (!options.cwd.empty() && ::chdir(options.cwd.c_str()) != 0) ::_exit(126);
  if (options.gid && (::setgroups(1, &*options.gid) != 0 || ::setgid(*options.gid) != 0)) ::_exit(126);
  if (options.uid && ::setuid(*options.uid) != 0) ::_exit(126);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (program >= 0) ::execveat(program, "", argv.data(), env.data(), AT_EMPTY_PATH);
  ::execvpe(argv[0], argv.data(), env.data());
  ::_exit(127);
}

}  // namespace

Process::Process(std::vector<std::string> argv, ProcessOptions options) {
  files_.write("in", options.input);
  std::vector<std::string> env_text;
  for (char** e = environ; *e != nullptr; ++e) {
    const std::string entry = *e;
    const std::string name = entry.substr(0, entry.find('='));
    if (!options.env.contains(name) && !of_the_service_manager.contains(name)) env_text.push_back(entry);
  }
  for (const auto& [key, value] : options.env) env_text.push_back(key + "=" + value);
  std::vector<char*> args;
  for (std::string& a : argv) args.push_back(a.data());
  args.push_back(nullptr);
  std::vector<char*> env;
  for (std::string& e : env_text) env.push_back(e.data());
  env.push_back(nullptr);
  files_.write("out", "");
  files_.write("err", "");
  const Redirections redirections{files_.path() / "in", files_.path() / "out",
                                  options.err.empty() ? files_.path() / "err" : options.err};

  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
  if (pid_ == 0) become(args, env, options, redirections);
}

Process::~Process() {
#ifdef JETON_COVERAGE
  // One that is killed leaves no counts. The limit is for those that do not hear: stopped ones, and hanging ones.
  signal(SIGTERM);
  static_cast<void>(eventually([this] { return !running(); }, std::chrono::seconds(5)));
#endif
  kill();
}

bool Process::sleeps_as(const std::string& program) const {
  const std::string proc = "/proc/" + std::to_string(pid_);
  return read_file(proc + "/stat").find("(" + program + ") S ") != std::string::npos;
}

void Process::signal(int number) const {
  if (!status_) ::kill(pid_, number);
}

bool Process::running() {
  int status = 0;
  if (!status_ && ::waitpid(pid_, &status, WNOHANG) == pid_) status_ = decoded(status);
  return !status_;
}

int Process::wait(std::chrono::milliseconds limit) {
  if (!eventually([this] { return !running(); }, limit)) {
    const std::string said = out() + err();
    kill();
    throw std::runtime_error("process " + std::to_string(pid_) + " did not end; it said: " + said);
  }
  return *status_;
}

void Process::kill() {
  if (!running()) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  status_ = decoded(status);
}

std::string Process::out() const { return read_file(files_ / "out"); }

std::string Process::err() const { return read_file(files_ / "err"); }

RunResult run(std::vector<std::string> argv, ProcessOptions options, std::chrono::milliseconds limit) {
  Process process(std::move(argv), std::move(options));
  const int status = process.wait(limit);
  return {status, process.out(), process.err()};
}

std::vector<pid_t> noted_pids(const std::filesystem::path& file) {
  std::istringstream text(std::filesystem::exists(file) ? read_file(file) : "");
  std::vector<pid_t> pids;
  for (pid_t pid = 0; text >> pid;) pids.push_back(pid);
  return pids;
}

bool all_gone(const std::vector<pid_t>& pids) {
  return std::all_of(pids.begin(), pids.end(), [](pid_t pid) { return ::kill(pid, 0) != 0 && errno == ESRCH; });
}

}  // namespace jeton::test
