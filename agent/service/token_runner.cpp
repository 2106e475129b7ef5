#include "agent/service/token_runner.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/system/system_error.hpp>
#include <exception>
#include <utility>

#include "agent/base/log.hpp"
#include "agent/provider/factory.hpp"
#include "agent/service/histories.hpp"

namespace jeton::agent {
namespace {

std::unique_ptr<SegmentStore> open_segment(const TokenConfig& config, const TokenRunner::Shared& shared) {
  const SegmentOptions options{config.name, config.capacity, config.access, shared.memory_lock};
  return std::make_unique<SegmentStore>(shared.runtime_dir, options, shared.timers.clock().wall_now());
}

}  // namespace

TokenRunner::Parts TokenRunner::prepare(const TokenConfig& config, const Shared& shared) {
  Parts parts;
  parts.source = make_source(
      config,
      {shared.http, shared.timers, shared.tokens, shared.random, {shared.state_dir, shared.runtime_dir.path()}});
  if (keeps_state(config.source)) {
    parts.keeper = std::make_unique<RecordFile>(shared.state_dir, config.name, shared.codec);
  }
  return parts;
}

TokenRunner::TokenRunner(const TokenConfig& config, const Shared& shared)
    : TokenRunner{config, shared, prepare(config, shared), Legacy{open_segment(config, shared)}} {}  // in this order

TokenRunner::TokenRunner(const TokenConfig& config, const Shared& shared, Parts parts, Legacy legacy)
    : shared_(shared),
      coordinator_(config.scope == Scope::host && shared.host_local != nullptr ? *shared.host_local
                                                                               : shared.coordinator),
      parts_(std::move(parts)),
      store_(std::move(legacy.segment)),
      ended_(shared.timers),
      loop_(config, shared.lock_ttl,
            {.timers = shared.timers,
             .random = shared.random,
             .coordinator = coordinator_,
             .source = *parts_.source,
             .store = *store_,
             .changed = shared.changed,
             .host = shared.host,
             .standalone = &coordinator_ == shared.host_local ? nullptr : shared.standalone,
             .fetch_alone = shared.fetch_alone,
             .keeper = parts_.keeper.get(),
             .tokens = &shared.tokens,
             .legacy = std::move(legacy.loop),
             .on_current = [this](const Record& record) { renewed(record); },
             .tally = shared.tally,
             .history = shared.histories == nullptr ? nullptr : &shared.histories->of(config.name)}),
      cancel_loop_(std::make_unique<boost::asio::cancellation_signal>()),
      cancel_revoker_(std::make_unique<boost::asio::cancellation_signal>()) {
  if (parts_.source->revokes()) {
    revoker_.emplace(loop_.config(), shared.lock_ttl,
                     Revoker::Parts{shared.timers, shared.random, coordinator_, coordinator_, coordinator_,
                                    *parts_.source, shared.host},
                     std::move(legacy.revocations));
  }
}

TokenRunner::~TokenRunner() = default;

void TokenRunner::start() {
  heartbeat();
  launch(loop_.run(), *cancel_loop_);
  if (revoker_) launch(revoker_->run(), *cancel_revoker_);
}

// Both coroutines end by cancellation only; they catch expected failures. Another failure is a defect, and a restart
// heals it best.
void TokenRunner::launch(Task<> task, boost::asio::cancellation_signal& cancel) {
  ++running_;
  const auto done = [this](std::exception_ptr failure) {
    --running_;
    ended_.notify();
    try {
      if (failure) std::rethrow_exception(failure);
    } catch (const boost::system::system_error&) {
      // cancelled by stop()
    } catch (const std::exception& e) {
      log::error(log::agent_failed, "refresh loop ended by an unexpected failure",
                 {{"token", config().name}, {"error", e.what()}});
      throw;
    }
  };
  boost::asio::co_spawn(shared_.timers.executor(), std::move(task),
                        boost::asio::bind_cancellation_slot(cancel.slot(), done));
}

void TokenRunner::cancel() {
  if (std::exchange(cancelled_, true)) return;
  cancel_loop_->emit(boost::asio::cancellation_type::terminal);
  cancel_revoker_->emit(boost::asio::cancellation_type::terminal);
}

Task<> TokenRunner::stop() {
  cancel();
  while (running_ > 0) co_await ended_.wait();
}

void TokenRunner::reconfigure_segment(const TokenConfig& config) {
  store_->reconfigure(config.capacity, config.access, shared_.timers.clock().wall_now());
}

TokenRunner::Legacy TokenRunner::release() {
  store_->hand_over(loop_.record());
  return {std::move(store_), loop_.legacy(), revoker_ ? revoker_->legacy() : Revoker::Legacy{}};
}

void TokenRunner::renewed(const Record& record) {
  if (revoker_) revoker_->note(record);
  if (shared_.renewed) shared_.renewed(config().name);
}

void TokenRunner::heartbeat() { store_->heartbeat(shared_.timers.clock().wall_now()); }

// After a clock step the time of the last heartbeat is wrong.
void TokenRunner::clock_stepped() {
  heartbeat();
  loop_.clock_stepped();
}

const Record* TokenRunner::record() const {
  const std::optional<Record>& newest = loop_.record();
  return newest ? &*newest : nullptr;
}

TokenStatus TokenRunner::status() const {
  TokenStatus status = loop_.status();
  status.segment_bytes = store_->size();
  return status;
}

}  // namespace jeton::agent
