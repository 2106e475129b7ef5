// The tokens as the segments of this host show them, without the agent.
#pragma once

#include <cstdint>
#include <filesystem>
#include <jeton/client.hpp>
#include <optional>
#include <string>
#include <vector>

#include "libclient/ctl/api_client.hpp"
#include "libclient/ctl/duration.hpp"
#include "libclient/ctl/failure.hpp"

namespace jeton::ctl {

inline constexpr const char* usual_runtime_dir = "/run/jeton";
// $JETON_DIR or the usual one, unless `given` names another.
[[nodiscard]] std::filesystem::path runtime_dir(const std::string& given);

// Opens a token whether or not it is there yet. Throws Failure.
[[nodiscard]] Token open_token(const std::filesystem::path& dir, const std::string& name);

// Waits for a valid token whose generation is above `after`. Nothing: there was none in time. Throws Failure.
[[nodiscard]] std::optional<Generation> await_generation(const Token& token, Generation after, const Deadline& deadline,
                                                         const std::filesystem::path& dir, const std::string& name);

[[nodiscard]] bool is_token_name(const std::string& name);
// Throws Failure if it is none: it would not be a path below /v1/tokens either.
void check_name(const std::string& name);

// True for states that may change while a command waits: no token yet, expired, busy, not there.
[[nodiscard]] bool may_come(Status status);
// The reason why there is no valid token although may_come(); for a missing segment, why_missing().
[[nodiscard]] std::string not_valid_text(Status status, const std::filesystem::path& dir, const std::string& name);
// The reason why a token cannot be read, and the action to take.
[[nodiscard]] Failure refusal(Status status, const std::filesystem::path& dir, const std::string& name);

// "no agent has run here: ... does not exist; ..."; empty: one has.
[[nodiscard]] std::string no_agent_text(const std::filesystem::path& dir);
// "start jeton-agent", or what to look at if there is one, which gave such an answer.
[[nodiscard]] std::string remedy_for(const ApiAnswer& answer);
// No agent has run here; or it does not answer because of `answer.problem`.
[[nodiscard]] Failure no_answer(const std::filesystem::path& dir, const ApiAnswer& answer);
// There is no segment of this name, and the agent gave this answer, which is none or an error.
[[nodiscard]] std::string no_segment_text(const std::filesystem::path& dir, const std::string& name,
                                          const ApiAnswer& answer);
// The reason why there is no segment of this name, and the action to take. Empty: the agent knows the token, but has no
// segment of it yet. Throws Failure (error) if the agent does not know the name either. The deadline is that of the
// command; an agent that hangs holds it up for half a second more at most.
[[nodiscard]] std::string why_missing(const std::filesystem::path& dir, const std::string& name,
                                      const Deadline& deadline);
// The same for a command that waits: prints the reason first, because it may wait without end.
void say_what_is_missing(const std::filesystem::path& dir, const std::string& name, const Deadline& deadline);

// "a, b", or "none".
[[nodiscard]] std::string joined(const std::vector<std::string>& names);
// "no token 'wechatt' is configured; did you mean 'wechat'? known: ..."
[[nodiscard]] std::string unknown_token_text(const std::string& name, const std::vector<std::string>& known);
// Throws Failure with that text if this is the `answer` of an agent that does not know the token.
void check_known(const ApiClient& agent, const std::string& name, const ApiAnswer& answer);
// The names of the tokens in an answer of /v1/status.
[[nodiscard]] std::vector<std::string> token_names(const Json& status);

// One token in a state that a person understands.
struct SegmentState {
  std::string name;
  std::string
      state;  // valid, rejected (valid, but a user of it was refused), expired, none, missing, denied, unreadable
  std::string problem;  // of denied and unreadable
  std::optional<Info> info;
};
[[nodiscard]] SegmentState segment_state(const Token& token, const std::string& name);
// The names of all segments in the directory, sorted.
[[nodiscard]] std::vector<std::string> segment_names(const std::filesystem::path& dir);
// The states of all segments in the directory, by name.
[[nodiscard]] std::vector<SegmentState> all_segments(const std::filesystem::path& dir);
// As a table for people, the worst first; those that this user may not read are the last.
[[nodiscard]] std::string segments_text(std::vector<SegmentState> segments);

}  // namespace jeton::ctl
