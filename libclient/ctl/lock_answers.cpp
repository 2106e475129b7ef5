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
  throw Failure(Exit::error, "'" + printable(name) +
                                 "' is no name of a lock; expected 1 to 128 of A-Z a-z 0-9 . _ : -, the first a letter "
                                 "or digit");
}

std::string busy_text(const std::string& name, const Json& answer, Milliseconds waited) {
  std::string text = "lock '" + name + "' is held";
  if (answer.contains("holder") && answer["holder"].is_string()) {
    text += " by " + printable(answer["holder"].get<std::string>());
  }
  if (answer.contains("trouble") && answer["trouble"].is_string()) {
    return text + ": " + printable(answer["trouble"].get<std::string>());
  }
  text += ", for " + duration_text(answer.value("holder_ttl_ms", std::int64_t{0})) + " at most unless renewed";
  if (waited.count() > 0) text += "; waited " + duration_text(waited.count());
  return text;
}

Failure run_refusal(const std::string& name, const Json& event, Milliseconds waited) {
  ApiAnswer answer;
  answer.status = event.value("status", 500L);
  answer.body = event["body"].is_discarded() ? Json() : event["body"];
  if (answer.error_code() == "busy") return Failure(Exit::not_obtained, busy_text(name, answer.body, waited));
  return lock_refusal(name, answer, waited);
}

Failure lock_refusal(const std::string& name, const ApiAnswer& answer, Milliseconds waited) {
  if (!answer.problem.empty()) {
    return Failure(Exit::unreachable, "the agent does not answer: " + answer.problem + "; start jeton-agent");
  }
  const std::string code = answer.error_code();
  const std::string why = answer.error_message().empty() ? "the agent answered " + std::to_string(answer.status)
                                                         : printable(answer.error_message());
  if (code == "busy") return Failure(Exit::timed_out, busy_text(name, answer.body, waited));
  if (code == "not_held") return Failure(Exit::not_held, why);
  if (code == "bad_request") return Failure(Exit::error, why);
  return Failure(Exit::unreachable, why);
}

}  // namespace jeton::ctl
