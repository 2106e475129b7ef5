#include "agent/demo/demo.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <string>

#include "agent/base/error.hpp"
#include "agent/base/signals.hpp"
#include "agent/base/system_clock.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/config/text/values.hpp"
#include "agent/demo/child_process.hpp"
#include "agent/demo/screen.hpp"
#include "agent/demo/status_client.hpp"
#include "agent/demo/view.hpp"
#include "agent/demo/work_dir.hpp"

namespace jeton::agent::demo {
namespace {

constexpr const char* token_name = "demo";
constexpr Milliseconds frame_interval{200};
constexpr Milliseconds start_patience{30'000};
constexpr std::size_t kept_log_lines = 12;

// SIGINT and the like as something to poll, in this thread and those it starts; children unblock them again.
class Signals {
 public:
  Signals() {
    sigset_t wanted;
    ::sigemptyset(&wanted);
    for (const int number : {SIGWINCH, SIGCHLD}) ::sigaddset(&wanted, number);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
      if (!is_ignored(number)) ::sigaddset(&wanted, number);
    }
    ::pthread_sigmask(SIG_BLOCK, &wanted, &before_);
    fd_.reset(::signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC));
    if (!fd_) throw errno_error("signalfd");
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGCHLD, SIG_DFL);  // if it were ignored, no child could be waited for
  }
  ~Signals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  [[nodiscard]] int fd() const { return fd_.get(); }

  // The next signal that came, 0 if none did.
  [[nodiscard]] int take() {
    signalfd_siginfo info{};
    return ::read(fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info) ? static_cast<int>(info.ssi_signo)
                                                                                      : 0;
  }

 private:
  sigset_t before_{};
  UniqueFd fd_;
};

