#include <jeton/jeton.h>

#include <cinttypes>
#include <cstdio>

#include "libclient/src/agent_call.hpp"
#include "libclient/src/token.hpp"

namespace jeton::client {
namespace {

// The generation in the segment, expired or not.
jeton_status current_generation(jeton_token& token, std::uint64_t& generation) {
  Mapping* mapping = nullptr;
  Snapshot snapshot;
  const jeton_status status = read_token(token, &mapping, snapshot, [](const layout::SlotHeader&, const std::byte*) {});
  if (status == JETON_OK) generation = snapshot.slot.generation;
  return status;
}

jeton_status status_of_answer(int http_status) {
  switch (http_status) {
    case 200:
    case 202:
      return JETON_OK;
    case 403:
      return JETON_NO_PERMISSION;
    case 404:
      return JETON_NOT_FOUND;
    default:
      return JETON_AGENT_REFUSED;
  }
}

}  // namespace
}  // namespace jeton::client

extern "C" jeton_status jeton_rejected(jeton_token* token, uint64_t generation, uint64_t* current_generation) {
  if (token == nullptr || generation == 0) return JETON_INVALID_ARGUMENT;
  std::uint64_t current = 0;
  jeton_status status = jeton::client::current_generation(*token, current);
  if (status != JETON_OK) return status;
  if (current <= generation) {
    char path[sizeof("/v1/tokens//rejected") + jeton::layout::max_name_size];
    std::snprintf(path, sizeof(path), "/v1/tokens/%s/rejected", token->name);
    char body[64];
    std::snprintf(body, sizeof(body), "{\"generation\":%" PRIu64 "}", generation);
    int http_status = 0;
    const auto answer = jeton::client::call_agent(token->directory, "POST", path, body, &http_status);
    if (answer == jeton::client::AgentAnswer::not_asked) return JETON_SYSTEM_ERROR;
    if (answer != jeton::client::AgentAnswer::answered) return JETON_NO_AGENT;
    status = jeton::client::status_of_answer(http_status);
    if (status != JETON_OK) return status;
    // If the agent knew of a newer one, it is in the segment.
    status = jeton::client::current_generation(*token, current);
    if (status != JETON_OK) return status;
  }
  if (current_generation != nullptr) *current_generation = current;
  return JETON_OK;
}
