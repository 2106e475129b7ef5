#include "agent/service/token_runner.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/system/system_error.hpp>
#include <utility>

#include "agent/base/log.hpp"
#include "agent/provider/factory.hpp"
#include "agent/refresh/refresh_loop.hpp"
#include "agent/refresh/revoker.hpp"
#include "agent/segment/segment_store.hpp"
#include "agent/service/histories.hpp"

namespace jeton::agent {

namespace {

std::unique_ptr<SegmentStore> open_segment(const TokenConfig& config, const TokenRunner::Shared& shared) {
  const SegmentOptions options{config.name, config.capacity, config.access, shared.memory_lock};
  return std::make_unique<SegmentStore>(shared.runtime_dir, options, shared.timers.clock().wall_now());
}

}  // namespace

struct TokenRunner::Impl {
  Impl(const TokenConfig& config, const Shared& s, Parts p, Legacy legacy)
      : shared(s),
        coordinator(config.scope == Scope::host && s.host_local != nullptr ? *s.host_local : s.coordinator),
        parts(std::move(p)),
        store(std::move(legacy.segment)),
        ended(s.timers),
        loop(config, s.lock_ttl,
             {.timers = s.timers,
              .random = s.random,
              .coordinator = coordinator,
              .source = *parts.source,
              .store = *store,
              .changed = s.changed,
              .host = s.host,
              .standalone = &coordinator == s.host_local ? nullptr : s.standalone,
              .fetch_alone = s.fetch_alone,
              .keeper = parts.keeper.get(),
              .tokens = &s.tokens,
              .refresh_is_asked = legacy.refresh_is_asked,
              .on_current = [this](const Record& record) { renewed(record); },
              .tally = s.tally,
              .history = s.histories == nullptr ? nullptr : &s.histories->of(config.name)}) {
    if (parts.source->revokes()) {
      revoker.emplace(loop.config(), s.lock_ttl,
                      Revoker::Parts{s.timers, s.random, coordinator, coordinator, coordinator, *parts.source, s.host});
    }
  }

  void renewed(const Record& record) {
    if (revoker) revoker->note(record);
    if (shared.renewed) shared.renewed(loop.config().name);
  }

  // Both coroutines end by cancellation only; they catch expected failures. Another failure is a defect, and a
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
        log::error(log::agent_failed, "refresh loop ended by an unexpected failure",
                   {{"token", loop.config().name}, {"error", e.what()}});
        throw;
      }
    };
    boost::asio::co_spawn(shared.timers.executor(), std::move(task),
                          boost::asio::bind_cancellation_slot(cancel.slot(), done));
  }

  Shared shared;
  Coordinator& coordinator;
  Parts parts;
  std::unique_ptr<SegmentStore> store;
  Event ended;
  std::optional<Revoker> revoker;
  RefreshLoop loop;
  boost::asio::cancellation_signal cancel_loop;
  boost::asio::cancellation_signal cancel_revoker;
  int running = 0;
  bool cancelled = false;
};

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
    : impl_(std::make_unique<Impl>(config, shared, std::move(parts), std::move(legacy))) {}

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
  impl_->store->reconfigure(config.capacity, config.access, impl_->shared.timers.clock().wall_now());
}

void TokenRunner::retire() { impl_->store->retire(); }

TokenRunner::Legacy TokenRunner::release() {
  impl_->store->hand_over(impl_->loop.record());
  return {std::move(impl_->store), impl_->loop.refresh_is_asked()};
}

void TokenRunner::prerequisite_renewed() { impl_->loop.prerequisite_renewed(); }

RefreshAnswer TokenRunner::rejected(Generation generation) { return impl_->loop.rejected(generation); }

RefreshAnswer TokenRunner::refresh_now() { return impl_->loop.refresh_now(); }

void TokenRunner::heartbeat() { impl_->store->heartbeat(impl_->shared.timers.clock().wall_now()); }

// After a clock step the time of the last heartbeat is wrong.
void TokenRunner::clock_stepped() {
  heartbeat();
  impl_->loop.clock_stepped();
}

const TokenConfig& TokenRunner::config() const { return impl_->loop.config(); }

std::optional<SecretString> TokenRunner::value() const { return impl_->loop.value(); }

TokenStatus TokenRunner::status() const {
  TokenStatus status = impl_->loop.status();
  status.segment_bytes = impl_->store->size();
  return status;
}

}  // namespace jeton::agent
