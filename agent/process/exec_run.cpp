#include "agent/process/exec_run.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstring>

#include "agent/base/environment.hpp"
#include "agent/base/error.hpp"
#include "agent/base/event.hpp"
#include "agent/base/excerpt.hpp"
#include "agent/base/unique_fd.hpp"

namespace jeton::agent {
namespace {

namespace asio = boost::asio;

constexpr Duration exec_grace = std::chrono::seconds(2);  // between SIGTERM and SIGKILL
// After SIGKILL the end is a matter of milliseconds; a process that hangs in the kernel is left to the supervisor.
constexpr Duration kill_patience = std::chrono::seconds(3);
constexpr std::size_t max_error_lines = 20;
constexpr std::size_t max_error_line = 4096;  // bytes
constexpr const char* clean_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// The command's 0, 1 and 2 are set in the child, so nothing else may be there.
UniqueFd above_standard(UniqueFd fd) {
  if (fd.get() > STDERR_FILENO) return fd;
  UniqueFd higher(::fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!higher) throw errno_error("cannot run a command");
  return higher;
}

Pipe make_high_pipe() {
  Pipe made = make_pipe("cannot run a command: pipe");
  made.read = above_standard(std::move(made.read));
  made.write = above_standard(std::move(made.write));
  return made;
}

// A signal in the child before it blocks them all would be handled as one to the agent.
pid_t fork_without_signals() {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  const int error = errno;
  if (pid != 0) ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return pid;
}

}  // namespace

// Held by shared_ptr: reads that are under way in the loop outlive the run by a turn, and the reaper by as long as it
// takes.
struct ExecRun::Impl : std::enable_shared_from_this<Impl> {
  explicit Impl(Timers& t)
      : timers(t), output(t.executor()), errors(t.executor()), report(t.executor()), process(t.executor()), news(t) {}

  void start(const ExecCommand& command) {
    Pipe out = make_high_pipe();
    Pipe err = make_high_pipe();
    Pipe reports = make_high_pipe();
    Pipe controls = make_high_pipe();
    UniqueFd opened(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!opened) throw errno_error("cannot run a command: /dev/null");
    const UniqueFd null = above_standard(std::move(opened));
    std::vector<char*> argv;
    for (const std::string& argument : command.argv) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    std::vector<SecretString> terminated;
    std::vector<char*> environment;
    for (const SecretString& variable : command.environment) terminated.push_back(null_terminated(variable.reveal()));
    for (const SecretString& variable : terminated) environment.push_back(const_cast<char*>(variable.reveal().data()));
    environment.push_back(nullptr);
    std::vector<const char*> unwritable;
    for (const std::string& path : command.unwritable) unwritable.push_back(path.c_str());
    unwritable.push_back(nullptr);
    Supervised work;
    work.argv = argv.data();
    work.environment = environment.data();
    work.directory = command.directory.c_str();
    work.unwritable = unwritable.data();
    work.null = null.get();
    work.output = out.write.get();
    work.errors = err.write.get();
    work.control = controls.read.get();
    work.report = reports.write.get();
    work.grace_ms = static_cast<int>(to_ms(exec_grace).count());
    pid = fork_without_signals();
    if (pid == 0) supervise(work);
    if (pid < 0) throw errno_error("cannot run a command: fork");
    control = std::move(controls.write);
    reap();
    output.assign(out.read.release());
    errors.assign(err.read.release());
    report.assign(reports.read.release());
    for (auto* stream : {&output, &errors, &report}) stream->native_non_blocking(true);
    max_output = command.max_output;
    deadline = timers.clock().boot_now() + command.timeout;
    read_output();
    read_errors();
    read_report();
  }

  // Whatever the result of the run.
  void reap() {
    const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    if (fd < 0) return;  // left to the end of the agent
    process.assign(fd);
    process.async_wait(asio::posix::descriptor_base::wait_read,
                       [self = shared_from_this()](boost::system::error_code error) {
                         if (!error) ::waitpid(self->pid, nullptr, 0);
                         self->process.close(error);
                       });
  }

  // Closing the pipe notifies the supervisor. Should the command have stopped it, it goes on now.
  void terminate() {
    if (!control) return;
    control.reset();
    if (process.is_open()) ::syscall(SYS_pidfd_send_signal, process.native_handle(), SIGCONT, nullptr, 0);
  }

  void read_output() {
    output.async_read_some(asio::buffer(out_buffer), [self = shared_from_this()](auto error, std::size_t got) {
      if (got > 0 && !self->too_much) {
        self->result.output.append({self->out_buffer.data(), got});
        wipe(self->out_buffer.data(), got);
        self->too_much = self->result.output.size() > self->max_output;
      }
      self->out_open = !error;
      self->news.notify();
      if (!error && !self->too_much) self->read_output();
    });
  }

