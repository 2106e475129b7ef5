#include "agent/fleet/redis/client/name_lookups.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <utility>

#include "agent/base/event.hpp"
#include "agent/base/thread.hpp"

namespace jeton::agent::redis {
namespace {

NameLookups::Answer look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* first = nullptr;
  NameLookups::Answer answer;
  const int status = ::getaddrinfo(host.c_str(), nullptr, &hints, &first);
  if (status != 0) {
    const bool by_system = status == EAI_SYSTEM;
    answer.error = uncapitalized(by_system ? std::generic_category().message(errno) : ::gai_strerror(status));
    return answer;
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(first, &::freeaddrinfo);
  for (const addrinfo* found = first; found != nullptr; found = found->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    const int named =
        ::getnameinfo(found->ai_addr, found->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST);
    if (named == 0) answer.addresses.emplace_back(text.data());
  }
  if (answer.addresses.empty()) answer.error = "it has no address";
  return answer;
}

// One who asks. Its loop touches it; the thread of the lookup only posts to the loop.
struct Waiter {
  explicit Waiter(Timers& timers) : executor(timers.executor()), done(timers) {}
  Executor executor;
  Event done;
  bool aborted = false;
  std::optional<NameLookups::Answer> answer;
};

struct Running {
  BootTime since;  // by the clock of the loop that began it
  std::vector<std::shared_ptr<Waiter>> waiters;
};

}  // namespace

struct NameLookups::State : std::enable_shared_from_this<State> {
  State(Lookup l, Duration stale) : lookup(std::move(l)), stale_after(stale) {}

  // Throws TransportError.
  std::shared_ptr<Running> join(const std::string& host, BootTime now, const std::shared_ptr<Waiter>& waiter) {
    const std::lock_guard lock(mutex);
    const auto known = by_host.find(host);
    auto running = known == by_host.end() ? nullptr : known->second;
    if (!running || now - running->since >= stale_after) {
      running = begin(host, now);
      by_host[host] = running;
    }
    running->waiters.push_back(waiter);
    return running;
  }

  std::shared_ptr<Running> begin(const std::string& host, BootTime now) {
    if (threads >= max_threads) throw TransportError("the name was not resolved: too many lookups hang");
    auto running = std::make_shared<Running>();
    running->since = now;
    try {
      start_without_signals("jeton-resolve", [self = shared_from_this(), host, running] {
        self->end(host, running, self->lookup(host));
      }).detach();
    } catch (const std::system_error& e) {
      throw TransportError(std::string("the name was not resolved: no thread for it: ") + e.what());
    }
    ++threads;
    return running;
  }

  // Under the mutex, so that a waiter that has left is not posted to: its loop may be gone.
  void end(const std::string& host, const std::shared_ptr<Running>& running, Answer answer) {
    const std::lock_guard lock(mutex);
    --threads;
    if (const auto found = by_host.find(host); found != by_host.end() && found->second == running) by_host.erase(found);
    for (auto& waiter : std::exchange(running->waiters, {})) {
      const Executor executor = waiter->executor;
      boost::asio::post(executor, [waiter = std::move(waiter), answer] {
        waiter->answer = answer;
        waiter->done.notify();
      });
    }
  }

  void leave(Running& running, const std::shared_ptr<Waiter>& waiter) {
    const std::lock_guard lock(mutex);
    std::erase(running.waiters, waiter);
  }

  const Lookup lookup;
  const Duration stale_after;
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<Running>> by_host;  // this and all below: guarded by mutex
  std::size_t threads = 0;
};

NameLookups::NameLookups(Lookup lookup, Duration stale_after)
    : state_(std::make_shared<State>(std::move(lookup), stale_after)) {}

Task<std::vector<std::string>> NameLookups::resolve(Timers& timers, std::string host, BootTime deadline,
                                                    ConnectAttempt& attempt) {
  const auto state = state_;
  const auto waiter = std::make_shared<Waiter>(timers);
  const auto running = state->join(host, timers.clock().boot_now(), waiter);
  struct Leaving {
    State& state;
    Running& running;
    const std::shared_ptr<Waiter>& waiter;
    ~Leaving() { state.leave(running, waiter); }
  };
  const Leaving leaving{*state, *running, waiter};
  const Abortable abortable(attempt, [waiter] {
    waiter->aborted = true;
    waiter->done.notify();
  });
  bool in_time = true;
  while (!waiter->answer && !waiter->aborted && in_time) in_time = co_await waiter->done.wait_until(deadline);
  if (!waiter->answer) throw TransportError("the name was not resolved in time");
  if (!waiter->answer->error.empty()) throw TransportError("the name cannot be resolved: " + waiter->answer->error);
  co_return waiter->answer->addresses;
}

// Never destroyed: a lookup that hangs outlives everything.
Task<std::vector<std::string>> resolve_name(Timers& timers, std::string host, BootTime deadline,
                                            ConnectAttempt& attempt) {
  static NameLookups& lookups = *new NameLookups(look_up);
  return lookups.resolve(timers, std::move(host), deadline, attempt);
}

}  // namespace jeton::agent::redis
