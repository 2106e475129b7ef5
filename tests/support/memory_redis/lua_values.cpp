#include "tests/support/memory_redis/lua_values.hpp"

#include <array>
#include <cstdio>
#include <lua.hpp>

namespace jeton::test::memory_redis {
namespace {

// Every digit that a double can tell apart, as Redis writes it.
std::string digits_of(double number) {
  std::array<char, 64> digits{};
  std::snprintf(digits.data(), digits.size(), "%.17g", number);
  return digits.data();
}

std::string text_at(lua_State* lua, int index) {
  std::size_t size = 0;
  const char* text = lua_tolstring(lua, index, &size);
  return text == nullptr ? std::string() : std::string(text, size);
}

Reply table_on_stack(lua_State* lua) {
  if (std::string error = text_field(lua, "err"); !error.empty()) return Reply::error(std::move(error));
  if (std::string status = text_field(lua, "ok"); !status.empty()) return Reply::status(std::move(status));
  std::vector<Reply> elements;
  for (int i = 1;; ++i) {
    lua_rawgeti(lua, -1, i);
    const bool ended = lua_isnil(lua, -1);
    if (!ended) elements.push_back(reply_on_stack(lua));
    lua_pop(lua, 1);
    if (ended) return Reply::array(std::move(elements));
  }
}

}  // namespace

void push_text(lua_State* lua, const std::string& text) { lua_pushlstring(lua, text.data(), text.size()); }

void push_reply(lua_State* lua, const Reply& reply) {
  using Type = Reply::Type;
  switch (reply.type) {
    case Type::nil:
      lua_pushboolean(lua, 0);
      return;
    case Type::integer:
      lua_pushnumber(lua, static_cast<lua_Number>(reply.integer));
      return;
    case Type::bulk:
      push_text(lua, reply.text);
      return;
    case Type::status:
    case Type::error:
      lua_newtable(lua);
      push_text(lua, reply.text);
      lua_setfield(lua, -2, reply.is_error() ? "err" : "ok");
      return;
    case Type::array:
      break;
  }
  luaL_checkstack(lua, 4, "a reply is nested too deeply");
  lua_newtable(lua);
  int i = 0;
  for (const Reply& element : reply.elements) {
    push_reply(lua, element);
    lua_rawseti(lua, -2, ++i);
  }
}

Reply reply_on_stack(lua_State* lua) {
  switch (lua_type(lua, -1)) {
    case LUA_TSTRING:
      return Reply::bulk(text_at(lua, -1));
    case LUA_TNUMBER:
      return Reply::number(static_cast<std::int64_t>(lua_tonumber(lua, -1)));
    case LUA_TBOOLEAN:
      return lua_toboolean(lua, -1) != 0 ? Reply::number(1) : Reply::nil();
    case LUA_TTABLE:
      return table_on_stack(lua);
    default:
      return Reply::nil();
  }
}

std::optional<Words> words_on_stack(lua_State* lua) {
  Words words;
  for (int i = 1; i <= lua_gettop(lua); ++i) {
    const int type = lua_type(lua, i);
    if (type != LUA_TSTRING && type != LUA_TNUMBER) return std::nullopt;
    words.push_back(type == LUA_TNUMBER ? digits_of(lua_tonumber(lua, i)) : text_at(lua, i));
  }
  if (words.empty()) return std::nullopt;
  return words;
}

std::string text_field(lua_State* lua, const char* name) {
  lua_pushstring(lua, name);
  lua_rawget(lua, -2);
  std::string text = text_at(lua, -1);
  lua_pop(lua, 1);
  return text;
}

}  // namespace jeton::test::memory_redis
