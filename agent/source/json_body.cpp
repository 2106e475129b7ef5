#include "agent/source/json_body.hpp"

#include <string>

#include "agent/source/source.hpp"

namespace jeton::agent {
namespace {

[[noreturn]] void refuse_body(const std::string& what) { throw SourceError(SourceError::Kind::transient, what); }

// Counted before parsing, so that a bomb of brackets costs neither memory nor stack.
bool too_deep(std::string_view body) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < body.size(); ++i) {
    const char c = body[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > max_json_depth) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

}  // namespace

// An exception of the parser quotes what it read last, which may be the token: only its kind is passed on.
WipingJson parse_json_object(std::string_view body) {
  if (body.empty()) refuse_body("the provider's answer is empty");
  if (too_deep(body))
    refuse_body("the provider's answer is nested deeper than " + std::to_string(max_json_depth) + " levels");
  WipingJson json;
  try {
    json = parse_wiping_json(body);
  } catch (const WipingJson::parse_error& e) {
    if (e.byte > body.size()) {
      refuse_body("the provider's answer is truncated: the JSON ends in the middle, after " +
                  std::to_string(body.size()) + " bytes");
    }
    refuse_body("the provider's answer is not JSON (at byte " + std::to_string(e.byte) +
                "); is the URL of the source right?");
  } catch (const WipingJson::exception&) {
    refuse_body("the provider's answer holds a number out of range");
  }
  if (!json.is_object())
    refuse_body(std::string("the provider's answer is a JSON ") + json.type_name() + ", not an object");
  return json;
}

}  // namespace jeton::agent
