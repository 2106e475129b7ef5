#include "agent/service/daemon.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>

#include "agent/base/boot_timers.hpp"
#include "agent/base/error.hpp"
#include "agent/base/log.hpp"
#include "agent/base/random.hpp"
#include "agent/base/system_clock.hpp"
#include "agent/service/agent.hpp"
#include "agent/service/hardening.hpp"
#include "agent/service/startup_pages.hpp"
#include "agent/service/systemd_notifier.hpp"

namespace jeton::agent {
namespace {

constexpr Duration status_interval = std::chrono::seconds(5);
constexpr Duration settling_time = std::chrono::seconds(1);
constexpr std::chrono::milliseconds drain_limit{500};

// One agent and what keeps it in touch with its surroundings.
class Daemon {
 public:
  Daemon(Config config, const std::function<LoadResult()>& read_config)
      : read_config_(read_config), signals_(loop_), agent_(loop_, timers_, random_, std::move(config)) {
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) signals_.add(number);
  }

  void run() {
    agent_.start();
    log::info("started", {{"tokens", agent_.agent_status().tokens.size()}});
    timers_.on_clock_step([this] { agent_.clock_stepped(); });
    notifier_.ready(agent_.summary());
    boost::asio::co_spawn(loop_, serve_signals(), rethrow);
    repeat(status_interval, [this] { notifier_.status(agent_.summary()); });
    // On the loop: a loop that does not turn is a reason for systemd to restart the agent.
    if (const auto interval = SystemdNotifier::watchdog_interval()) repeat(*interval, [this] { notifier_.alive(); });
    timers_.schedule(clock_.boot_now() + settling_time, [] { drop_startup_pages(); });
    loop_.run();
    drain();
  }

 private:
  static void rethrow(std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
  }

  Task<> serve_signals() {
    for (;;) {
      const int number = co_await signals_.async_wait(boost::asio::use_awaitable);
      if (number == SIGHUP) {
        co_await reload();
        continue;
      }
      log::info("stopping; tokens stay readable", {{"signal", number == SIGTERM ? "SIGTERM" : "SIGINT"}});
      // A provider or a Redis that does not answer must not hold the service manager up.
      const Duration patience = agent_.stop_patience();
      notifier_.stopping(patience);
      timers_.schedule(clock_.boot_now() + patience, [this] { loop_.stop(); });
      co_await agent_.stop();
      loop_.stop();
      co_return;
    }
  }

  Task<> reload() {
    notifier_.reloading();
    LoadResult result = read_config_();
    for (const Problem& problem : result.problems) {
      if (problem.severity == Problem::Severity::error) {
        log::error("configuration problem", {{"problem", problem.text()}});
      } else {
        log::warning("configuration problem", {{"problem", problem.text()}});
      }
    }
    std::string refusal = "the files have errors";
    bool refused = !result.config;
    if (result.config) {
      try {
        co_await agent_.reload(std::move(*result.config));
      } catch (const Error& e) {
        refused = true;
        refusal = e.what();
      }
    }
    if (refused) log::error("reload refused; the old configuration stays in force", {{"reason", refusal}});
    notifier_.ready(refused ? "reload refused: " + refusal : agent_.summary());
  }

  void repeat(Duration interval, const std::function<void()>& action) {
    action();
    timers_.schedule(clock_.boot_now() + interval, [this, interval, action] { repeat(interval, action); });
  }

  // What was told to end gets the few turns of the loop that it needs to do so.
  void drain() {
    timers_.stop();
    signals_.cancel();
    loop_.restart();
    loop_.run_for(drain_limit);
  }

  const std::function<LoadResult()>& read_config_;
  SystemClock clock_;
  OsRandom random_;
  SystemdNotifier notifier_;
  boost::asio::io_context loop_{1};
  BootTimers timers_{loop_, clock_};
  boost::asio::signal_set signals_;
  Agent agent_;
};

}  // namespace

int run_daemon(Config config, const std::function<LoadResult()>& read_config) {
  log::configure(config.agent.log.level, config.agent.log.format);
  const log::Background background;  // a loop that waits for the reader of the log lets tokens run out
  try {
    harden_process(config.agent.core_dumps);
    allow_many_descriptors();
    Daemon daemon(std::move(config), read_config);
    daemon.run();
    log::info("stopped");
    return 0;
  } catch (const std::exception& e) {
    log::error("the agent cannot go on", {{"error", e.what()}});
    return 1;
  }
}

}  // namespace jeton::agent
