#include "agent/base/task.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

namespace jeton::agent {

void start_task(const Executor& executor, Task<> task) {
  boost::asio::co_spawn(executor, std::move(task), boost::asio::detached);
}

}  // namespace jeton::agent
