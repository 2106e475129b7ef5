#include "agent/service/daemon.hpp"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "agent/api/token_condition.hpp"
#include "agent/base/boot_timers.hpp"
#include "agent/base/bounded_wait.hpp"
#include "agent/base/environment.hpp"
#include "agent/base/error.hpp"
#include "agent/base/log.hpp"
#include "agent/base/random.hpp"
#include "agent/base/time.hpp"
#include "agent/service/agent.hpp"
#include "agent/service/hardening.hpp"
#include "agent/service/reloader.hpp"
#include "agent/service/systemd_notifier.hpp"

namespace jeton::agent {
namespace {

constexpr Duration status_interval = std::chrono::seconds(5);
constexpr Duration status_pace = std::chrono::milliseconds(2);  // of each token
// Far beyond what libcurl may need to give up: waits for the name service are the longest.
constexpr Duration longest_hang = std::chrono::minutes(5);
constexpr Duration settling_time = std::chrono::seconds(1);
constexpr std::chrono::milliseconds drain_limit{500};
constexpr std::array served_signals{SIGTERM, SIGINT, SIGHUP};

// `how`: SIG_BLOCK or SIG_UNBLOCK.
void mask_signals(int how, std::span<const int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : signals) ::sigaddset(&set, number);
  ::pthread_sigmask(how, &set, nullptr);
}

int drop_object(dl_phdr_info* object, std::size_t, void*) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    // Writable segments hold relocated and changed data: those pages exist nowhere else.
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const std::uintptr_t begin = (object->dlpi_addr + segment.p_vaddr + page - 1) / page * page;
    const std::uintptr_t end = (object->dlpi_addr + segment.p_vaddr + segment.p_memsz) / page * page;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the loader gives its addresses as integers
    if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 0;
}

// Dynamic linking, static initialisers and parsing touch some ten megabytes of code of the agent and its libraries that
// the quiet agent never runs again. Drops the clean pages of all read-only segments from this process (MADV_DONTNEED);
// a page that is needed later comes back from the page cache by a minor fault. No page with data of the process is
// touched.
void drop_startup_pages() noexcept { ::dl_iterate_phdr(drop_object, nullptr); }

// One agent with its signals, watchdog and notifications.
class Daemon {
 public:
  Daemon(Config config, const std::function<LoadResult()>& read_config)
      : signals_(loop_),
        agent_(loop_, timers_, random_, std::move(config)),
        reloader_(agent_, timers_, notifier_, read_config) {
    for (const int number : served_signals) {
      // In the background of a script it is ignored: the Ctrl-C is for the script.
      if (number != SIGINT || !is_ignored(SIGINT)) signals_.add(number);
    }
    Agent::Callbacks callbacks{[this] { return reloader_.reload(); }, read_config, {}};
    if (SystemdNotifier::is_service()) callbacks.lost_directory = [this](const std::string& why) { give_up(why); };
    agent_.connect(std::move(callbacks));
  }

  // Returns the exit status.
  int run() {
    agent_.start();
    log::info(log::started, "started", {{"tokens", agent_.agent_status().tokens.size()}});
    timers_.on_clock_step([this] { agent_.clock_stepped(); });
    notifier_.ready(status_line(agent_.agent_status()));
    boost::asio::co_spawn(loop_, serve_signals(), rethrow);
    show_status();
    // On the loop: a loop that does not turn is a reason for systemd to restart the agent.
    if (const auto interval = SystemdNotifier::watchdog_interval()) repeat(*interval, [this] { feed_watchdog(); });
    timers_.schedule(clock_.boot_now() + settling_time, [] {
      drop_startup_pages();
      ::malloc_trim(0);  // of the files of the configuration, whose tree is some times larger than what is kept of it
    });
    // Signals that came meanwhile, too, and also if the parent process of the agent had blocked them.
    mask_signals(SIG_UNBLOCK, served_signals);
    const LoopThread files_wait_shortly;
    loop_.run();
    drain();
    return status_;
  }

