// Apart from the header, because a unit of tests would take half a second to compile it again.
#include "tests/support/test_loop.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>

namespace jeton::test {
namespace {

struct Ending {
  bool ended = false;
  std::exception_ptr failure;
  boost::asio::cancellation_signal cancel;
};

}  // namespace

bool TestLoop::eventually(const std::function<bool()>& condition, agent::Duration limit) {
  const agent::BootTime begin = clock.boot_now();
  while (!condition()) {
    const agent::Duration waited = clock.boot_now() - begin;
    if (waited >= limit) return condition();
    pass(pause_of_looks(waited));
  }
  return true;
}

void TestLoop::drain() {
  do {
    context.restart();
  } while (context.poll() > 0);
}

void TestLoop::finish(agent::Task<> task) {
  const auto ending = std::make_shared<Ending>();
  auto on_end = [ending](const std::exception_ptr& failure) {
    ending->failure = failure;
    ending->ended = true;
  };
  boost::asio::co_spawn(context, std::move(task),
                        boost::asio::bind_cancellation_slot(ending->cancel.slot(), std::move(on_end)));
  const auto ended = [&] { return ending->ended; };
  if (turn_until(ended)) {
    if (ending->failure) std::rethrow_exception(ending->failure);
    return;
  }
  // Posted to the loop: outside of it Asio delays the cancellation, and keeps a bare pointer to the signal.
  boost::asio::post(context, [ending] { ending->cancel.emit(boost::asio::cancellation_type::terminal); });
  if (!turn_until(ended)) {
    std::fputs("the task did not end, not even when it was cancelled\n", stderr);
    std::abort();
  }
  throw std::runtime_error("the task did not end");
}

}  // namespace jeton::test
