#include "agent/fleet/lock_holder.hpp"

#include <charconv>
#include <chrono>

#include "agent/config/text/values.hpp"

namespace jeton::agent {
namespace {

constexpr std::string_view before_uid = " uid ";
constexpr std::string_view before_pid = " pid ";
constexpr std::size_t longest_text = 320;  // a name of a host has 253 characters at most

template <typename Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::string lock_holder_text(const LockHolder& holder) {
  return holder.host + std::string(before_uid) + std::to_string(holder.uid) + std::string(before_pid) +
         std::to_string(holder.pid);
}

// From the end, where only numbers are possible: the name of a host may hold any text.
std::optional<LockHolder> parse_lock_holder(std::string_view text) {
  LockHolder holder;
  if (text.size() > longest_text) return {};
  const std::size_t pid = text.rfind(before_pid);
  if (pid == std::string_view::npos || !parse_number(text.substr(pid + before_pid.size()), holder.pid)) return {};
  text = text.substr(0, pid);
  const std::size_t uid = text.rfind(before_uid);
  if (uid == std::string_view::npos || !parse_number(text.substr(uid + before_uid.size()), holder.uid)) return {};
  holder.host = text.substr(0, uid);
  return holder;
}

std::string short_owner_id(const std::string& owner) {
  constexpr std::size_t shown = 8;
  return owner.size() <= shown ? owner : owner.substr(0, shown) + "...";
}

std::string holder_text(const LockNote& note, const std::string& owner) {
  std::string text = note.by ? lock_holder_text(*note.by) : short_owner_id(owner);
  if (note.age) text += ", for " + format_duration(std::chrono::floor<std::chrono::seconds>(*note.age)) + " by now";
  return text;
}

bool is_same_user(const std::optional<LockHolder>& one, const std::optional<LockHolder>& other) {
  return one && other && one->host == other->host && one->uid == other->uid;
}

}  // namespace jeton::agent
