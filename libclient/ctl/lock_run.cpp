// jetonctl lock run: a command that runs while this host holds a lock, and not a moment longer.
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <utility>

#include "libclient/ctl/child.hpp"
#include "libclient/ctl/commands.hpp"
#include "libclient/ctl/lock_answers.hpp"
#include "libclient/ctl/lock_stream.hpp"
#include "libclient/ctl/segments.hpp"
#include "libclient/ctl/signals.hpp"

namespace jeton::ctl {
namespace {

constexpr Milliseconds release_patience{5000};
constexpr Milliseconds stream_patience{10'000};  // beyond the wait that was asked for
constexpr Milliseconds look_for_agent_every{100};
// A process that was stopped finds many events, of which the last one counts; and an agent that could send no more
// sends the newest as soon as there is room.
constexpr Milliseconds newest_line{500};

void wait_for(const LockStream& stream, const Signals& signals, bool hear_stream, std::int64_t until_boot_ms) {
  pollfd ready[] = {{signals.fd(), POLLIN, 0}, {stream.fd(), POLLIN, 0}};
  const std::int64_t left = std::clamp<std::int64_t>(until_boot_ms - boot_ms_now(), 0, 60'000);
  ::poll(ready, hear_stream ? 2 : 1, static_cast<int>(left));
}

// Until the agent says that the lock is ours. Throws Failure if it is not.
Json await_lock(LockStream& stream, const Signals& signals, const LockRunOptions& options) {
  const std::int64_t give_up_at = boot_ms_now() + (options.wait + stream_patience).count();
  for (;;) {
    while (const auto event = stream.next()) {
      const std::string what = event->value("event", "");
      if (what == "acquired") return *event;
      if (what == "busy") throw Failure(Exit::not_obtained, busy_text(options.name, *event, options.wait));
      if (what == "failed") throw Failure(Exit::run_failed, "cannot take the lock: " + event->value("reason", ""));
      if (what == "lost")
        throw Failure(Exit::run_failed, "lock '" + named_in(*event, options.name) +
                                            "' was lost while waiting for other locks: " + event->value("reason", ""));
      if (what == "refused") throw run_refusal(options.name, *event, options.wait);
    }
    while (const auto signal = signals.next()) {
      const auto number = static_cast<int>(signal->ssi_signo);
      if (number == SIGCHLD || number == SIGWINCH || number == SIGCONT) continue;
      static_cast<void>(stream.end(release_patience));  // the agent may have won it in this moment
      die_of(number);
    }
    if (boot_ms_now() >= give_up_at) {
      throw Failure(Exit::run_failed, "the agent does not answer in time; " + remedy_for({}));
    }
    wait_for(stream, signals, true, give_up_at);
    if (!stream.read_some()) {
      const auto last = stream.next();
      if (last && last->value("event", "") == "refused") throw run_refusal(options.name, *last, options.wait);
      if (last && last->value("event", "") == "busy")
        throw Failure(Exit::not_obtained, busy_text(options.name, *last, options.wait));
      throw Failure(Exit::run_failed, "the agent closed the connection; it may have been restarted");
    }
  }
}

// The request with which the next agent continues the acquired locks.
Json resumption_of(Json body, const std::string& name, const Json& acquired) {
  body["wait_ms"] = 0;
  body["owners"] = {{name, acquired.value("owner", "")}};
  for (const Json& lock : acquired.value("locks", Json::array())) {
    body["owners"][lock.value("name", "")] = lock.value("owner", "");
  }
  return body;
}

// Null: no agent is there.
std::unique_ptr<LockStream> connect_again(const Common& common, const std::string& name, const Json& body) {
  try {
    return std::make_unique<LockStream>(common.dir, name, body);
  } catch (const Failure&) {
    return nullptr;
  }
}

std::int64_t valid_until(const Json& event) { return event.value("valid_until_boot_ms", std::int64_t{0}); }

class Run {
 public:
  // `resumption`: asks the next agent to go on with the lock; null if it does not outlive its agent.
  Run(std::unique_ptr<LockStream> stream, Json resumption, const Signals& signals, const Common& common,
      const LockRunOptions& options, const Json& acquired)
      : stream_(std::move(stream)),
        resumption_(std::move(resumption)),
        signals_(signals),
        common_(common),
        options_(options),
        valid_until_(valid_until(acquired)),
        child_(options.command,
               {.env = {{"JETON_LOCK_NAME", options.name},
                        {"JETON_LOCK_OWNER", acquired.value("owner", "")},
                        {"JETON_LOCK_FENCE", std::to_string(acquired.value("fence", std::uint64_t{0}))}}},
               common.inherited) {}

  Exit to_its_end() {
    while (!child_.status()) {
      look_at_the_lock();
      pass_signals();
      if (child_.status()) break;
      if (lost_ && !killed_ && boot_ms_now() >= kill_at_) {
        say("the command did not end within " + duration_text(options_.grace.count()) + "; killing it");
        child_.signal(SIGKILL);
        killed_ = true;
      }
      wait_for(*stream_, signals_, hears_, look_again_at());
    }
    // Processes that the command left behind must not continue without the lock.
    if (lost_) child_.end_what_is_left();
    await_the_next_agent();
    LockStream::EndResult result = stream_->end(release_patience);
    // The agent may have gone since the last look, and a lock that outlives it is released through the next one.
    const Deadline deadline(release_patience);
    while (result.cut_off && hears_ && outlives_agent() && !lost_ && !deadline.passed()) {
      hears_ = false;
      await_the_next_agent();
      if (!hears_) break;
      result = stream_->end(release_patience);
      // Then the agent before has released it and could not say so.
      if (boot_ms_now() < valid_until_) result.lost.clear();
      if (result.cut_off) ::poll(nullptr, 0, static_cast<int>(look_for_agent_every.count()));
    }
    if (lost_) return Exit::lock_lost;
    if (!result.lost.empty()) {
      const std::string name = result.lost_name.empty() ? options_.name : printable(result.lost_name);
      say("lock '" + name + "' was lost before the command ended: " + printable(result.lost));
      return Exit::lock_lost;
    }
    if (!result.confirmed)
      say("the agent did not confirm the release of lock '" + options_.name + "'; the lock will expire");
    return static_cast<Exit>(*child_.status());
  }

 private:
  [[nodiscard]] bool outlives_agent() const { return !resumption_.is_null(); }

  [[nodiscard]] std::int64_t look_again_at() const {
    if (lost_) return killed_ ? boot_ms_now() + 1000 : kill_at_;
    return hears_ ? valid_until_ : std::min(valid_until_, again_at_);
  }

  void look_at_the_lock() {
    if (!hears_ && !lost_ && boot_ms_now() >= again_at_) look_for_the_next_agent();
    const Deadline deadline(newest_line);
    const bool heard = hear_events();
    while (heard && hears_ && !lost_ && boot_ms_now() >= valid_until_ && !deadline.passed()) {
      pollfd readable{stream_->fd(), POLLIN, 0};
      ::poll(&readable, 1, static_cast<int>(deadline.remaining()->count()));
      static_cast<void>(hear_events());
    }
    if (!hears_ && !outlives_agent()) lose("the agent closed the connection");
    if (boot_ms_now() >= valid_until_) {
      lose("the agent did not renew the lock in time" + (trouble_.empty() ? trouble_ : ": " + trouble_));
    }
  }

  // True: there were some.
  bool hear_events() {
    if (hears_ && !stream_->read_some()) {
      hears_ = false;
      trouble_ = "it closed the connection, and no new agent has answered";
    }
    bool any = false;
    for (; const auto event = stream_->next(); any = true) {
      const std::string what = event->value("event", "");
      if (what == "renewed" || what == "acquired") confirmed(*event);
      if (what == "failed" || what == "not_renewed") trouble_ = event->value("reason", "");
      if (what == "lost") lose(event->value("reason", ""), named_in(*event, options_.name));
      if (what == "refused") refused(*event);
    }
    return any;
  }

  // Until a time that may be earlier than the one before: another client may have extended the lock by its owner id, to
  // a shorter TTL, too. Of several locks the agent gives the TTL of one.
  void confirmed(const Json& event) {
    valid_until_ = valid_until(event);
    trouble_.clear();
    const Json& ttl = member(event, "ttl_ms");
    if (outlives_agent() && options_.also.empty() && ttl.is_number()) resumption_["ttl_ms"] = ttl;
  }

  void look_for_the_next_agent() {
    again_at_ = boot_ms_now() + look_for_agent_every.count();
    if (auto stream = connect_again(common_, options_.name, resumption_)) {
      stream_ = std::move(stream);
      hears_ = true;
    }
  }

  // Only an agent can release the lock.
  void await_the_next_agent() {
    const Deadline deadline(release_patience);
    while (!hears_ && !lost_ && outlives_agent() && !deadline.passed()) {
      look_for_the_next_agent();
      if (!hears_) ::poll(nullptr, 0, static_cast<int>(look_for_agent_every.count()));
    }
  }

  // By the next agent; one that cannot reach its coordinator yet, or has no room yet, is asked again.
  void refused(const Json& event) {
    const std::string why = run_refusal(options_.name, event, Milliseconds{0}).what();
    const long status = event.value("status", 500L);
    if (status != 503 && status != 429) lose(why);
    trouble_ = why;
  }

  void lose(const std::string& reason) { lose(reason, options_.name); }
  void lose(const std::string& reason, const std::string& name) {
    if (lost_) return;
    lost_ = true;
    say("lock '" + name + "' is lost: " + printable(reason) + "; ending the command");
    child_.signal(SIGTERM);
    child_.signal(SIGCONT);  // a stopped one could not end
    kill_at_ = boot_ms_now() + options_.grace.count();
  }

  void pass_signals() {
    while (const auto signal = signals_.next()) child_.pass_on(*signal);
  }

  std::unique_ptr<LockStream> stream_;
  Json resumption_;
  std::int64_t again_at_ = 0;
  std::string trouble_;  // why the agent may not renew it; empty: none is known
  const Signals& signals_;
  const Common& common_;
  const LockRunOptions& options_;
  std::int64_t valid_until_;
  bool hears_ = true;
  bool lost_ = false;
  bool killed_ = false;
  std::int64_t kill_at_ = 0;
  Child child_;
};

}  // namespace

Exit run_lock_run(const Common& common, const LockRunOptions& options) {
  Json body{{"ttl_ms", options.ttl.count()}, {"wait_ms", options.wait.count()}};
  if (options.retry) body["retry_ms"] = options.retry->count();
  if (!options.metadata.empty()) body["metadata"] = options.metadata;
  if (!options.also.empty()) body["names"] = options.also;
  try {
    check_lock_name(options.name);
    const Signals signals(common.inherited);
    auto stream = std::make_unique<LockStream>(common.dir, options.name, body);
    const Json acquired = await_lock(*stream, signals, options);
    Json resumption;
    if (acquired.value("outlives_agent", false)) resumption = resumption_of(body, options.name, acquired);
    Run run(std::move(stream), std::move(resumption), signals, common, options, acquired);
    return run.to_its_end();
  } catch (const Failure& failure) {
    if (failure.exit() == Exit::not_obtained) {
      throw Failure(static_cast<Exit>(options.busy_status), options.quiet ? "" : failure.what());
    }
    throw Failure(Exit::run_failed, failure.what());
  } catch (const std::exception& e) {
    throw Failure(Exit::run_failed, e.what());
  }
}

}  // namespace jeton::ctl
