#include <jeton/jeton.h>

#include "libclient/src/agent_call.hpp"
#include "libclient/src/opener.hpp"
#include "libclient/src/sized_struct.hpp"
#include "libclient/src/token.hpp"

namespace jeton::client {
namespace {

// The agent beats every five seconds; the heartbeat is wall-clock time, which may be stepped by a little.
constexpr std::int64_t stale_after_ms = 20'000;

jeton_status diagnose_token(const jeton_options& options, const char* name, std::int64_t& heartbeat_age_ms) {
  jeton_options any = options;
  any.flags = JETON_ALLOW_EXPIRED;
  jeton_token* token = nullptr;
  jeton_status status = jeton_open(&any, name, &token);
  if (status != JETON_OK) return status;
  const Mapping* mapping = token->current.load(std::memory_order_acquire);
  const std::int64_t heartbeat_ms = layout::load_relaxed(mapping->header().heartbeat_ms);
  if (heartbeat_ms > 0) heartbeat_age_ms = std::max<std::int64_t>(WallClock().ms() - heartbeat_ms, 0);
  jeton_info info = JETON_INFO_INIT;
  status = jeton_inspect(token, &info);
  jeton_close(token);
  if (status != JETON_OK) return status;
  if ((info.flags & JETON_FLAG_EXPIRED) != 0) return JETON_EXPIRED;
  return (info.flags & JETON_FLAG_REJECTED) != 0 ? JETON_REJECTED : JETON_OK;
}

// A live agent answers; one that is stopped or hangs still has its socket, but says nothing.
jeton_status diagnose_agent(const char* directory, std::int64_t heartbeat_age_ms) {
  int http_status = 0;
  switch (call_agent(directory, "GET", "/live", "", &http_status)) {
    case AgentAnswer::answered:
      return heartbeat_age_ms > stale_after_ms ? JETON_AGENT_STALE : JETON_OK;
    case AgentAnswer::silent:
      return JETON_AGENT_STALE;
    case AgentAnswer::not_asked:
      return JETON_SYSTEM_ERROR;
    case AgentAnswer::unreachable:
      break;
  }
  return JETON_NO_AGENT;
}

}  // namespace
}  // namespace jeton::client

extern "C" jeton_status jeton_diagnose(const jeton_options* given, const char* name, jeton_diagnosis* diagnosis) {
  jeton_options options = JETON_OPTIONS_INIT;
  if (given != nullptr && !jeton::client::copy_in(options, *given)) return JETON_INVALID_ARGUMENT;
  if (name == nullptr || diagnosis == nullptr || diagnosis->size <= sizeof(diagnosis->size)) {
    return JETON_INVALID_ARGUMENT;
  }
  if (!jeton::layout::is_token_name(name)) return JETON_INVALID_ARGUMENT;
  jeton_diagnosis found = JETON_DIAGNOSIS_INIT;
  found.token = jeton::client::diagnose_token(options, name, found.heartbeat_age_ms);
  found.agent = jeton::client::diagnose_agent(jeton::client::chosen_directory(options), found.heartbeat_age_ms);
  return jeton::client::copy_out(*diagnosis, found) ? JETON_OK : JETON_INVALID_ARGUMENT;
}
