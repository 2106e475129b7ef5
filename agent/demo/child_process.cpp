#include "agent/demo/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <utility>

#include "agent/base/error.hpp"

namespace jeton::agent::demo {
namespace {

constexpr int stop_patience_ms = 5'000;

// Between fork and exec: async-signal-safe calls only, because the demo has threads.
[[noreturn]] void become(const char* program, char* const* argv, int output, int caught, int null, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(127);  // it died before the line above
  ::setpgid(0, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGTERM, SIG_DFL);  // it ends by this
  ::dup2(null, STDIN_FILENO);
  ::dup2(caught == STDOUT_FILENO ? output : null, STDOUT_FILENO);
  ::dup2(caught == STDERR_FILENO ? output : null, STDERR_FILENO);
  ::execv(program, argv);
  ::execv("/proc/self/exe", argv);  // the file was replaced or removed meanwhile
  ::_exit(127);
}

}  // namespace

ChildProcess::ChildProcess(std::vector<std::string> arguments, int caught) {
  Pipe ends = make_pipe("pipe");
  stream_ = std::move(ends.read);
  ::fcntl(stream_.get(), F_SETFL, O_NONBLOCK);
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) throw errno_error("/dev/null");

  std::string name = "jeton-agent";
  std::vector<char*> argv{name.data()};
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  // Its real name, so that ps(1) does not call the children "exe".
  std::error_code ignored;
  const std::string program = std::filesystem::read_symlink("/proc/self/exe", ignored).string();
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw errno_error("fork");
  if (pid_ == 0) become(program.c_str(), argv.data(), ends.write.get(), caught, null.get(), parent);
}

ChildProcess::~ChildProcess() { stop(); }

const std::optional<std::string>& ChildProcess::end() {
  if (end_) return end_;
  int status = 0;
  const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
  if (ended == pid_) {
    end_ = WIFSIGNALED(status) ? "killed by signal " + std::to_string(WTERMSIG(status))
                               : "exit status " + std::to_string(WEXITSTATUS(status));
  } else if (ended < 0) {
    end_ = errno_error("its status is lost").what();
  }
  return end_;
}

void ChildProcess::stop() {
  if (end()) return;
  ::kill(pid_, SIGTERM);
  // SIGCHLD is blocked and handled elsewhere; a descriptor of the process becomes readable when it ends.
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  pollfd ended{process.get(), POLLIN, 0};
  while (process && ::poll(&ended, 1, stop_patience_ms) < 0 && errno == EINTR) {
  }
  if (end()) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  end_ = "killed";
}

}  // namespace jeton::agent::demo
