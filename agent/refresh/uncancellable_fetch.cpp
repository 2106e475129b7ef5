#include "agent/refresh/uncancellable_fetch.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <exception>
#include <optional>

#include "agent/base/event.hpp"

namespace jeton::agent {
namespace {

struct Outcome {
  explicit Outcome(Timers& timers) : ended(timers) {}
  Event ended;
  bool done = false;
  std::exception_ptr failure;
  std::optional<FetchedToken> token;
};

}  // namespace

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

}  // namespace jeton::agent
