// The places of the values in an answer, and the meaning of its errors, for every source that gets an answer.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/time.hpp"

namespace jeton::agent {

// One place in an answer.
struct AnswerPlace {
  enum class In { body, header, cookie };

  AnswerPlace() = default;
  // A pointer into the JSON of the body; implicit, because most places are one.
  AnswerPlace(const char* body_pointer) : name(body_pointer) {}
  AnswerPlace(std::string body_pointer) : name(std::move(body_pointer)) {}
  AnswerPlace(In where, std::string name_there) : in(where), name(std::move(name_there)) {}

  In in = In::body;
  std::string name{};        // RFC 6901 pointer, or the name of a header or cookie; empty: not looked for
  std::string inner_json{};  // the text there is JSON, and this points into it; empty: the text itself

  [[nodiscard]] bool empty() const { return name.empty(); }
  void clear() { *this = {}; }
  // The text of the configuration: "/data/token", "header X-Token", "cookie SID", "/data json /token".
  [[nodiscard]] std::string text() const {
    const char* const where = in == In::header ? "header " : in == In::cookie ? "cookie " : "";
    return where + name + (inner_json.empty() ? "" : " json " + inner_json);
  }
  bool operator==(const AnswerPlace&) const = default;
};

// The meaning of values at ResponseConfig::error, as text, and of statuses: of HTTP, or the exit status of a command.
// Without a rule, the status, the code of RFC 6749 and a pause that the provider asks for decide; an error in an answer
// with 2xx may pass.
struct ErrorRules {
  std::vector<std::string> permanent;
  std::vector<std::string> transient;
  std::vector<std::string> success{};  // no error; empty: 0, "", false and null are none
  std::vector<int> permanent_status{};
  std::vector<int> transient_status{};
  bool operator==(const ErrorRules&) const = default;
};

struct ResponseConfig {
  enum class Format {
    json,
    form,  // application/x-www-form-urlencoded: an object of texts
    text   // the whole body is the token; no pointer is used
  };
  AnswerPlace token = "/access_token";
  AnswerPlace refresh_token = "/refresh_token";  // a new one, of a grant that uses them
  AnswerPlace expires_in = "/expires_in";        // a lifetime from now; empty if only expires_at is set
  AnswerPlace expires_at;                        // unix time, RFC 3339 or an HTTP date
  std::optional<Milliseconds> expiry_unit;       // of numbers at either; nothing: see answer_expiry.hpp
  std::optional<Milliseconds> default_lifetime;  // if the answer names no end
  AnswerPlace type;
  AnswerPlace error;                              // present and no success: the fetch failed
  AnswerPlace error_message;                      // shown with it
  std::map<std::string, AnswerPlace> attributes;  // by name
  std::size_t max_body = 1024 * 1024;             // bytes
  ErrorRules error_rules{};
  Format format = Format::json;
  bool operator==(const ResponseConfig&) const = default;
};

}  // namespace jeton::agent
