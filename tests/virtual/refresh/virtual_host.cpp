#include "tests/virtual/refresh/virtual_host.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include "agent/fleet/local/local_backend.hpp"

namespace jeton::test {

namespace {

std::unique_ptr<MortalKeeper> make_keeper(const agent::TokenConfig& token, const VirtualHost::Parts& parts) {
  if (!agent::keeps_state(token.source)) return nullptr;
  return std::make_unique<MortalKeeper>(parts.directory / "state", token.name, parts.codec);
}

std::unique_ptr<ModelStore> make_store(const VirtualHost::Parts& parts) {
  return std::make_unique<ModelStore>(parts.segment, parts.time.clock().wall_now());
}

std::unique_ptr<agent::Coordinator> make_alone(const VirtualHost::Parts& parts) {
  if (!parts.fetch_alone) return nullptr;
  return agent::make_local_coordinator(parts.time, parts.loop.random, parts.directory / "alone");
}

}  // namespace

VirtualHost::VirtualHost(const agent::TokenConfig& token, std::shared_ptr<agent::Coordinator> coordinator,
                         const Parts& parts, Legacy legacy)
    : test_loop_(parts.loop),
      coordinator_(std::move(coordinator)),
      alone_(legacy.store ? std::move(legacy.alone) : make_alone(parts)),
      source_(parts.provider, parts.time, parts.name, parts.secret, parts.revokes, agent::keeps_state(token.source)),
      store_(legacy.store ? std::move(legacy.store) : make_store(parts)),
      keeper_(make_keeper(token, parts)),
      changed_(parts.time),
      loop_(token, parts.lock_ttl, parts_of_loop(parts, std::move(legacy.loop))) {
  coordinator_->start();
  if (alone_) alone_->start();
  if (parts.revokes) {
    revoker_.emplace(loop_.config(), parts.lock_ttl,
                     agent::Revoker::Parts{parts.time, parts.loop.random, *coordinator_, *coordinator_, *coordinator_,
                                           source_, parts.name},
                     std::move(legacy.revocations));
    launch(parts.loop, revoker_->run(), cancel_revoker_);
  }
  launch(parts.loop, loop_.run(), cancel_loop_);
}

VirtualHost::~VirtualHost() = default;

agent::RefreshLoop::Parts VirtualHost::parts_of_loop(const Parts& parts, agent::RefreshLoop::Legacy legacy) {
  return {.timers = parts.time,
          .random = parts.loop.random,
          .coordinator = *coordinator_,
          .source = source_,
          .store = *store_,
          .changed = changed_,
          .host = parts.name,
          .standalone = alone_.get(),
          .fetch_alone = parts.fetch_alone.value_or(agent::Milliseconds{0}),
          .keeper = keeper_.get(),
          .legacy = std::move(legacy),
          .on_current = [this](const agent::Record& record) {
            if (revoker_) revoker_->note(record);
          }};
}

// Both end by cancellation only. Any other exception is a defect: it ends the test.
void VirtualHost::launch(TestLoop& loop, agent::Task<> task, boost::asio::cancellation_signal& cancel) {
  ++running_;
  const auto done = [this](std::exception_ptr failure) {
    --running_;
    if (ended()) boost::asio::post(test_loop_.context, [call = when_ended_] { (*call)(); });
    try {
      if (failure) std::rethrow_exception(failure);
    } catch (const boost::system::system_error&) {
      // cancelled
    }
  };
  boost::asio::co_spawn(loop.context, std::move(task), boost::asio::bind_cancellation_slot(cancel.slot(), done));
}

void VirtualHost::cancel(std::function<void()> when_ended) {
  *when_ended_ = when_ended ? std::move(when_ended) : [] {};
  cancel_loop_.emit(boost::asio::cancellation_type::terminal);
  cancel_revoker_.emit(boost::asio::cancellation_type::terminal);
}

VirtualHost::Legacy VirtualHost::release() {
  store_->hand_over(loop_.record());
  return {std::move(store_), std::move(alone_), loop_.legacy(),
          revoker_ ? revoker_->legacy() : agent::Revoker::Legacy{}};
}

void VirtualHost::die() {
  store_->die();
  if (keeper_) keeper_->die();
}

}  // namespace jeton::test
