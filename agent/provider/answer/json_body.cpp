#include "agent/provider/answer/json_body.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/base/excerpt.hpp"
#include "agent/provider/source.hpp"

namespace jeton::agent {
namespace {

[[noreturn]] void refuse_body(const std::string& what) {
  throw SourceError(SourceError::Kind::transient, "the provider's answer " + what);
}

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

// Finds a key that is repeated in one object: the parser would keep the last, another reader the first.
class DuplicateKeys {
 public:
  bool operator()(int /*depth*/, WipingJson::parse_event_t event, const WipingJson& parsed) {
    if (event == WipingJson::parse_event_t::object_start) open_.emplace_back();
    if (event == WipingJson::parse_event_t::object_end && !open_.empty()) open_.pop_back();
    if (event != WipingJson::parse_event_t::key || open_.empty()) return true;
    const auto& key = parsed.get_ref<const WipingJson::string_t&>();
    if (!open_.back().insert(key).second && !found_) found_ = std::string(std::string_view(key));
    return true;
  }
  [[nodiscard]] const std::optional<std::string>& found() const { return found_; }

 private:
  std::vector<std::set<WipingText>> open_;  // the keys of each object that has not ended yet
  std::optional<std::string> found_;
};

// "access_token=...&expires_in=60" under any Content-Type.
bool may_be_form(std::string_view body) {
  return body.find('=') != std::string_view::npos && body.find_first_of("{<\"( ") == std::string_view::npos;
}

std::string not_json(std::string_view body, std::size_t byte) {
  const bool other_text = byte > 0 && byte <= body.size() && static_cast<unsigned char>(body[byte - 1]) >= 0x80;
  return "is not JSON (at byte " + std::to_string(byte) + (other_text ? ", which is not UTF-8)" : ")") +
         (may_be_form(body) ? "; is it a form (response.format: form)?" : "; is the URL of the source right?");
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

WipingText form_decoded(std::string_view text) {
  WipingText out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i] == '+' ? ' ' : text[i]);
      continue;
    }
    const int high = i + 1 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) refuse_body("is a form with a percent sign that encodes nothing");
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

}  // namespace

// An exception of the parser quotes the text that it read last, which may be the token: only its kind is passed on.
WipingJson parse_json_body(std::string_view body) {
  if (body.empty()) refuse_body("is empty");
  if (too_deep(body)) refuse_body("is nested deeper than " + std::to_string(max_json_depth) + " levels");
  // For the parser a NUL is the end of the text.
  if (const auto nul = body.find('\0'); nul != std::string_view::npos) refuse_body(not_json(body, nul + 1));
  WipingJson json;
  DuplicateKeys keys;
  try {
    json = WipingJson::parse(body, [&keys](int depth, WipingJson::parse_event_t event, const WipingJson& parsed) {
      return keys(depth, event, parsed);
    });
  } catch (const WipingJson::parse_error& e) {
    if (e.byte > body.size()) {
      refuse_body("is truncated: the JSON ends in the middle, after " + std::to_string(body.size()) + " bytes");
    }
    refuse_body(not_json(body, e.byte));
  } catch (const WipingJson::exception&) {
    refuse_body("holds a number out of range");
  }
  if (keys.found()) {
    refuse_body("has the key \"" + excerpt(*keys.found()) + "\" twice in one object, so its value is ambiguous");
  }
  return json;
}

WipingJson parse_json_object(std::string_view body) {
  WipingJson json = parse_json_body(body);
  if (!json.is_object()) refuse_body(std::string("is a JSON ") + json.type_name() + ", not an object");
  return json;
}

WipingJson parse_form_body(std::string_view body) {
  while (!body.empty() && (body.back() == '\n' || body.back() == '\r')) body.remove_suffix(1);
  if (body.empty()) refuse_body("is empty");
  WipingJson json = WipingJson::object();
  while (!body.empty()) {
    const std::string_view pair = body.substr(0, body.find('&'));
    body.remove_prefix(pair.size() == body.size() ? pair.size() : pair.size() + 1);
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) {
      refuse_body("is not a form: a part of it has no =; is response.format right?");
    }
    WipingText key = form_decoded(pair.substr(0, equals));
    if (json.contains(key)) {
      refuse_body("has the key \"" + excerpt(std::string_view(key)) + "\" twice, so its value is ambiguous");
    }
    json[std::move(key)] = form_decoded(pair.substr(equals + 1));
  }
  return json;
}

}  // namespace jeton::agent
