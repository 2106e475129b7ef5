#include "agent/base/bounded_wait.hpp"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <set>
#include <system_error>

#include "agent/base/thread.hpp"

namespace jeton::agent {
namespace {

constexpr std::size_t most_hanging = 64;
using std::chrono::milliseconds;

constexpr milliseconds shortest_file_wait{25};

thread_local bool runs_a_loop = false;

// The calls that no caller waits for any more.
struct Hanging {
  std::mutex mutex;
  std::multiset<std::string> names;
};

// Never destroyed: threads that hang outlive everything.
Hanging& hanging() {
  static auto* const instance = new Hanging;
  return *instance;
}

struct Call {
  std::function<void()> work;
  std::mutex mutex;
  std::condition_variable ended;
  std::exception_ptr failure;
  bool done = false;
  bool left_behind = false;
};

void run(const std::shared_ptr<Call>& call, const std::string& what) {
  std::exception_ptr failure;
  try {
    call->work();
  } catch (...) {
    failure = std::current_exception();
  }
  call->work = nullptr;
  const std::lock_guard lock(call->mutex);
  call->failure = failure;
  call->done = true;
  call->ended.notify_all();
  if (!call->left_behind) return;
  const std::lock_guard also(hanging().mutex);
  hanging().names.erase(hanging().names.find(what));
}

// False: the system has no thread.
bool start(const std::shared_ptr<Call>& call, const std::string& what) {
  try {
    start_without_signals("jeton-file", [call, what] { run(call, what); }).detach();
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

// In short waits: a process that was stopped, or whose machine stood still, gives the call the rest of its time
// afterwards.
bool ends_within(milliseconds patience, Call& call, std::unique_lock<std::mutex>& lock) {
  for (; patience > milliseconds{0}; patience -= shortest_file_wait) {
    if (call.ended.wait_for(lock, shortest_file_wait, [&] { return call.done; })) return true;
  }
  return false;
}

}  // namespace

LoopThread::LoopThread() { runs_a_loop = true; }
LoopThread::~LoopThread() { runs_a_loop = false; }

Error file_system_hangs(const std::string& what) {
  return Error(what + ": the file system does not answer; is it on a mount whose server is gone?");
}

void run_bounded(const std::string& what, std::function<void()> work) {
  milliseconds patience = runs_a_loop ? longest_file_wait_of_a_loop : longest_file_wait;
  {
    const std::lock_guard lock(hanging().mutex);
    const std::size_t others = hanging().names.size();
    if (others >= most_hanging || hanging().names.contains(what)) throw file_system_hangs(what);
    patience = std::max(patience / static_cast<int>((others + 1) * (others + 1)), shortest_file_wait);
  }
  const auto call = std::make_shared<Call>();
  call->work = std::move(work);
  if (!start(call, what)) {
    call->work();
    return;
  }
  std::unique_lock lock(call->mutex);
  if (!ends_within(patience, *call, lock)) {
    const std::lock_guard also(hanging().mutex);
    call->left_behind = true;
    hanging().names.insert(what);
    throw file_system_hangs(what);
  }
  if (call->failure) std::rethrow_exception(call->failure);
}

std::optional<struct stat> bounded_stat(const std::string& path) {
  try {
    return bounded(
        "status of " + path, [path]() -> std::optional<struct stat> {
          struct stat status {};
          return ::stat(path.c_str(), &status) == 0 ? std::optional(status) : std::nullopt;
        });
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace jeton::agent
