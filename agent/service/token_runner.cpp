#include "agent/service/token_runner.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/system/system_error.hpp>
#include <utility>

#include "agent/base/log.hpp"
#include "agent/refresh/refresh_loop.hpp"
#include "agent/refresh/revoker.hpp"
#include "agent/segment/segment_store.hpp"
#include "agent/source/factory.hpp"

namespace jeton::agent {

namespace {

// Null: what the source leaves for its next fetch need not be kept.
std::unique_ptr<RecordKeeper> make_keeper(const TokenConfig& config, const TokenRunner::Shared& shared) {
  if (!keeps_state(config.source)) return nullptr;
  return std::make_unique<RecordFile>(shared.state_dir, config.name, shared.codec);
}

}  // namespace

struct TokenRunner::Impl {
  Impl(const TokenConfig& config, const Shared& s)
      : shared(s),
        coordinator(config.scope == Scope::host && s.of_host != nullptr ? *s.of_host : s.coordinator),
        source(make_source(config, {s.http, s.timers, s.tokens, s.random, {s.state_dir, s.runtime_dir.path()}})),
        keeper(make_keeper(config, s)),
        store(s.runtime_dir, {config.name, config.capacity, config.access, s.memory_lock}, s.timers.clock().wall_now()),
        ended(s.timers),
        loop(config, s.lock_ttl,
             {.timers = s.timers,
              .random = s.random,
              .coordinator = coordinator,
              .source = *source,
              .store = store,
              .changed = s.changed,
              .host = s.host,
              .alone = &coordinator == s.of_host ? nullptr : s.alone,
              .fetch_alone = s.fetch_alone,
              .keeper = keeper.get(),
              .tokens = &s.tokens,
              .on_current = [this](const Record& record) { renewed(record); }}) {
    if (source->revokes()) {
      revoker.emplace(loop.config(), s.lock_ttl, Revoker::Parts{s.timers, s.random, coordinator, *source, s.host});
    }
  }

  void renewed(const Record& record) {
    if (revoker) revoker->note(record);
    if (shared.renewed) shared.renewed(loop.config().name);
  }

  // Both coroutines end by cancellation only; what they expect to fail they catch. Another failure is a defect, and a
  // restart heals it best.
  void launch(Task<> task, boost::asio::cancellation_signal& cancel) {
    ++running;
    const auto done = [this](std::exception_ptr failure) {
      --running;
      ended.notify();
      try {
        if (failure) std::rethrow_exception(failure);
      } catch (const boost::system::system_error&) {
        // cancelled by stop()
      } catch (const std::exception& e) {
        log::error("refresh loop ended by an unexpected failure", {{"token", loop.config().name}, {"error", e.what()}});
        throw;
      }
    };
    boost::asio::co_spawn(shared.timers.executor(), std::move(task),
                          boost::asio::bind_cancellation_slot(cancel.slot(), done));
  }

  Shared shared;
  Coordinator& coordinator;
  std::unique_ptr<Source> source;
  std::unique_ptr<RecordKeeper> keeper;
  SegmentStore store;
  Event ended;
  std::optional<Revoker> revoker;
  RefreshLoop loop;
  boost::asio::cancellation_signal cancel_loop;
  boost::asio::cancellation_signal cancel_revoker;
  int running = 0;
  bool cancelled = false;
};

TokenRunner::TokenRunner(const TokenConfig& config, const Shared& shared)
    : impl_(std::make_unique<Impl>(config, shared)) {}

TokenRunner::~TokenRunner() = default;

void TokenRunner::start() {
  heartbeat();
  impl_->launch(impl_->loop.run(), impl_->cancel_loop);
  if (impl_->revoker) impl_->launch(impl_->revoker->run(), impl_->cancel_revoker);
}

void TokenRunner::cancel() {
  if (std::exchange(impl_->cancelled, true)) return;
  impl_->cancel_loop.emit(boost::asio::cancellation_type::terminal);
  impl_->cancel_revoker.emit(boost::asio::cancellation_type::terminal);
}

Task<> TokenRunner::stop() {
  cancel();
  while (impl_->running > 0) co_await impl_->ended.wait();
}

void TokenRunner::reconfigure_segment(const TokenConfig& config) {
  impl_->store.reconfigure(config.capacity, config.access, impl_->shared.timers.clock().wall_now());
}

void TokenRunner::retire() { impl_->store.retire(); }

void TokenRunner::prerequisite_renewed() { impl_->loop.prerequisite_renewed(); }

DemandAnswer TokenRunner::rejected(Generation generation) { return impl_->loop.rejected(generation); }

DemandAnswer TokenRunner::refresh_now() { return impl_->loop.refresh_now(); }

void TokenRunner::heartbeat() { impl_->store.heartbeat(impl_->shared.timers.clock().wall_now()); }

// The last sign of life is of another time now.
void TokenRunner::clock_stepped() {
  heartbeat();
  impl_->loop.clock_stepped();
}

const TokenConfig& TokenRunner::config() const { return impl_->loop.config(); }

std::optional<SecretString> TokenRunner::value() const { return impl_->loop.value(); }

TokenStatus TokenRunner::status() const { return impl_->loop.status(); }

}  // namespace jeton::agent
