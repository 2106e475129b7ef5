#include "agent/refresh/provider_call.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/core/demangle.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <optional>
#include <typeinfo>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/event.hpp"
#include "agent/base/log.hpp"

namespace jeton::agent {
namespace {

// Deadlines are kept a little late, and a killed command has some time to end.
constexpr Duration fetch_room = std::chrono::seconds(10);

struct Outcome {
  explicit Outcome(Timers& timers) : ended(timers) {}
  Event ended;
  bool done = false;
  std::exception_ptr failure;
  std::optional<FetchedToken> token;
};

std::string in_words(const std::string& what) {
  return "the source failed in an unexpected way: " + what + " (a defect of jeton-agent: report it)";
}

}  // namespace

// Shared with the coroutine, which may be inside a renewal when the keeper ends.
struct LeaseKeeper::State {
  State(LeaseStore& s, Timers& t, std::string n, Lease l)
      : leases(s), timers(t), name(std::move(n)), lease(std::move(l)), stop(t) {}

  LeaseStore& leases;
  Timers& timers;
  std::string name;
  Lease lease;
  Event stop;
  bool stopped = false;
  std::optional<BootTime> fetch_ends_by;  // while there is a fetch
};

// Without `trouble` only the coordinator knows the reason.
void LeaseKeeper::log_loss(const State& state, const std::string& trouble) {
  if (trouble.empty()) {
    log::warning(log::updater_lock_lost,
                 "updater lock lost while the token is fetched: expired or taken by another agent",
                 {{"token", state.name}, {"fence", state.lease.fence}, {"owner", state.lease.owner}});
  } else {
    log::warning(
        log::updater_lock_lost, "updater lock expired while the token is fetched: it could not be renewed",
        {{"token", state.name}, {"fence", state.lease.fence}, {"owner", state.lease.owner}, {"error", trouble}});
  }
}

LeaseKeeper::LeaseKeeper(LeaseStore& leases, Timers& timers, std::string name, Lease lease)
    : state_(std::make_shared<State>(leases, timers, std::move(name), std::move(lease))) {
  start_task(timers.executor(), keep(state_));
}

LeaseKeeper::~LeaseKeeper() {
  state_->stopped = true;
  state_->stop.notify();
}

void LeaseKeeper::begin_fetch(Duration longest) {
  state_->fetch_ends_by = state_->timers.clock().boot_now() + longest + fetch_room;
}

void LeaseKeeper::end_fetch() { state_->fetch_ends_by.reset(); }

const Lease& LeaseKeeper::lease() const { return state_->lease; }

Task<> LeaseKeeper::keep(std::shared_ptr<State> state) {
  Duration pause = state->lease.ttl / 3;
  std::string trouble;  // why the last renewal failed
  while (!state->stopped) {
    co_await state->stop.wait_until(state->timers.clock().boot_now() + pause);
    if (state->stopped) co_return;
    if (state->fetch_ends_by && state->timers.clock().boot_now() >= *state->fetch_ends_by) {
      log::warning(
          log::fetch_outlasts_lock,
          "the fetch takes longer than its timeouts allow: the updater lock is left to expire, for another agent",
          {{"token", state->name}, {"fence", state->lease.fence}});
      co_return;
    }
    try {
      const bool held = co_await state->leases.renew(state->name, state->lease);  // named: GCC 12 traps otherwise
      if (!held) {
        log_loss(*state, trouble);
        co_return;
      }
      pause = state->lease.ttl / 3;
      trouble.clear();
    } catch (const TransportError& e) {
      trouble = e.what();
      if (state->timers.clock().boot_now() >= state->lease.valid_until) {
        log_loss(*state, trouble);
        co_return;
      }
      log::debug("renewal of the updater lock failed; trying again", {{"token", state->name}, {"error", e.what()}});
      pause = state->lease.ttl / 10;
    }
  }
}

Task<FetchedToken> fetch_uncancellable(Timers& timers, Source& source, FetchContext context, bool& cancelled) {
  const auto outcome = std::make_shared<Outcome>(timers);
  boost::asio::co_spawn(timers.executor(), source.fetch(std::move(context)),
                        [outcome](std::exception_ptr failure, FetchedToken token) {
                          outcome->failure = failure;
                          if (!failure) outcome->token = std::move(token);
                          outcome->done = true;
                          outcome->ended.notify();
                        });
  while (!outcome->done) {
    bool cancelled_now = false;
    try {
      co_await outcome->ended.wait();
    } catch (const boost::system::system_error&) {
      cancelled_now = true;
    }
    if (!cancelled_now) continue;
    cancelled = true;
    co_await boost::asio::this_coro::reset_cancellation_state(boost::asio::disable_cancellation());
  }
  if (outcome->failure) std::rethrow_exception(outcome->failure);
  co_return std::move(*outcome->token);
}

SourceError source_failure(const std::exception_ptr& thrown, SourceError::Kind unexpected, bool stopping) {
  try {
    std::rethrow_exception(thrown);
  } catch (const SourceError& e) {
    return e;
  } catch (const Error& e) {
    return {unexpected, in_words(e.what())};
  } catch (const boost::system::system_error& e) {
    if (stopping && e.code() == boost::asio::error::operation_aborted) throw;
    return {unexpected, in_words(e.code().message())};
  } catch (const std::exception& e) {
    // Only its type: the text of a library may quote an answer.
    return {unexpected, in_words(boost::core::demangle(typeid(e).name()))};
  }
}

}  // namespace jeton::agent
