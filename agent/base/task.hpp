// Task<T>: what every asynchronous function of the agent returns.
//
// The agent has one event loop on one thread. A Task runs only on that thread, so code between two
// co_awaits needs no lock. Cancellation arrives as boost::system::system_error(operation_aborted) out of a
// co_await; a Task lets it pass.
#pragma once

#include <boost/asio/awaitable.hpp>

namespace jeton::agent {

template <typename T = void>
using Task = boost::asio::awaitable<T>;

using Executor = boost::asio::any_io_executor;

}  // namespace jeton::agent
