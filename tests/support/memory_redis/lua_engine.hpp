// Runs scripts as Redis does: Lua 5.1, KEYS and ARGV, redis.call and its like, no globals of the script's own, and
// Redis' rules for arguments and results. One script at a time; it cannot be stopped.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/memory_redis/resp.hpp"

struct lua_State;

namespace jeton::test::memory_redis {

class LuaEngine {
 public:
  // Executes a command for a script; does not throw.
  using Call = std::function<Reply(const Words& words)>;

  explicit LuaEngine(Call call);
  ~LuaEngine();
  LuaEngine(const LuaEngine&) = delete;
  LuaEngine& operator=(const LuaEngine&) = delete;

  // An error reply if it cannot be compiled. `sha1`: of the text, which is compiled once.
  [[nodiscard]] Reply compile(const std::string& text, const std::string& sha1);
  // Runs a script that was compiled.
  [[nodiscard]] Reply run(const std::string& sha1, const Words& keys, const Words& arguments);

 private:
  // A state of Lua with the scripts that it has compiled. An engine leaves it to the next one of its thread: a
  // simulation makes thousands of servers, and all run the same scripts, which keep nothing in it.
  struct Interpreter;
  static std::vector<std::unique_ptr<Interpreter>>& unused();
  [[nodiscard]] lua_State* state() const;
  void install();
  static int call_or_raise(lua_State* lua);
  static int call_protected(lua_State* lua);
  // Leaves one value on the stack; false: it is an error.
  static bool invoke(lua_State* lua);
  [[nodiscard]] Reply failure(const std::string& sha1);

  std::unique_ptr<Interpreter> interpreter_;
};

}  // namespace jeton::test::memory_redis