// Everything follows from the lifetime, so that the story is the same whether a token lives for 10 s or for 10 min.
struct Plan {
  explicit Plan(Milliseconds token_lifetime)
      : lifetime(token_lifetime),
        grace(lifetime * 3 / 10),
        overlap(lifetime / 5),
        rate_interval(std::max(lifetime / 5, Milliseconds{1'000})) {}
  Milliseconds lifetime;
  Milliseconds grace;
  Milliseconds overlap;
  Milliseconds rate_interval;
};

std::string configuration(const Plan& plan, const std::string& runtime_dir, const std::string& token_url) {
  return "version: 1\n"
         "agent:\n"
         "  runtime_dir: \"" +
         runtime_dir +
         "\"\n"
         "  log: {level: info, format: text}\n"
         "coordination: {backend: local}\n"
         "tokens:\n"
         "  " +
         token_name +
         ":\n"
         "    source:\n"
         "      type: http\n"
         "      url: " +
         token_url +
         "\n"
         "      response: {token: /access_token, expires_in: /expires_in, type: /token_type, error: /error}\n"
         "    refresh: {grace: " +
         format_duration(plan.grace) + ", overlap: " + format_duration(plan.overlap) + ", retry: {initial: 200ms}}\n";
}

class Demo {
 public:
  explicit Demo(const DemoOptions& options)
      : options_(options),
        plan_(options.lifetime),
        provider_({plan_.lifetime, plan_.overlap, plan_.rate_interval, 0}, clock_),
        runtime_dir_(dir_.path() / "run"),
        agent_({"run", "--config",
                dir_.write("agent.yaml", configuration(plan_, runtime_dir_.string(), provider_.token_url())).string()},
               STDERR_FILENO),
        reader_({"demo-reader", "--dir", runtime_dir_.string(), "--token", token_name, "--api-port",
                 std::to_string(provider_.port())},
                STDOUT_FILENO),
        started_at_(clock_.boot_now()) {
    snapshot_.run_for = options.run_for;
    snapshot_.lifetime = plan_.lifetime;
    snapshot_.grace = plan_.grace;
    snapshot_.rate_interval = plan_.rate_interval;
  }

  int run() {
    {
      Screen screen(options_.color);
      while (!over(screen)) {
        refresh_snapshot();
        screen.show(snapshot_);
        wait_for_next_frame();
      }
      refresh_snapshot();
      screen.show(snapshot_);
    }
    return conclude();
  }

 private:
  [[nodiscard]] Milliseconds since_start() const { return to_ms(clock_.boot_now() - started_at_); }
  // Since the reader had its first token: that is when the story begins, however long the start took.
  [[nodiscard]] Milliseconds elapsed() const {
    return first_token_at_ ? to_ms(clock_.boot_now() - *first_token_at_) : Milliseconds{0};
  }

  bool over(Screen& screen) {
    while (const int signal = signals_.take()) {
      if (signal == SIGWINCH) screen.resized();
      if (signal == SIGINT || signal == SIGTERM || signal == SIGHUP) return true;
    }
    if (const auto& end = agent_.end()) return fail("the agent ended by itself (" + *end + ")");
    if (const auto& end = reader_.end()) return fail("the reader ended by itself (" + *end + ")");
    if (!first_token_at_ && since_start() > start_patience) return fail("the agent had no token to read in time");
    return options_.run_for && first_token_at_ && elapsed() >= *options_.run_for;
  }

  bool fail(std::string why) {
    failure_ = std::move(why);
    return true;
  }

  void wait_for_next_frame() {
    next_frame_ = std::max(next_frame_ + frame_interval, since_start());
    for (auto left = next_frame_ - since_start(); left > Milliseconds{0}; left = next_frame_ - since_start()) {
      pollfd ready[] = {{signals_.fd(), POLLIN, 0}, {reader_.stream(), POLLIN, 0}, {agent_.stream(), POLLIN, 0}};
      // A stream that was closed always stays ready; SIGCHLD reports the end of its process.
      for (pollfd& p : ready) {
        if (std::find(closed_.begin(), closed_.end(), p.fd) != closed_.end()) p.fd = -1;
      }
      ::poll(ready, std::size(ready), static_cast<int>(left.count()));
      read_reports();
      read_log();
      if ((ready[0].revents & POLLIN) != 0) return;
    }
  }

  void read_reports() {
    ReaderReport report;
    ssize_t n = 0;
    while ((n = ::read(reader_.stream(), &report, sizeof report)) == static_cast<ssize_t>(sizeof report)) {
      snapshot_.reader = report;
    }
    if (n == 0) closed_.push_back(reader_.stream());
  }

  void read_log() {
    char piece[4096];
    ssize_t n = 0;
    while ((n = ::read(agent_.stream(), piece, sizeof piece)) > 0) log_text_.append(piece, static_cast<std::size_t>(n));
    if (n == 0) closed_.push_back(agent_.stream());
    for (auto end = log_text_.find('\n'); end != std::string::npos; end = log_text_.find('\n')) {
      snapshot_.agent_log.push_back(log_text_.substr(0, end));
      log_text_.erase(0, end + 1);
      if (snapshot_.agent_log.size() > kept_log_lines) snapshot_.agent_log.pop_front();
    }
  }

  void refresh_snapshot() {
    if (const auto answer = ask_agent(runtime_dir_ / "agent.sock", token_name)) {
      snapshot_.phase = answer->phase;
      snapshot_.fetches = answer->fetches;
    }
    read_reports();
    read_log();
    if (!first_token_at_ && snapshot_.has_token()) first_token_at_ = clock_.boot_now();
    snapshot_.elapsed = elapsed();
    snapshot_.now = clock_.wall_now();
    snapshot_.provider = provider_.counts();
    // Over the last second or so: a shorter time jumps about.
    rate_marks_.push_back({since_start(), snapshot_.reader.reads});
    if (rate_marks_.size() > 6) rate_marks_.pop_front();
    const Milliseconds span = rate_marks_.back().at - rate_marks_.front().at;
    if (span > Milliseconds{0}) {
      snapshot_.reads_per_second = static_cast<double>(rate_marks_.back().reads - rate_marks_.front().reads) /
                                   std::chrono::duration<double>(span).count();
    }
  }

  int conclude() {
    reader_.stop();
    agent_.stop();
    read_log();
    std::printf("%s\n", summary(snapshot_).c_str());
    std::fflush(stdout);
    if (!failure_.empty()) {
      std::fprintf(stderr, "jeton demo: %s; its last log lines:\n", failure_.c_str());
      for (const std::string& line : snapshot_.agent_log) std::fprintf(stderr, "  %s\n", line.c_str());
      return 1;
    }
    if (snapshot_.reader_errors() == 0) return 0;
    std::fprintf(stderr,
                 "jeton demo: the reader saw errors: expired %llu, torn %llu, older %llu, "
                 "refused %llu\n",
                 static_cast<unsigned long long>(snapshot_.reader.expired),
                 static_cast<unsigned long long>(snapshot_.reader.torn),
                 static_cast<unsigned long long>(snapshot_.reader.older),
                 static_cast<unsigned long long>(snapshot_.reader.api_refused));
    return 1;
  }

  struct RateMark {
    Milliseconds at;
    std::uint64_t reads;
  };

  const DemoOptions options_;
  const Plan plan_;
  SystemClock clock_;
  Signals signals_;  // before the first thread, so that all of them have the signals blocked
  WorkDir dir_;
  Provider provider_;
  std::filesystem::path runtime_dir_;
  ChildProcess agent_;
  ChildProcess reader_;
  BootTime started_at_;
  std::optional<BootTime> first_token_at_;
  Milliseconds next_frame_{0};
  Snapshot snapshot_;
  std::deque<RateMark> rate_marks_;
  std::string log_text_;
  std::vector<int> closed_;
  std::string failure_;
};

}  // namespace

int run_demo(const DemoOptions& options) { return Demo(options).run(); }

}  // namespace jeton::agent::demo
