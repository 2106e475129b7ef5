#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>

#include "libclient/src/agent_call.hpp"
#include "libclient/src/agent_socket.hpp"
#include "libclient/src/clock.hpp"
#include "libclient/src/json_scan.hpp"
#include "libclient/src/lock_handle.hpp"

namespace jeton::client {
namespace {

// A text that is built piece by piece; if a piece does not fit, the whole text is bad.
class Text {
 public:
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] const char* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }

  void add(const char* text) {
    const std::size_t more = std::strlen(text);
    good_ = good_ && size_ + more < sizeof(data_);
    if (!good_) return;
    std::memcpy(data_ + size_, text, more + 1);
    size_ += more;
  }
  void add(const char* key, std::int64_t number) {
    char text[64];
    std::snprintf(text, sizeof(text), "%s%" PRId64, key, number);
    add(text);
  }
  void add_quoted(const char* text) { good_ = good_ && append_text(data_, sizeof(data_), &size_, text); }

 private:
  char data_[8192] = "";  // more than names, owner ids and metadata can need
  std::size_t size_ = 0;
  bool good_ = true;
};

Text body_of(const jeton_lock& lock, std::int64_t wait_ms, bool resume) {
  Text body;
  body.add("{\"ttl_ms\":", resume ? lock.held_ttl_ms : lock.ttl_ms);
  body.add(",\"wait_ms\":", wait_ms);
  if (lock.retry_ms > 0) body.add(",\"retry_ms\":", lock.retry_ms);
  if (lock.metadata != nullptr) {
    body.add(",\"metadata\":");
    body.add_quoted(lock.metadata);
  }
  for (std::size_t i = 1; i < lock.count; ++i) {
    body.add(i == 1 ? ",\"names\":[" : ",");
    body.add_quoted(lock.names[i].name);
  }
  if (lock.count > 1) body.add("]");
  for (std::size_t i = 0; resume && i < lock.count; ++i) {
    body.add(i == 0 ? ",\"owners\":{" : ",");
    body.add_quoted(lock.names[i].name);
    body.add(":");
    body.add_quoted(lock.names[i].owner);
  }
  body.add(resume ? "}}" : "}");
  return body;
}

}  // namespace

jeton_status send_request(jeton_lock& lock, std::int64_t wait_ms, bool resume) noexcept {
  const Text body = body_of(lock, wait_ms, resume);
  Text request;
  request.add("POST /v1/locks/");
  request.add(lock.names[0].name);
  // The agent ends its answer with the last event, and keeps the connection, if it knows how.
  request.add(" HTTP/1.1\r\nHost: agent\r\nConnection: keep-alive\r\nContent-Type: application/json\r\n");
  request.add("Content-Length: ", static_cast<std::int64_t>(body.size()));
  request.add("\r\n\r\n");
  request.add(body.data());
  if (!body.good() || !request.good()) {
    set_reason(lock, "the request would be too long; use fewer names or less metadata");
    return JETON_NO_AGENT;
  }
  const std::int64_t deadline_ms = monotonic_now_ms() + agent_call_timeout_ms;
  const auto ask = [&](bool may_reuse) {
    return make_connection(lock, may_reuse, deadline_ms) &&
           send_all(lock.fd, request.data(), request.size(), deadline_ms);
  };
  lock.pid = ::getpid();
  lock.http_status = 0;
  lock.agent_keeps = false;
  lock.size = 0;
  bool sent = ask(true);
  if (!sent && lock.reused) {
    close_connection(lock);
    sent = ask(false);
  }
  if (!sent && lock.fd < 0 && lacks_descriptors()) {
    set_reason(lock, "there is no descriptor left for a connection to the agent");
    return JETON_SYSTEM_ERROR;
  }
  set_reason(lock, lock.fd < 0 ? "no agent answers on the socket" : "the agent does not take the request");
  return sent ? JETON_OK : JETON_NO_AGENT;
}

jeton_status ask_for(jeton_lock& lock) noexcept {
  const std::int64_t now = boot_now_ms();
  const std::int64_t wait_ms = std::clamp<std::int64_t>(lock.give_up_boot_ms - now, 0, longest_wait_ms);
  const jeton_status sent = send_request(lock, wait_ms, false);
  if (sent != JETON_OK) return finish(lock, sent, nullptr);
  lock.state = LockState::waiting;
  lock.held_ttl_ms = lock.ttl_ms;
  lock.answer_by_boot_ms = now + wait_ms + answer_patience_ms;
  lock.reason[0] = '\0';
  lock.unread = false;
  follow_connection(lock);
  return JETON_OK;
}

}  // namespace jeton::client

