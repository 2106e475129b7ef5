#include "libclient/ctl/segments.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "libclient/ctl/output.hpp"

namespace jeton::ctl {
namespace {

constexpr std::size_t near_miss = 2;            // edits
constexpr Milliseconds shortest_patience{500};  // with the agent, however little time is left
constexpr int busy_retries = 1000;              // the agent publishes faster than a segment can be read: never for long

// Levenshtein's distance.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

// The order of the table: tokens that are not valid, then rejected ones, then valid ones, then those that this user may
// not read. In a group the token that ends first comes first.
std::pair<int, std::int64_t> urgency_of(const SegmentState& segment) {
  const int group = segment.state == "rejected" ? 1 : segment.state == "valid" ? 2 : segment.state == "denied" ? 3 : 0;
  return {group, segment.info ? segment.info->raw().expires_at_ms : 0};
}

Options options_for(const std::filesystem::path& dir) {
  Options options;
  options.directory = dir;
  options.allow_missing = true;
  return options;
}

}  // namespace

std::filesystem::path runtime_dir(const std::string& given) {
  if (!given.empty()) return given;
  const char* env = std::getenv("JETON_DIR");
  return env != nullptr && *env != '\0' ? env : usual_runtime_dir;
}

Token open_token(const std::filesystem::path& dir, const std::string& name) {
  try {
    return Token(name, options_for(dir));
  } catch (const Error& e) {
    throw refusal(e.status(), dir, name);
  }
}

std::optional<Generation> await_generation(const Token& token, Generation after, const Deadline& deadline,
                                           const std::filesystem::path& dir, const std::string& name) {
  for (;;) {
    const auto generation = token.wait_change(after, deadline.remaining());
    if (generation) return *generation;
    if (generation.status() != JETON_TIMED_OUT && generation.status() != JETON_BUSY) {
      throw refusal(generation.status(), dir, name);
    }
    if (deadline.passed()) return std::nullopt;
  }
}

bool is_token_name(const std::string& name) {
  const auto allowed = [](unsigned char c) { return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-'; };
  return !name.empty() && std::all_of(name.begin(), name.end(), allowed);
}

void check_name(const std::string& name) {
  if (!is_token_name(name)) throw refusal(JETON_INVALID_ARGUMENT, {}, name);
}

bool may_come(Status status) {
  return status == JETON_NO_TOKEN || status == JETON_EXPIRED || status == JETON_BUSY || status == JETON_NOT_FOUND;
}

std::string not_valid_text(Status status, const std::filesystem::path& dir, const std::string& name) {
  const std::string ask = "; `jetonctl status " + name + "` says why";
  if (status == JETON_EXPIRED) return "token '" + name + "' has expired and there is no new one" + ask;
  if (status == JETON_BUSY) return "token '" + name + "' changes faster than it can be read; try again";
  return "the agent of " + dir.string() + " has no token '" + name + "' yet" + ask;
}

Failure refusal(Status status, const std::filesystem::path& dir, const std::string& name) {
  const std::string where = "token '" + name + "' in " + dir.string() + ": ";
  switch (status.code()) {
    case JETON_NO_PERMISSION:
      return {Exit::unreachable, where + "permission denied; ask an administrator to add your user to tokens." + name +
                                     ".access.users, or one of your groups to tokens." + name +
                                     ".access.groups in the agent's configuration"};
    case JETON_INVALID_ARGUMENT:
      return {Exit::error, "'" + name + "' is not a token name: use letters, digits, '.', '_' and '-'"};
    case JETON_SYSTEM_ERROR:
      return {Exit::error, where + std::generic_category().message(errno)};
    default:
      return {Exit::error, where + status.text()};
  }
}

std::string no_agent_text(const std::filesystem::path& dir) {
  std::error_code ignored;  // a path that cannot be checked may exist
  for (const std::filesystem::path& path : {dir, dir / "segments"}) {
    if (std::filesystem::status(path, ignored).type() != std::filesystem::file_type::not_found) continue;
    return "no agent has run here: " + path.string() +
           " does not exist; start jeton-agent, or name its runtime_dir with --dir";
  }
  return {};
}

std::string remedy_for(const ApiAnswer& answer) {
  return answer.absent ? "start jeton-agent" : "`systemctl status jeton-agent` and its log say more";
}

Failure no_answer(const std::filesystem::path& dir, const ApiAnswer& answer) {
  const std::string text = no_agent_text(dir);
  return {Exit::unreachable,
          text.empty() ? "the agent does not answer: " + answer.why() + "; " + remedy_for(answer) : text};
}

std::string no_segment_text(const std::filesystem::path& dir, const std::string& name, const ApiAnswer& answer) {
  return "there is no token '" + name + "' in " + dir.string() + " (there: " + joined(segment_names(dir)) +
         ") and the agent does not answer: " + answer.why() + "; " + remedy_for(answer);
}

std::string why_missing(const std::filesystem::path& dir, const std::string& name, const Deadline& deadline) {
  const Milliseconds left = deadline.remaining().value_or(ApiClient::usual_patience);
  const ApiAnswer answer =
      ApiClient(dir).get("/v1/status", std::clamp(left, shortest_patience, ApiClient::usual_patience));
  if (answer.ok()) {
    const std::vector<std::string> known = token_names(answer.body);
    if (std::find(known.begin(), known.end(), name) != known.end()) return {};
    throw Failure(Exit::error, unknown_token_text(name, known));
  }
  if (std::string text = no_agent_text(dir); !text.empty()) return text;
  return no_segment_text(dir, name, answer);
}

void say_what_is_missing(const std::filesystem::path& dir, const std::string& name, const Deadline& deadline) {
  const std::string text = why_missing(dir, name, deadline);
  if (!text.empty()) say(text + "; waiting");
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

std::string unknown_token_text(const std::string& name, const std::vector<std::string>& known) {
  std::string text = "no token '" + name + "' is configured";
  const auto nearest = std::min_element(
      known.begin(), known.end(), [&](const auto& a, const auto& b) { return distance(name, a) < distance(name, b); });
  if (nearest != known.end() && distance(name, *nearest) <= near_miss) text += "; did you mean '" + *nearest + "'?";
  return text + (text.back() == '?' ? " known: " : "; known: ") + joined(known);
}

void check_known(const ApiClient& agent, const std::string& name, const ApiAnswer& answer) {
  if (answer.error_code() != "unknown_token") return;
  throw Failure(Exit::error, unknown_token_text(name, token_names(agent.get("/v1/status").body)));
}

std::vector<std::string> token_names(const Json& status) {
  std::vector<std::string> names;
  if (!status.is_object() || !status.contains("tokens")) return names;
  for (const Json& token : status["tokens"]) names.push_back(token.value("name", ""));
  return names;
}

SegmentState segment_state(const Token& token, const std::string& name) {
  auto info = token.inspect();
  for (int n = 0; n < busy_retries && info.status() == JETON_BUSY; ++n) info = token.inspect();
  if (info) {
    const char* state = info->expired() ? "expired" : info->rejected() ? "rejected" : "valid";
    return {name, state, {}, *info};
  }
  switch (info.status().code()) {
    case JETON_NO_TOKEN:
      return {name, "none", {}, {}};
    case JETON_NOT_FOUND:
      return {name, "missing", {}, {}};
    case JETON_NO_PERMISSION:
      return {name, "denied", "permission denied", {}};
    default:
      return {name, "unreadable", info.status().text(), {}};
  }
}

std::vector<std::string> segment_names(const std::filesystem::path& dir) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(dir / "segments", error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (!name.empty() && std::isalnum(static_cast<unsigned char>(name.front())) != 0) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<SegmentState> all_segments(const std::filesystem::path& dir) {
  std::vector<SegmentState> states;
  for (const std::string& name : segment_names(dir)) {
    auto token = Token::try_open(name, options_for(dir));
    if (token) {
      states.push_back(segment_state(*token, name));
    } else if (token.status() == JETON_NO_PERMISSION) {
      states.push_back({name, "denied", "permission denied", {}});
    } else {
      states.push_back({name, "unreadable", token.status().text(), {}});
    }
  }
  return states;
}

std::string segments_text(std::vector<SegmentState> segments) {
  constexpr std::size_t state_column = 8;
  constexpr std::size_t generation_column = 16;
  constexpr std::size_t time_column = 10;
  if (segments.empty()) return "no segments\n";
  std::stable_sort(segments.begin(), segments.end(),
                   [](const SegmentState& a, const SegmentState& b) { return urgency_of(a) < urgency_of(b); });
  std::size_t names = 0;
  for (const SegmentState& segment : segments) names = std::max(names, segment.name.size());
  std::string out = heading({{"NAME", names},
                             {"STATE", state_column},
                             {"GENERATION", generation_column},
                             {"EXPIRES IN", time_column, true},
                             {"AGENT SEEN", time_column, true},
                             {"NOTE"}});
  for (const SegmentState& segment : segments) {
    std::string generation = "-";
    std::string expires = "-";
    std::string seen = "-";
    if (segment.info) {
      const jeton_info& info = segment.info->raw();
      generation = std::to_string(info.generation);
      expires = left_text(info.expires_at_ms - unix_ms_now());
      if (info.heartbeat_age_ms >= 0) seen = duration_text(info.heartbeat_age_ms) + " ago";
    }
    out += row({{segment.name, names},
                {segment.state, state_column, false, colour_of(segment.state)},
                {generation, generation_column},
                {expires, time_column, true},
                {seen, time_column, true},
                {printable(segment.problem)}});
  }
  return out;
}

}  // namespace jeton::ctl
