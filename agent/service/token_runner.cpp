#include "agent/service/token_runner.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/system/system_error.hpp>

#include "agent/base/log.hpp"
#include "agent/refresh/refresh_loop.hpp"
#include "agent/segment/segment_store.hpp"
#include "agent/source/factory.hpp"

namespace jeton::agent {

struct TokenRunner::Impl {
  Impl(const TokenConfig& config, const Shared& s)
      : shared(s),
        source(make_source(config, {s.http, s.timers, s.tokens})),
        store(s.runtime_dir, {config.name, config.capacity, config.access, s.memory_lock}, s.timers.clock().wall_now()),
        ended(s.timers),
        loop(config, s.lock_ttl,
             {s.timers, s.random, s.coordinator, *source, store, s.changed, s.host, s.alone, s.fetch_alone}) {}

  Shared shared;
  std::unique_ptr<Source> source;
  SegmentStore store;
  Event ended;
  RefreshLoop loop;
  boost::asio::cancellation_signal cancel;
  bool running = false;
};

TokenRunner::TokenRunner(const TokenConfig& config, const Shared& shared)
    : impl_(std::make_unique<Impl>(config, shared)) {}

TokenRunner::~TokenRunner() = default;

void TokenRunner::start() {
  impl_->running = true;
  heartbeat();
  auto* impl = impl_.get();
  boost::asio::co_spawn(impl->shared.timers.executor(), impl->loop.run(),
                        boost::asio::bind_cancellation_slot(impl->cancel.slot(), [impl](std::exception_ptr failure) {
                          impl->running = false;
                          impl->ended.notify();
                          try {
                            if (failure) std::rethrow_exception(failure);
                          } catch (const boost::system::system_error&) {
                            // cancelled by stop()
                          } catch (const std::exception& e) {
                            // The loop catches what it expects; this is a defect, and a restart heals it best.
                            log::error("refresh loop ended by an unexpected failure",
                                       {{"token", impl->loop.config().name}, {"error", e.what()}});
                            throw;
                          }
                        }));
}

Task<> TokenRunner::stop() {
  impl_->cancel.emit(boost::asio::cancellation_type::terminal);
  while (impl_->running) co_await impl_->ended.wait();
}

void TokenRunner::reconfigure_segment(const TokenConfig& config) {
  impl_->store.reconfigure(config.capacity, config.access, impl_->shared.timers.clock().wall_now());
}

void TokenRunner::retire() { impl_->store.retire(); }

DemandAnswer TokenRunner::rejected(Generation generation) { return impl_->loop.rejected(generation); }

DemandAnswer TokenRunner::refresh_now() { return impl_->loop.refresh_now(); }

void TokenRunner::heartbeat() { impl_->store.heartbeat(impl_->shared.timers.clock().wall_now()); }

void TokenRunner::clock_stepped() { impl_->loop.clock_stepped(); }

const TokenConfig& TokenRunner::config() const { return impl_->loop.config(); }

std::optional<SecretString> TokenRunner::value() const { return impl_->loop.value(); }

TokenStatus TokenRunner::status() const { return impl_->loop.status(); }

}  // namespace jeton::agent