 private:
  static void rethrow(std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
  }

  Task<> serve_signals() {
    for (;;) {
      boost::system::error_code ended;
      const int number = co_await signals_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ended));
      if (ended) co_return;  // the agent has given up by itself
      if (number == SIGHUP) {
        boost::asio::co_spawn(loop_, reload(), rethrow);  // a reload that waits must not keep the agent from stopping
        continue;
      }
      log::info(log::stopping, "stopping; tokens stay readable",
                {{"signal", number == SIGTERM ? "SIGTERM" : "SIGINT"}});
      co_await stop();
      co_return;
    }
  }

  // A provider or a Redis that does not answer must not hold the service manager up.
  Task<> stop() {
    if (agent_.stopping()) co_return;
    const Duration patience = agent_.stop_patience();
    notifier_.stopping(patience);
    timers_.schedule(clock_.boot_now() + patience, [this] { loop_.stop(); });
    co_await agent_.stop();
    loop_.stop();
  }

  // The service manager starts the agent again, and makes the directory before.
  void give_up(const std::string& why) {
    if (agent_.stopping()) return;
    log::error(
        log::runtime_dir_lost,
        "the runtime directory was removed and cannot be created again; the agent ends, so that it is started again",
        {{"error", why}});
    status_ = 1;
    boost::asio::co_spawn(loop_, stop(), rethrow);
  }

  // Threads that hang in a file system or in writing the log are left out: a new process would hang there, too.
  void feed_watchdog() {
    const std::string provider = agent_.stuck_provider(longest_hang);
    if (provider.empty()) return notifier_.alive();
    log::error(log::provider_stuck,
               "requests to a provider hang in the agent itself; the watchdog of systemd restarts it",
               {{"provider", provider}});
  }

  Task<> reload() { static_cast<void>(co_await reloader_.reload()); }

  // The status of ten thousand tokens takes a while to collect, so it is collected less often.
  void show_status() {
    if (!SystemdNotifier::is_service()) return;
    const AgentStatus status = agent_.agent_status();
    notifier_.status(status_line(status));
    const Duration interval =
        std::max<Duration>(status_interval, status_pace * static_cast<std::int64_t>(status.tokens.size()));
    timers_.schedule(clock_.boot_now() + interval, [this] { show_status(); });
  }

  void repeat(Duration interval, const std::function<void()>& action) {
    action();
    timers_.schedule(clock_.boot_now() + interval, [this, interval, action] { repeat(interval, action); });
  }

  // Coroutines that were asked to end get the few turns of the loop that they need to do so.
  void drain() {
    timers_.stop();
    signals_.cancel();
    loop_.restart();
    loop_.run_for(drain_limit);
  }

  SystemClock clock_;
  OsRandom random_;
  SystemdNotifier notifier_;
  boost::asio::io_context loop_{1};
  BootTimers timers_{loop_, clock_};
  boost::asio::signal_set signals_;
  Agent agent_;
  Reloader reloader_;
  int status_ = 0;
};

}  // namespace

void hold_hangup_back() {
  constexpr std::array hangup{SIGHUP};
  mask_signals(SIG_BLOCK, hangup);
}

int run_daemon(LoadResult loaded, const std::function<LoadResult()>& read_config) {
  Config config = std::move(loaded.config).value();
  log::configure(config.agent.log.level, config.agent.log.format);
  const log::Background background;  // a loop that waits for the reader of the log lets tokens expire
  log_problems(loaded.problems);
  try {
    harden_process(config.agent.core_dumps);
    allow_many_descriptors();
    Daemon daemon(std::move(config), read_config);
    const int status = daemon.run();
    log::info("stopped");
    return status;
  } catch (const std::exception& e) {
    log::error(log::agent_failed, "the agent cannot continue", {{"error", e.what()}});
    return 1;
  }
}

}  // namespace jeton::agent