  void read_errors() {
    errors.async_read_some(asio::buffer(err_buffer), [self = shared_from_this()](auto error, std::size_t got) {
      self->take_errors({self->err_buffer.data(), got});
      wipe(self->err_buffer.data(), got);
      self->err_open = !error;
      self->news.notify();
      if (!error) self->read_errors();
    });
  }

  void take_errors(std::string_view text) {
    for (const char& c : text) {
      if (c == '\n') {
        end_line();
      } else if (line.size() < max_error_line) {
        line.append({&c, 1});
      }
    }
  }

  // An empty one is dropped.
  void end_line() {
    if (line.empty()) return;
    result.last_line = line;
    if (result.lines.size() < max_error_lines) {
      result.lines.push_back(line);
    } else {
      ++result.lines_left_out;
    }
    line.clear();
  }

  // A report is smaller than PIPE_BUF, so it comes as a whole; the first counts.
  void read_report() {
    report.async_read_some(asio::buffer(&received, sizeof received),
                           [self = shared_from_this()](auto error, std::size_t got) {
                             if (got == sizeof self->received && !self->reported) self->result.report = self->received;
                             self->reported = self->reported || got == sizeof self->received;
                             self->report_open = !error;
                             self->news.notify();
                             if (!error) self->read_report();
                           });
  }

  [[nodiscard]] bool all_ended() const { return !report_open && (!out_open || too_much) && !err_open; }

  // By itself, with all that it started; perhaps while this process was stopped, or its loop late.
  [[nodiscard]] bool has_ended() {
    if (reported || !report_open) return reported;
    pollfd ready{report.native_handle(), POLLIN, 0};
    return ::poll(&ready, 1, 0) == 1 && (ready.revents & POLLIN) != 0;
  }

  Task<ExecResult> finish() {
    BootTime until = deadline;
    bool is_read_late = false;
    while (!all_ended()) {
      if (too_much && result.end == ExecResult::End::ended) {
        result.end = ExecResult::End::too_much_output;
        until = timers.clock().boot_now() + exec_grace + kill_patience;
        terminate();
      }
      const bool heard = co_await news.wait_until(until);
      // A command that writes without end is always heard before the timer is.
      if (heard && timers.clock().boot_now() < until) continue;
      if (result.end != ExecResult::End::ended) break;
      if (!is_read_late && has_ended()) {
        is_read_late = true;
        until = timers.clock().boot_now() + kill_patience;
        continue;
      }
      result.end = ExecResult::End::timed_out;
      until = timers.clock().boot_now() + exec_grace + kill_patience;
      terminate();
    }
    end_line();
    co_return std::move(result);
  }

  void close() {
    terminate();
    boost::system::error_code ignored;
    for (auto* stream : {&output, &errors, &report}) stream->close(ignored);
  }

  Timers& timers;
  asio::posix::stream_descriptor output;
  asio::posix::stream_descriptor errors;
  asio::posix::stream_descriptor report;
  asio::posix::stream_descriptor process;  // pidfd of the supervisor
  Event news;
  UniqueFd control;
  pid_t pid = -1;
  BootTime deadline{};
  std::size_t max_output = 0;
  std::array<char, 16 * 1024> out_buffer{};
  std::array<char, 4096> err_buffer{};
  ExecReport received;
  SecretString line;  // of stderr, unfinished
  ExecResult result;
  bool out_open = true;
  bool err_open = true;
  bool report_open = true;
  bool reported = false;
  bool too_much = false;
};

void add_variable(ExecCommand& command, std::string_view name, std::string_view value) {
  SecretString variable;
  variable.reserve(name.size() + value.size() + 2);
  variable.append(name);
  variable.append("=");
  variable.append(value);
  command.environment.push_back(std::move(variable));
}

std::vector<std::pair<std::string, std::string>> usual_variables() {
  const char* home = environment_variable("HOME");
  return {{"PATH", clean_path}, {"HOME", home == nullptr ? "/" : home}, {"LANG", "C.UTF-8"}};
}

// A line that was cut may end in the first half of a secret, which would not be recognised.
std::string shown_line(const SecretString& line, std::span<const SecretString> secrets) {
  std::string_view text = line.reveal();
  if (text.size() >= max_error_line) {
    std::size_t longest = 0;
    for (const SecretString& secret : secrets) longest = std::max(longest, secret.size());
    text.remove_suffix(std::min(longest, text.size()));
  }
  return excerpt(text, secrets);
}

std::vector<std::string> without_links(const std::vector<std::filesystem::path>& directories) {
  std::vector<std::string> result;
  for (const std::filesystem::path& path : directories) {
    std::error_code error;
    const std::filesystem::path real = std::filesystem::weakly_canonical(path, error);
    result.push_back(error ? path.string() : real.string());
  }
  return result;
}

ExecRun::ExecRun(Timers& timers, const ExecCommand& command) : impl_(std::make_shared<Impl>(timers)) {
  impl_->start(command);
}

ExecRun::~ExecRun() { impl_->close(); }

Task<ExecResult> ExecRun::finish() { return impl_->finish(); }

}  // namespace jeton::agent
