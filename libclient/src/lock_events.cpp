#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "libclient/src/clock.hpp"
#include "libclient/src/json_scan.hpp"
#include "libclient/src/lock_handle.hpp"

namespace jeton::client {
namespace {

void take_reason(jeton_lock& lock, Json object, const char* key, const char* otherwise) {
  set_reason(lock, otherwise);
  Json value;
  if (find_member(object, key, value)) read_text(value, lock.reason, sizeof(lock.reason));
}

// Of one of several locks: with its name.
void take_loss(jeton_lock& lock, Json line) {
  take_reason(lock, line, "reason", "it was lost");
  Json value;
  char name[max_lock_name + 1];
  if (lock.count == 1 || !find_member(line, "name", value) || !read_text(value, name, sizeof(name))) return;
  char text[sizeof(lock.reason) + sizeof(name) + 16];
  std::snprintf(text, sizeof(text), "lock '%s': %s", name, lock.reason);
  set_reason(lock, text);
}

// False: the line has no such number.
bool read_ms(Json line, const char* key, std::int64_t& ms) {
  Json value;
  std::uint64_t number = 0;
  if (!find_member(line, key, value) || !read_number(value, number)) return false;
  ms = static_cast<std::int64_t>(std::min<std::uint64_t>(number, INT64_MAX));
  return true;
}

// Another client may have extended the lock by its owner id. Of several locks the agent gives the TTL of one.
void set_validity(jeton_lock& lock, Json line) {
  static_cast<void>(read_ms(line, "valid_until_boot_ms", lock.valid_until_boot_ms));
  if (lock.count == 1) static_cast<void>(read_ms(line, "ttl_ms", lock.held_ttl_ms));
}

bool set_grant(LockName& held, Json object) {
  Json owner;
  Json fence;
  held.fence = 0;
  if (find_member(object, "fence", fence)) static_cast<void>(read_number(fence, held.fence));
  return find_member(object, "owner", owner) && read_text(owner, held.owner, sizeof(held.owner));
}

// False: the agent's event lacks a member.
bool set_grants(jeton_lock& lock, Json line) {
  if (lock.count == 1) return set_grant(lock.names[0], line);
  Json list;
  if (!find_member(line, "locks", list)) return false;
  std::size_t known = 0;
  for (Json item; next_item(list, item);) {
    Json name;
    if (!find_member(item, "name", name)) return false;
    for (std::size_t i = 0; i < lock.count; ++i) {
      if (is_text(name, lock.names[i].name) && set_grant(lock.names[i], item)) ++known;
    }
  }
  return known == lock.count;
}

// The end of the answer has come with its last line, so that nothing of it is left on the connection.
bool is_whole(const jeton_lock& lock, Json last_line) {
  constexpr char end[] = "\r\n0\r\n\r\n";
  const char* rest = last_line.end + 1;
  const char* received = lock.buffer + lock.size;
  return received - rest == static_cast<std::ptrdiff_t>(sizeof(end) - 1) &&
         std::memcmp(rest, end, sizeof(end) - 1) == 0;
}

// The other lines of an answer, the sizes of its chunks, are no objects.
void on_line(jeton_lock& lock, Json line) {
  Json event;
  if (!find_member(line, "event", event)) return;
  if (lock.state == LockState::releasing) {
    if (is_text(event, "released")) {
      if (lock.agent_keeps && is_whole(lock, line)) keep_connection(lock);
      static_cast<void>(finish(lock, JETON_OK, ""));
    }
    if (is_text(event, "lost")) {
      take_loss(lock, line);
      static_cast<void>(finish(lock, JETON_LOCK_LOST, nullptr));
    }
    return;
  }
  if (is_text(event, "acquired")) {
    if (!set_grants(lock, line)) {
      static_cast<void>(finish(lock, JETON_AGENT_REFUSED, "the agent's answer is not understood; update the agent"));
      return;
    }
    Json outlives;
    lock.outlives_agent = find_member(line, "outlives_agent", outlives) && is_true(outlives);
    if (lock.state == LockState::waiting) lock.unread = true;
    lock.state = LockState::held;
    lock.reason[0] = '\0';
    lock.resuming = false;
    lock.valid_until_boot_ms = 0;
    set_validity(lock, line);
  } else if (is_text(event, "renewed")) {
    lock.reason[0] = '\0';
    set_validity(lock, line);
  } else if (is_text(event, "not_renewed")) {
    take_reason(lock, line, "reason", "");
  } else if (is_text(event, "busy")) {
    // A wait of more than a day is asked for day by day.
    const bool again = lock.give_up_boot_ms - boot_now_ms() > answer_patience_ms &&
                       lock.answer_by_boot_ms - answer_patience_ms <= boot_now_ms();
    take_reason(lock, line, "reason", "another owner holds it");
    static_cast<void>(finish(lock, JETON_LOCK_BUSY, nullptr));
    if (again) static_cast<void>(ask_for(lock));
  } else if (is_text(event, "failed") && lock.resuming) {
    take_reason(lock, line, "reason", "the agent cannot take it now");
    await_next_agent(lock);
  } else if (is_text(event, "failed")) {
    take_reason(lock, line, "reason", "the agent cannot take it now");
    static_cast<void>(finish(lock, JETON_LOCK_UNAVAILABLE, nullptr));
  } else if (is_text(event, "lost")) {
    take_loss(lock, line);
    static_cast<void>(finish(lock, JETON_LOCK_LOST, nullptr));
  }
}

// Behind `header` in the head of the answer; nullptr: it is not there.
const char* find_header(Json head, const char* header) {
  const std::size_t size = std::strlen(header);
  const void* found = ::memmem(head.begin, static_cast<std::size_t>(head.end - head.begin), header, size);
  return found == nullptr ? nullptr : static_cast<const char*>(found) + size;
}

// "HTTP/1.1 200 OK", headers, an empty line. False: more is to come.
bool take_head(jeton_lock& lock) {
  const char* end = static_cast<const char*>(::memmem(lock.buffer, lock.size, "\r\n\r\n", 4));
  if (end == nullptr) return false;
  const Json head = {lock.buffer, end + 2};
  lock.agent_keeps = find_header(head, "\r\nConnection: keep-alive\r\n") != nullptr;
  lock.content_size = 0;
  const char* digits = find_header(head, "\r\nContent-Length: ");
  for (; digits != nullptr && *digits >= '0' && *digits <= '9' && lock.content_size < sizeof(lock.buffer); ++digits) {
    lock.content_size = lock.content_size * 10 + static_cast<std::size_t>(*digits - '0');
  }
  lock.http_status = 500;
  if (end - lock.buffer > 12 && std::memcmp(lock.buffer, "HTTP/1.", 7) == 0) {
    int status = 0;
    for (const char* digit = lock.buffer + 9; digit < lock.buffer + 12; ++digit) status = status * 10 + (*digit - '0');
    lock.http_status = status;
  }
  const std::size_t used = static_cast<std::size_t>(end - lock.buffer) + 4;
  std::memmove(lock.buffer, lock.buffer + used, lock.size - used);
  lock.size -= used;
  return true;
}

void take_lines(jeton_lock& lock) {
  if (lock.http_status == 0 && !take_head(lock)) return;
  while (lock.http_status == 200 && lock.fd >= 0) {
    const char* end = static_cast<const char*>(std::memchr(lock.buffer, '\n', lock.size));
    if (end == nullptr) return;
    const int fd = lock.fd;
    on_line(lock, {lock.buffer, end});
    if (lock.fd != fd || lock.http_status == 0) return;  // another connection, with a buffer of its own
    const std::size_t used = static_cast<std::size_t>(end - lock.buffer) + 1;
    std::memmove(lock.buffer, lock.buffer + used, lock.size - used);
    lock.size -= used;
  }
}

jeton_status refusal_of(int http_status, Json error) {
  Json code;
  switch (http_status) {
    case 403:
      return JETON_NO_PERMISSION;
    case 409:
      return JETON_LOCK_BUSY;
    case 429:
      return JETON_LOCK_LIMIT;
    case 503:
      return find_member(error, "code", code) && is_text(code, "coordinator_unreachable") ? JETON_LOCK_UNAVAILABLE
                                                                                          : JETON_LOCK_LIMIT;
    default:
      return JETON_AGENT_REFUSED;
  }
}

// A kept connection that the agent had ended before it read the request. A lock that was granted all the same ends with
// the connection.
bool asks_again(jeton_lock& lock) {
  if (!lock.reused || lock.state != LockState::waiting || lock.http_status != 0 || lock.size > 0) return false;
  close_connection(lock);
  static_cast<void>(ask_for(lock));
  return true;
}

// Its coordinator, or the room that other clients have, may be there soon.
bool may_pass(int http_status) { return http_status == 503 || http_status == 429; }

// The agent has closed the connection, or has said all of an answer that is no stream.
void on_end(jeton_lock& lock) {
  if (asks_again(lock)) return;
  const bool has_error = lock.http_status != 0 && lock.http_status != 200;
  Json error;
  if (!has_error || !find_member({lock.buffer, lock.buffer + lock.size}, "error", error)) error = {};
  if (has_error) take_reason(lock, error, "message", "the agent refused");
  if (lock.state == LockState::held && lock.resuming && has_error && !may_pass(lock.http_status)) {
    static_cast<void>(finish(lock, JETON_LOCK_LOST, nullptr));
  } else if ((lock.state == LockState::held || lock.state == LockState::releasing) && lock.outlives_agent) {
    lock.state = LockState::held;
    await_next_agent(lock);
  } else if (lock.state == LockState::held) {
    static_cast<void>(finish(lock, JETON_LOCK_LOST, "the connection to the agent ended"));
  } else if (lock.state == LockState::waiting && has_error) {
    static_cast<void>(finish(lock, refusal_of(lock.http_status, error), nullptr));
  } else {
    static_cast<void>(finish(lock, JETON_NO_AGENT, "the agent ended the connection; it may have been restarted"));
  }
}

}  // namespace

bool receive(jeton_lock& lock) noexcept {
  bool heard = false;
  while (lock.fd >= 0) {
    if (lock.size == sizeof(lock.buffer)) {
      on_end(lock);  // no line of the agent's is that long
      return true;
    }
    const ssize_t received = ::recv(lock.fd, lock.buffer + lock.size, sizeof(lock.buffer) - lock.size, MSG_DONTWAIT);
    if (received > 0) {
      lock.size += static_cast<std::size_t>(received);
      heard = true;
      take_lines(lock);
      const bool is_error = lock.fd >= 0 && lock.http_status != 0 && lock.http_status != 200;
      if (is_error && lock.content_size > 0 && lock.size >= lock.content_size) on_end(lock);
    } else if (received < 0 && errno == EINTR) {
      continue;
    } else if (received < 0 && errno == EAGAIN) {
      return heard;
    } else {
      on_end(lock);
      return true;
    }
  }
  return heard;
}

}  // namespace jeton::client
