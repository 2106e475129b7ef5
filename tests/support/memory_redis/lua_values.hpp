// Redis' rules for values between a script and the server. All use the top of the stack.
#pragma once

#include <optional>
#include <string>

#include "tests/support/memory_redis/resp.hpp"

struct lua_State;

namespace jeton::test::memory_redis {

void push_text(lua_State* lua, const std::string& text);
// Nil becomes false, a status {ok = ...}, an error {err = ...}.
void push_reply(lua_State* lua, const Reply& reply);
// A number loses its fraction, true is 1, false is nil, a table ends at its first nil.
[[nodiscard]] Reply reply_on_stack(lua_State* lua);
// The arguments of a function; none if one of them is neither a string nor a number, or there is none.
[[nodiscard]] std::optional<Words> words_on_stack(lua_State* lua);
// A field of the table on the top; empty if it is not there.
[[nodiscard]] std::string text_field(lua_State* lua, const char* name);

}  // namespace jeton::test::memory_redis
