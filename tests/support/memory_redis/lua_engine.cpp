#include "tests/support/memory_redis/lua_engine.hpp"

#include <lua.hpp>
#include <map>
#include <new>
#include <stdexcept>
#include <utility>

#include "agent/fleet/redis/client/command.hpp"
#include "tests/support/memory_redis/lua_values.hpp"

namespace jeton::test::memory_redis {
namespace {

// Sets up the functions that a script may use, and makes an undeclared name an error.
constexpr const char* sandbox = R"lua(
for _, name in ipairs({'print', 'dofile', 'loadfile', 'module', 'require', 'io', 'os', 'package', 'debug'}) do
  _G[name] = nil
end
function redis.error_reply(text) return {err = text} end
function redis.status_reply(text) return {ok = text} end
function redis.replicate_commands() return true end
setmetatable(_G, {
  __index = function(_, name)
    error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
  end,
  __newindex = function() error('Attempt to modify a readonly table', 2) end,
})
)lua";

int sha1hex(lua_State* lua) {
  std::size_t size = 0;
  const char* text = luaL_checklstring(lua, 1, &size);
  push_text(lua, agent::redis::Script({text, size}).sha1());
  return 1;
}

void set_global_list(lua_State* lua, const char* name, const Words& words) {
  lua_pushstring(lua, name);
  lua_createtable(lua, static_cast<int>(words.size()), 0);
  int i = 0;
  for (const std::string& word : words) {
    push_text(lua, word);
    lua_rawseti(lua, -2, ++i);
  }
  lua_rawset(lua, LUA_GLOBALSINDEX);
}

}  // namespace

struct LuaEngine::Interpreter {
  std::unique_ptr<lua_State, void (*)(lua_State*)> lua{luaL_newstate(), &lua_close};
  std::map<std::string, int> functions;  // by SHA-1: references into the registry of Lua
  Call call;                             // of the engine that has it
};

std::vector<std::unique_ptr<LuaEngine::Interpreter>>& LuaEngine::unused() {
  thread_local std::vector<std::unique_ptr<Interpreter>> interpreters;
  return interpreters;
}

LuaEngine::LuaEngine(Call call) {
  auto& left = unused();
  if (left.empty()) {
    interpreter_ = std::make_unique<Interpreter>();
    install();
  } else {
    interpreter_ = std::move(left.back());
    left.pop_back();
  }
  interpreter_->call = std::move(call);
}

LuaEngine::~LuaEngine() {
  interpreter_->call = nullptr;
  unused().push_back(std::move(interpreter_));
}

lua_State* LuaEngine::state() const { return interpreter_->lua.get(); }

void LuaEngine::install() {
  lua_State* lua = state();
  if (lua == nullptr) throw std::bad_alloc();
  lua_gc(lua, LUA_GCSETPAUSE, 1000);  // a script leaves little behind: seldom is enough
  luaL_openlibs(lua);
  lua_newtable(lua);
  const auto add = [&](const char* name, lua_CFunction function) {
    lua_pushlightuserdata(lua, interpreter_.get());
    lua_pushcclosure(lua, function, 1);
    lua_setfield(lua, -2, name);
  };
  add("call", &LuaEngine::call_or_raise);
  add("pcall", &LuaEngine::call_protected);
  add("sha1hex", &sha1hex);
  lua_setglobal(lua, "redis");
  if (luaL_dostring(lua, sandbox) != 0) throw std::logic_error(lua_tostring(lua, -1));
}

// Lua jumps out of a function that raises an error, over destructors: invoke() has none left when this does.
int LuaEngine::call_or_raise(lua_State* lua) {
  if (!invoke(lua)) return lua_error(lua);
  return 1;
}

int LuaEngine::call_protected(lua_State* lua) {
  invoke(lua);
  return 1;
}

bool LuaEngine::invoke(lua_State* lua) {
  const auto* interpreter = static_cast<Interpreter*>(lua_touserdata(lua, lua_upvalueindex(1)));
  Reply reply;
  if (const auto words = words_on_stack(lua)) {
    reply = interpreter->call(*words);
  } else {
    reply = Reply::error("ERR Lua redis lib command arguments must be strings or integers");
  }
  push_reply(lua, reply);
  if (!reply.is_error()) return true;
  lua_Debug where{};
  if (lua_getstack(lua, 1, &where) != 0 && lua_getinfo(lua, "l", &where) != 0) {
    lua_pushinteger(lua, where.currentline);
    lua_setfield(lua, -2, "line");
  }
  return false;
}

Reply LuaEngine::compile(const std::string& text, const std::string& sha1) {
  if (interpreter_->functions.contains(sha1)) return Reply::ok();
  lua_State* lua = state();
  if (luaL_loadbuffer(lua, text.data(), text.size(), "@user_script") == 0) {
    interpreter_->functions.emplace(sha1, luaL_ref(lua, LUA_REGISTRYINDEX));
    return Reply::ok();
  }
  const std::string problem = lua_tostring(lua, -1);
  lua_pop(lua, 1);
  return Reply::error("ERR Error compiling script (new function): " + problem);
}

Reply LuaEngine::run(const std::string& sha1, const Words& keys, const Words& arguments) {
  lua_State* lua = state();
  set_global_list(lua, "KEYS", keys);
  set_global_list(lua, "ARGV", arguments);
  lua_rawgeti(lua, LUA_REGISTRYINDEX, interpreter_->functions.at(sha1));
  const bool failed = lua_pcall(lua, 0, 1, 0) != 0;
  Reply reply = failed ? failure(sha1) : reply_on_stack(lua);
  lua_settop(lua, 0);
  return reply;
}

Reply LuaEngine::failure(const std::string& sha1) {
  lua_State* lua = state();
  std::string line;
  std::string problem;
  if (lua_istable(lua, -1)) {
    problem = text_field(lua, "err");
    line = text_field(lua, "line");
  } else {
    const char* text = lua_tostring(lua, -1);
    problem = std::string("ERR ") + (text == nullptr ? "unknown error" : text);
  }
  return Reply::error(problem + " script: " + sha1 + ", on @user_script" + (line.empty() ? "" : ":" + line) + ".");
}

}  // namespace jeton::test::memory_redis
