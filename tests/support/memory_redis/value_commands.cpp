// Commands that read and write strings, hashes and lists.
#include <algorithm>

#include "tests/support/memory_redis/commands.hpp"

namespace jeton::test::memory_redis {
namespace {

Reply bulk_or_nil(const std::string* text) { return text == nullptr ? Reply::nil() : Reply::bulk(*text); }

Reply get(CommandContext& c, const Words& words) {
  return bulk_or_nil(c.keys.find_as<std::string>(words[1], c.now_ms()));
}

struct SetOptions {
  bool if_missing = false;
  bool if_there = false;
  bool return_old = false;
  bool keep_ttl = false;
  std::optional<std::int64_t> expires_at_ms;
};

SetOptions set_options(const Words& words, std::int64_t now_ms) {
  SetOptions options;
  for (std::size_t i = 3; i < words.size(); ++i) {
    const std::string option = upper_case(words[i]);
    if (option == "NX") {
      options.if_missing = true;
    } else if (option == "XX") {
      options.if_there = true;
    } else if (option == "GET") {
      options.return_old = true;
    } else if (option == "KEEPTTL") {
      options.keep_ttl = true;
    } else if ((option == "PX" || option == "EX" || option == "PXAT") && i + 1 < words.size()) {
      const std::int64_t number = to_integer(words[++i]);
      if (number <= 0) throw CommandError("ERR invalid expire time in 'set' command");
      options.expires_at_ms = option == "PXAT" ? number : now_ms + number * (option == "EX" ? 1000 : 1);
    } else {
      throw CommandError("ERR syntax error");
    }
  }
  if (options.if_missing && options.if_there) throw CommandError("ERR syntax error");
  return options;
}

Reply set(CommandContext& c, const Words& words) {
  const SetOptions options = set_options(words, c.now_ms());
  const Entry* there = c.keys.find(words[1], c.now_ms());
  Reply old = options.return_old ? get(c, words) : Reply::nil();
  const bool refused = (options.if_missing && there != nullptr) || (options.if_there && there == nullptr);
  if (refused) return old;
  std::optional<std::int64_t> end = options.expires_at_ms;
  if (options.keep_ttl && there != nullptr) end = there->expires_at_ms;
  c.keys.put(words[1], Entry{words[2], end});
  return options.return_old ? old : Reply::ok();
}

Reply setnx(CommandContext& c, const Words& words) {
  if (c.keys.find(words[1], c.now_ms()) != nullptr) return Reply::number(0);
  c.keys.put(words[1], Entry{words[2], {}});
  return Reply::number(1);
}

Reply getset(CommandContext& c, const Words& words) {
  Reply old = get(c, words);
  c.keys.put(words[1], Entry{words[2], {}});
  return old;
}

Reply incr(CommandContext& c, const Words& words) {
  const std::string* text = c.keys.find_as<std::string>(words[1], c.now_ms());
  const std::int64_t number = (text == nullptr ? 0 : to_integer(*text)) + 1;
  c.keys.get_or_make<std::string>(words[1], c.now_ms()) = std::to_string(number);
  c.keys.changed(words[1]);
  return Reply::number(number);
}

const std::string* field_of(CommandContext& c, const std::string& key, const std::string& field) {
  const Hash* hash = c.keys.find_as<Hash>(key, c.now_ms());
  if (hash == nullptr) return nullptr;
  const auto found = hash->find(field);
  return found == hash->end() ? nullptr : &found->second;
}

Reply hget(CommandContext& c, const Words& words) { return bulk_or_nil(field_of(c, words[1], words[2])); }

Reply hmget(CommandContext& c, const Words& words) {
  std::vector<Reply> values;
  for (std::size_t i = 2; i < words.size(); ++i) values.push_back(bulk_or_nil(field_of(c, words[1], words[i])));
  return Reply::array(std::move(values));
}

Reply hgetall(CommandContext& c, const Words& words) {
  std::vector<Reply> all;
  const Hash* hash = c.keys.find_as<Hash>(words[1], c.now_ms());
  if (hash == nullptr) return Reply::array({});
  for (const auto& [field, value] : *hash) {
    all.push_back(Reply::bulk(field));
    all.push_back(Reply::bulk(value));
  }
  return Reply::array(std::move(all));
}

Reply hset(CommandContext& c, const Words& words) {
  if (words.size() % 2 != 0) throw CommandError("ERR wrong number of arguments for 'hset' command");
  Hash& hash = c.keys.get_or_make<Hash>(words[1], c.now_ms());
  std::int64_t added = 0;
  for (std::size_t i = 2; i < words.size(); i += 2) added += hash.insert_or_assign(words[i], words[i + 1]).second;
  c.keys.changed(words[1]);
  return Reply::number(added);
}

Reply hdel(CommandContext& c, const Words& words) {
  Hash* hash = c.keys.find_as<Hash>(words[1], c.now_ms());
  if (hash == nullptr) return Reply::number(0);
  std::size_t gone = 0;
  for (std::size_t i = 2; i < words.size(); ++i) gone += hash->erase(words[i]);
  if (hash->empty()) {
    c.keys.erase(words[1], c.now_ms());
  } else if (gone > 0) {
    c.keys.changed(words[1]);
  }
  return Reply::number(static_cast<std::int64_t>(gone));
}

Reply rpush(CommandContext& c, const Words& words) {
  List& list = c.keys.get_or_make<List>(words[1], c.now_ms());
  list.insert(list.end(), words.begin() + 2, words.end());
  c.keys.changed(words[1]);
  return Reply::number(static_cast<std::int64_t>(list.size()));
}

}  // namespace

std::vector<NamedCommand> value_commands() {
  return {{"GET", {2, get}},    {"SET", {-3, set}},   {"SETNX", {3, setnx}},  {"GETSET", {3, getset}},
          {"INCR", {2, incr}},  {"HGET", {3, hget}},  {"HMGET", {-3, hmget}}, {"HGETALL", {2, hgetall}},
          {"HSET", {-4, hset}}, {"HDEL", {-3, hdel}}, {"RPUSH", {-3, rpush}}};
}

}  // namespace jeton::test::memory_redis
