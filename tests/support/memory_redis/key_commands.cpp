// Commands about keys of every type: whether they are there, and for how long.
#include <algorithm>

#include "tests/support/memory_redis/commands.hpp"
#include "tests/support/memory_redis/memory_server.hpp"

namespace jeton::test::memory_redis {
namespace {

Reply del(CommandContext& c, const Words& words) {
  const auto gone = std::count_if(words.begin() + 1, words.end(),
                                  [&](const std::string& key) { return c.keys.erase(key, c.now_ms()); });
  return Reply::number(gone);
}

Reply exists(CommandContext& c, const Words& words) {
  const auto found = std::count_if(words.begin() + 1, words.end(),
                                   [&](const std::string& key) { return c.keys.find(key, c.now_ms()) != nullptr; });
  return Reply::number(found);
}

Reply type(CommandContext& c, const Words& words) {
  static constexpr const char* names[] = {"string", "hash", "list"};
  const Entry* entry = c.keys.find(words[1], c.now_ms());
  return Reply::status(entry == nullptr ? "none" : names[entry->value.index()]);
}

// -2: not there, -1: without an end; else what `of` makes of the end.
template <typename Of>
Reply about_expiry(CommandContext& c, const std::string& key, Of of) {
  const Entry* entry = c.keys.find(key, c.now_ms());
  if (entry == nullptr) return Reply::number(-2);
  if (!entry->expires_at_ms) return Reply::number(-1);
  return Reply::number(of(*entry->expires_at_ms));
}

Reply pttl(CommandContext& c, const Words& words) {
  return about_expiry(c, words[1], [&](std::int64_t end) { return end - c.now_ms(); });
}

Reply ttl(CommandContext& c, const Words& words) {
  return about_expiry(c, words[1], [&](std::int64_t end) { return (end - c.now_ms() + 500) / 1000; });
}

Reply pexpiretime(CommandContext& c, const Words& words) {
  return about_expiry(c, words[1], [](std::int64_t end) { return end; });
}

Reply expire_at(CommandContext& c, const std::string& key, std::int64_t end_ms) {
  Entry* entry = c.keys.find(key, c.now_ms());
  if (entry == nullptr) return Reply::number(0);
  if (end_ms <= c.now_ms()) {
    c.keys.erase(key, c.now_ms());
  } else {
    entry->expires_at_ms = end_ms;
    c.keys.changed(key);
  }
  return Reply::number(1);
}

Reply pexpire(CommandContext& c, const Words& words) {
  return expire_at(c, words[1], c.now_ms() + to_integer(words[2]));
}

Reply expire(CommandContext& c, const Words& words) {
  return expire_at(c, words[1], c.now_ms() + to_integer(words[2]) * 1000);
}

Reply pexpireat(CommandContext& c, const Words& words) { return expire_at(c, words[1], to_integer(words[2])); }

Reply persist(CommandContext& c, const Words& words) {
  Entry* entry = c.keys.find(words[1], c.now_ms());
  if (entry == nullptr || !entry->expires_at_ms) return Reply::number(0);
  entry->expires_at_ms.reset();
  c.keys.changed(words[1]);
  return Reply::number(1);
}

// Only the patterns "*" and "prefix*" are known.
Reply keys(CommandContext& c, const Words& words) {
  const std::string& pattern = words[1];
  if (pattern.find_first_of("*?[\\") != pattern.size() - 1 || pattern.back() != '*') {
    throw CommandError("ERR this server knows no such pattern");
  }
  std::vector<Reply> found;
  for (std::string& key : c.keys.keys(c.now_ms())) {
    if (key.starts_with(pattern.substr(0, pattern.size() - 1))) found.push_back(Reply::bulk(std::move(key)));
  }
  return Reply::array(std::move(found));
}

Reply dbsize(CommandContext& c, const Words&) {
  return Reply::number(static_cast<std::int64_t>(c.keys.keys(c.now_ms()).size()));
}

Reply flushall(CommandContext& c, const Words&) {
  c.server.flush(std::nullopt);
  return Reply::ok();
}

Reply flushdb(CommandContext& c, const Words&) {
  c.server.flush(c.session.database);
  return Reply::ok();
}

}  // namespace

std::vector<NamedCommand> key_commands() {
  return {{"DEL", {-2, del}},           {"EXISTS", {-2, exists}},  {"TYPE", {2, type}},
          {"PTTL", {2, pttl}},          {"TTL", {2, ttl}},         {"PEXPIRETIME", {2, pexpiretime}},
          {"PEXPIRE", {3, pexpire}},    {"EXPIRE", {3, expire}},   {"PEXPIREAT", {3, pexpireat}},
          {"PERSIST", {2, persist}},    {"KEYS", {2, keys}},       {"DBSIZE", {1, dbsize}},
          {"FLUSHALL", {-1, flushall}}, {"FLUSHDB", {-1, flushdb}}};
}

}  // namespace jeton::test::memory_redis
