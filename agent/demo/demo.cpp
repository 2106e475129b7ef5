#include "agent/demo/demo.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "agent/base/environment.hpp"
#include "agent/base/error.hpp"
#include "agent/base/json.hpp"
#include "agent/base/time.hpp"
#include "agent/config/text/values.hpp"
#include "agent/demo/child_process.hpp"
#include "agent/demo/http_get.hpp"
#include "agent/demo/provider.hpp"
#include "agent/demo/view.hpp"

namespace jeton::agent::demo {
namespace {

constexpr timespec frame_interval{0, 200'000'000};
constexpr Milliseconds start_patience{30'000};
constexpr std::size_t kept_log_lines = 12;

// SIGINT and the like wait to be taken, in this thread and those it starts; children unblock them again.
sigset_t block_signals() {
  sigset_t wanted;
  ::sigemptyset(&wanted);
  for (const int number : {SIGWINCH, SIGCHLD}) ::sigaddset(&wanted, number);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    if (!is_ignored(number)) ::sigaddset(&wanted, number);
  }
  ::pthread_sigmask(SIG_BLOCK, &wanted, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);  // if it were ignored, no child could be waited for
  return wanted;
}

// A private directory for the time of the demo, on tmpfs where there is one; removed with everything in it.
class WorkDir {
 public:
  // In $XDG_RUNTIME_DIR, /dev/shm or /tmp, the first that can be written. Throws Error.
  WorkDir() {
    const char* const runtime = environment_variable("XDG_RUNTIME_DIR");
    for (const std::string parent : {runtime == nullptr ? "" : runtime, "/dev/shm", "/tmp"}) {
      std::string name = parent + "/jeton-demo-XXXXXX";
      if (parent.empty() || ::mkdtemp(name.data()) == nullptr) continue;
      path_ = name;
      return;
    }
    throw errno_error("no directory for the demo in XDG_RUNTIME_DIR, /dev/shm or /tmp");
  }
  ~WorkDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  WorkDir(const WorkDir&) = delete;
  WorkDir& operator=(const WorkDir&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Everything follows from the lifetime, so that the story is the same whether a token lives for 10 s or for 10 min.
Snapshot begin(const DemoOptions& options) {
  Snapshot snapshot;
  snapshot.run_for = options.run_for;
  snapshot.lifetime = options.lifetime;
  snapshot.grace = options.lifetime * 3 / 10;
  snapshot.overlap = options.lifetime / 5;
  snapshot.rate_interval = std::max(options.lifetime / 5, Milliseconds{1'000});
  return snapshot;
}

// Writes the configuration and returns its path. Throws Error.
std::string configure(const std::filesystem::path& dir, const Snapshot& plan, const std::string& token_url) {
  std::string file = (dir / "agent.yaml").string();
  std::ofstream out(file);
  out << "version: 1\n"
         "agent:\n"
      << "  runtime_dir: \"" << (dir / "run").string() << "\"\n"
      << "  log: {level: info, format: text}\n"
         "coordination: {backend: local}\n"
         "tokens:\n"
      << "  " << token_name << ":\n"
      << "    source:\n"
         "      type: http\n"
      << "      url: " << token_url << "\n"
      << "      response: {token: /access_token, expires_in: /expires_in, type: /token_type, error: /error}\n"
      << "    refresh: {grace: " << format_duration(plan.grace) << ", overlap: " << format_duration(plan.overlap)
      << ", retry: {initial: 200ms}}\n";
  if (!out.flush()) throw Error("cannot write " + file);
  return file;
}

class Demo {
 public:
  explicit Demo(const DemoOptions& options)
      : options_(options),
        snapshot_(begin(options)),
        provider_({snapshot_.lifetime, snapshot_.overlap, snapshot_.rate_interval, 0}, clock_),
        runtime_dir_(dir_.path() / "run"),
        agent_({"run", "--config", configure(dir_.path(), snapshot_, provider_.token_url())}, STDERR_FILENO),
        reader_({"demo-reader", runtime_dir_.string(), std::to_string(provider_.port())}, STDOUT_FILENO),
        started_at_(clock_.boot_now()) {}

  int run() {
    {
      Screen screen(options_.color);
      while (!over(screen)) {
        refresh_snapshot();
        screen.show(snapshot_);
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

  // Waits for the next frame, or for a signal that comes before it.
  bool over(Screen& screen) {
    const int signal = ::sigtimedwait(&signals_, nullptr, &frame_interval);
    if (signal == SIGWINCH) screen.resized();
    if (signal == SIGINT || signal == SIGTERM || signal == SIGHUP) return true;
    if (const auto& end = agent_.end()) return fail("the agent ended by itself (" + *end + ")");
    if (const auto& end = reader_.end()) return fail("the reader ended by itself (" + *end + ")");
    if (!first_token_at_ && since_start() > start_patience) return fail("the agent had no token to read in time");
    return options_.run_for && first_token_at_ && elapsed() >= *options_.run_for;
  }

  bool fail(std::string why) {
    failure_ = std::move(why);
    return true;
  }

  void read_reports() {
    ReaderReport report;
    while (::read(reader_.stream(), &report, sizeof report) == static_cast<ssize_t>(sizeof report)) {
      snapshot_.reader = report;
    }
  }

  void read_log() {
    char piece[4096];
    ssize_t n = 0;
    while ((n = ::read(agent_.stream(), piece, sizeof piece)) > 0) log_text_.append(piece, static_cast<std::size_t>(n));
    for (auto end = log_text_.find('\n'); end != std::string::npos; end = log_text_.find('\n')) {
      snapshot_.agent_log.push_back(log_text_.substr(0, end));
      log_text_.erase(0, end + 1);
      if (snapshot_.agent_log.size() > kept_log_lines) snapshot_.agent_log.pop_front();
    }
  }

  // Asks the agent for its phase, which the segment does not have.
  void ask_agent() {
    const HttpAnswer answer =
        get_from_socket((runtime_dir_ / "agent.sock").string(), std::string("/v1/tokens/") + token_name);
    const Json status = try_parse_json(answer.body);
    if (status.is_object() && status.contains("phase")) snapshot_.phase = status["phase"].get<std::string>();
  }

  void refresh_snapshot() {
    ask_agent();
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
    const ReaderReport& saw = snapshot_.reader;
    const std::string errors = "expired " + std::to_string(saw.expired) + ", torn " + std::to_string(saw.torn) +
                               ", older " + std::to_string(saw.older) + ", refused " + std::to_string(saw.api_refused);
    std::fprintf(stderr, "jeton demo: the reader saw errors: %s\n", errors.c_str());
    return 1;
  }

  struct RateMark {
    Milliseconds at;
    std::uint64_t reads;
  };

  const DemoOptions options_;
  Snapshot snapshot_;
  SystemClock clock_;
  const sigset_t signals_ = block_signals();  // before the first thread, so that all of them have the signals blocked
  WorkDir dir_;
  Provider provider_;
  std::filesystem::path runtime_dir_;
  ChildProcess agent_;
  ChildProcess reader_;
  BootTime started_at_;
  std::optional<BootTime> first_token_at_;
  std::deque<RateMark> rate_marks_;
  std::string log_text_;
  std::string failure_;
};

}  // namespace

int run_demo(const DemoOptions& options) { return Demo(options).run(); }

}  // namespace jeton::agent::demo
