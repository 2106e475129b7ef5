#include "tests/fuzz/client_trial.hpp"

#include <jeton/jeton.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <vector>

#include "libclient/src/clock.hpp"
#include "libclient/src/json_scan.hpp"
#include "libclient/src/lock_handle.hpp"
#include "tests/fuzz/message_check.hpp"

namespace jeton::fuzz {
namespace {

using client::Json;
using client::LockState;

bool lies_in(Json part, Json whole) {
  return part.begin >= whole.begin && part.begin <= part.end && part.end <= whole.end;
}

// In memory that ends where the text does.
std::string json_complaint(std::string_view text) {
  const std::vector<char> bytes(text.begin(), text.end());
  const Json whole{bytes.data(), bytes.data() + bytes.size()};
  for (const char* key : {"event", "fence", "locks", "reason"}) {
    Json value;
    if (!client::find_member(whole, key, value)) continue;
    if (!lies_in(value, whole)) return "a member outside of its object";
    std::array<char, 16> buffer{};
    if (client::read_text(value, buffer.data(), buffer.size()) &&
        ::strnlen(buffer.data(), buffer.size()) == buffer.size()) {
      return "a text without an end";
    }
    std::uint64_t number = 0;
    static_cast<void>(client::read_number(value, number));
    static_cast<void>(client::is_true(value));
    static_cast<void>(client::is_text(value, "acquired"));
    std::size_t items = 0;
    for (Json item; client::next_item(value, item); ++items) {
      if (!lies_in(item, whole) || items > text.size()) return "an item outside of its list";
    }
  }
  return {};
}

struct CloseLock {
  void operator()(jeton_lock* lock) const { jeton_lock_close(lock); }
};

std::unique_ptr<jeton_lock, CloseLock> open_lock(bool several) {
  const char* const also[] = {"b", "c"};
  jeton_lock_options options = JETON_LOCK_OPTIONS_INIT;
  options.directory = "/nonexistent";  // no agent comes after this one
  options.ttl_ms = 5000;
  options.also = also;
  options.also_count = several ? 2 : 0;
  jeton_lock* lock = nullptr;
  if (jeton_lock_open(&options, "a", &lock) != JETON_OK) throw std::runtime_error("jeton_lock_open");
  return std::unique_ptr<jeton_lock, CloseLock>(lock);
}

// Of a lock whose connection has ended.
std::string ended_complaint(const jeton_lock& lock, bool none_was_granted) {
  if (lock.size > sizeof(lock.buffer)) return "more bytes than there is room for";
  if (none_was_granted && lock.state == LockState::held) return "a lock that no agent granted";
  if (lock.fd >= 0) return "a connection that outlives its end";
  if (::strnlen(lock.reason, sizeof(lock.reason)) == sizeof(lock.reason)) return "a reason without an end";
  return lock.reason[0] == '\0' ? "" : message_complaint(lock.reason);
}

std::string lock_complaint(std::string_view text, unsigned how) {
  const auto lock = open_lock((how & 1U) != 0);
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw std::runtime_error("socketpair");
  }
  lock->pid = ::getpid();
  lock->fd = ends[0];
  lock->state = (how & 2U) != 0 ? LockState::held : LockState::waiting;
  lock->resuming = (how & 4U) != 0;
  lock->answer_by_boot_ms = lock->give_up_boot_ms = client::boot_now_ms() + 60'000;
  lock->valid_until_boot_ms = client::boot_now_ms() + 60'000;
  const bool grants = text.find("acquired") != std::string_view::npos;
  unsigned piece = how;
  while (!text.empty() && lock->fd >= 0) {
    const std::size_t size = std::min<std::size_t>(text.size(), piece < 16 ? text.size() : 1 + piece % 61);
    piece = piece * 5 + 17;
    if (::send(ends[1], text.data(), size, MSG_NOSIGNAL) < 0) break;
    text.remove_prefix(size);
    client::receive(*lock);
  }
  // At once. A close ends the connection only when no one else has the file: another process that looks at
  // /proc/PID/fd has it for a moment, and the end would come later.
  ::shutdown(ends[1], SHUT_WR);
  ::close(ends[1]);
  client::receive(*lock);
  std::string complaint = ended_complaint(*lock, (how & 2U) == 0 && !grants);
  // Held beyond its agent, it would be given back to the next one, which is waited for.
  client::finish(*lock, JETON_LOCK_LOST, nullptr);
  return complaint;
}

}  // namespace

std::string try_agent_bytes(std::string_view input) {
  if (input.size() < 2) return {};
  const std::string_view text = input.substr(2);
  return static_cast<unsigned char>(input[0]) % readers_of_the_client == 0
             ? json_complaint(text)
             : lock_complaint(text, static_cast<unsigned char>(input[1]));
}

}  // namespace jeton::fuzz