namespace {

using jeton::client::AgentAnswer;
using jeton::client::LockState;

constexpr std::int64_t line_patience_ms = 500;
constexpr const char* no_descriptor = "there is no descriptor left to ask the agent for it";
constexpr const char* no_answer = "the agent did not answer, so it is not known whether it was extended";

jeton_status status_of_extension(int http_status) {
  switch (http_status) {
    case 200:
      return JETON_OK;
    case 403:
      return JETON_NO_PERMISSION;
    case 409:
      return JETON_LOCK_LOST;
    case 503:
      return JETON_LOCK_UNAVAILABLE;
    default:
      return JETON_AGENT_REFUSED;
  }
}

using jeton::client::LockName;

struct Extension {
  jeton_status status = JETON_OK;
  bool may_be_made = false;           // of one of the names at least
  jeton::client::AgentError error{};  // with status other than JETON_OK: why
};

Extension extend_one(const char* directory, const LockName& one, std::int64_t ttl_ms) {
  char path[sizeof("/v1/locks//extend") + jeton::client::max_lock_name];
  std::snprintf(path, sizeof(path), "/v1/locks/%.*s/extend", static_cast<int>(jeton::client::max_lock_name), one.name);
  char body[160];
  std::snprintf(body, sizeof(body), "{\"owner\":\"%s\",\"ttl_ms\":%" PRId64 "}", one.owner, ttl_ms);
  int http_status = 0;
  Extension made;
  const auto answer = jeton::client::call_agent(directory, "POST", path, body, &http_status, &made.error);
  made.status = status_of_extension(http_status);
  if (answer == AgentAnswer::not_asked) made.status = JETON_SYSTEM_ERROR;
  if (answer == AgentAnswer::unreachable) made.status = JETON_NO_AGENT;
  if (answer == AgentAnswer::silent) made.status = JETON_AGENT_STALE;
  if (answer != AgentAnswer::answered) {
    std::snprintf(made.error.message, sizeof(made.error.message), "%s",
                  answer == AgentAnswer::not_asked ? no_descriptor : no_answer);
  }
  return made;
}

// The agent was not asked, or did not ask its store.
bool is_not_made(jeton_status status) {
  return status == JETON_AGENT_REFUSED || status == JETON_NO_PERMISSION || status == JETON_NO_AGENT ||
         status == JETON_SYSTEM_ERROR;
}

Extension extend_all(jeton_lock& lock, const LockName* held, std::int64_t ttl_ms) {
  const jeton::client::LockPause pause(lock);
  Extension last;
  for (std::size_t i = 0; i < lock.count && last.status == JETON_OK; ++i) {
    const bool may_be_made = last.may_be_made;
    last = extend_one(lock.directory, held[i], ttl_ms);
    last.may_be_made = may_be_made || !is_not_made(last.status);
  }
  return last;
}

// The agent's next line has the reason.
jeton_status lose(jeton_lock& lock) {
  const std::int64_t deadline_ms = jeton::client::monotonic_now_ms() + line_patience_ms;
  while (lock.state == LockState::held && lock.fd >= 0 && jeton::client::wait_for_news(lock, deadline_ms)) {
    jeton::client::receive(lock);
  }
  if (lock.state != LockState::held) return lock.outcome;
  return jeton::client::finish(lock, JETON_LOCK_LOST,
                               "it has expired, was deleted, was released, or was taken by another owner");
}

}  // namespace

extern "C" jeton_status jeton_lock_extend(jeton_lock* lock, int64_t ttl_ms) {
  if (lock == nullptr || ttl_ms <= 0) return JETON_INVALID_ARGUMENT;
  const jeton::client::TurnGuard turn(*lock);
  const jeton::client::LockGuard guard(*lock);
  const jeton_status before = jeton::client::look(*lock);
  if (before != JETON_OK) return before == JETON_LOCK_LOST ? before : JETON_LOCK_NOT_HELD;
  LockName held[jeton::client::max_locks];
  std::copy_n(lock->names, lock->count, held);
  const std::int64_t known_until = lock->valid_until_boot_ms;
  // From before the request on, as the agent counts it; its next line says it exactly.
  const std::int64_t valid_until = jeton::client::later_by(jeton::client::boot_now_ms(), ttl_ms - ttl_ms / 100 - 2);
  const Extension extension = extend_all(*lock, held, ttl_ms);
  if (lock->state != LockState::held) return lock->outcome;  // as another thread has found
  if (extension.status == JETON_LOCK_LOST) return lose(*lock);
  const bool told = lock->valid_until_boot_ms != known_until;  // by the agent, maybe of a later extension
  if (extension.status == JETON_OK) {
    lock->held_ttl_ms = ttl_ms;
    lock->valid_until_boot_ms = told ? std::min(lock->valid_until_boot_ms, valid_until) : valid_until;
    jeton::client::arm(*lock);
  } else {
    // A shorter time may be the one that counts.
    if (extension.may_be_made && !told) lock->valid_until_boot_ms = std::min(lock->valid_until_boot_ms, valid_until);
    jeton::client::arm(*lock);
    jeton::client::set_reason(*lock, extension.error.message);
    lock->reason_of_extension = true;
  }
  return extension.status;
}
