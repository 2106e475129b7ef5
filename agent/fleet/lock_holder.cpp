#include "agent/fleet/lock_holder.hpp"

#include <charconv>
#include <chrono>

#include "agent/config/text/values.hpp"

namespace jeton::agent {
namespace {

constexpr std::string_view before_uid = " uid ";
constexpr std::string_view before_pid = " pid ";
constexpr std::size_t longest_text = 320;  // a name of a host has 253 characters at most

// Takes the number off the end of the text, and the words before it.
template <typename Number>
bool take_number(std::string_view& text, std::string_view before, Number& number) {
  const std::size_t at = text.rfind(before);
  if (at == std::string_view::npos) return false;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + at + before.size(), end, number);
  text = text.substr(0, at);
  return parsed.ec == std::errc{} && parsed.ptr == end;
}

}  // namespace

std::string lock_holder_text(const std::optional<LockHolder>& holder) {
  if (!holder) return {};
  return holder->host + std::string(before_uid) + std::to_string(holder->uid) + std::string(before_pid) +
         std::to_string(holder->pid);
}

std::optional<LockHolder> parse_lock_holder(std::string_view text) {
  LockHolder holder;
  if (text.size() > longest_text || !take_number(text, before_pid, holder.pid)) return {};
  if (!take_number(text, before_uid, holder.uid)) return {};
  holder.host = text;
  return holder;
}

std::string short_owner_id(const std::string& owner) {
  constexpr std::size_t shown = 8;
  return owner.size() <= shown ? owner : owner.substr(0, shown) + "...";
}

std::string holder_text(const LockNote& note, const std::string& owner) {
  std::string text = note.by ? lock_holder_text(note.by) : short_owner_id(owner);
  if (note.age) text += ", for " + format_duration(std::chrono::floor<std::chrono::seconds>(*note.age)) + " by now";
  return text;
}

bool is_same_user(const std::optional<LockHolder>& one, const std::optional<LockHolder>& other) {
  return one && other && one->host == other->host && one->uid == other->uid;
}

}  // namespace jeton::agent
