// Task<T>: the return type of every asynchronous function of the agent.
//
// The agent has one event loop on one thread. A Task runs only on that thread, so code between two
// co_awaits needs no lock. Cancellation arrives as boost::system::system_error(operation_aborted) out of a
// co_await; a Task lets it pass.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace jeton::agent {

template <typename T = void>
using Task = boost::asio::awaitable<T>;

using Executor = boost::asio::any_io_executor;

// The task runs on its own from now on, and an exception that leaves it is dropped; but std::bad_alloc leaves the loop
// and ends the process, because no part would start it again. It is compiled once: co_spawn() costs each file that
// instantiates it a second.
void start_task(const Executor& executor, Task<> task);

}  // namespace jeton::agent
