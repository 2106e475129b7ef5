#include "libclient/ctl/lock_answers.hpp"

#include <algorithm>
#include <cctype>

#include "libclient/ctl/output.hpp"

namespace jeton::ctl {
void check_lock_name(const std::string& name) {
  const bool good =
      !name.empty() && name.size() <= 128 && std::isalnum(static_cast<unsigned char>(name.front())) != 0 &&
      std::all_of(name.begin(), name.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == ':' || c == '-';
      });
  if (good) return;
  throw Failure(Exit::error,
                "'" + printable(name) +
                    "' is not a lock name; expected 1 to 128 characters of A-Z a-z 0-9 . _ : -, the first a letter "
                    "or digit");
}

std::string named_in(const Json& event, const std::string& name) {
  const std::string named = text_of(event, "name");
  return named.empty() ? name : named;
}

std::string busy_text(const std::string& name, const Json& answer, Milliseconds waited) {
  std::string text = "lock '" + named_in(answer, name) + "' is held";
  const std::string owner = text_of(answer, "holder");
  const std::string by = text_of(answer, "holder_by");
  if (!by.empty()) {
    text += " by " + by + (owner.empty() ? "" : " (owner " + owner + ")");
  } else if (!owner.empty()) {
    text += " by " + owner;
  }
  if (const Json& held = member(answer, "holder_held_ms"); held.is_number_unsigned()) {
    text += " since " + time_text(unix_ms_now() - held.get<std::int64_t>());
  }
  if (const std::string trouble = text_of(answer, "trouble"); !trouble.empty()) return text + ": " + trouble;
  text += ", for " + duration_text(answer.value("holder_ttl_ms", std::int64_t{0})) + " at most unless renewed";
  if (waited.count() > 0) text += "; waited " + duration_text(waited.count());
  return text;
}

Failure run_refusal(const std::string& name, const Json& event, Milliseconds waited) {
  ApiAnswer answer;
  answer.status = event.value("status", 500L);
  const Json& body = member(event, "body");
  answer.body = body.is_discarded() ? Json() : body;
  if (answer.error_code() == "busy") return Failure(Exit::not_obtained, busy_text(name, answer.body, waited));
  return lock_refusal(name, answer, waited);
}

Failure lock_refusal(const std::string& name, const ApiAnswer& answer, Milliseconds waited) {
  const std::string code = answer.error_code();
  const std::string why = answer.error_message().empty() ? "the agent answered " + std::to_string(answer.status)
                                                         : printable(answer.error_message());
  if (code == "busy") return Failure(Exit::timed_out, busy_text(name, answer.body, waited));
  if (code == "not_held") return Failure(Exit::not_held, why);
  if (code == "bad_request") return Failure(Exit::error, why);
  return Failure(Exit::unreachable, why);
}

}  // namespace jeton::ctl
