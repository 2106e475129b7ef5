#include "agent/provider/answer/json_body.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <vector>

#include "agent/base/excerpt.hpp"
#include "agent/provider/source.hpp"

namespace jeton::agent {
namespace {

constexpr int max_json_depth = 64;

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
    if (high < 0 || low < 0) refuse_answer("is a form with a percent sign that encodes nothing");
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

// ~1 is an escaped slash, ~0 an escaped tilde.
WipingText unescaped(std::string_view token) {
  WipingText out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    const bool escape = token[i] == '~' && i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1');
    out.push_back(!escape ? token[i] : token[i + 1] == '0' ? '~' : '/');
    if (escape) ++i;
  }
  return out;
}

const WipingJson* element(const WipingJson& array, std::string_view token) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), index);
  const bool leading_zero = token.size() > 1 && token.front() == '0';
  if (error != std::errc{} || end != token.data() + token.size() || leading_zero || index >= array.size()) {
    return nullptr;
  }
  return &array[index];
}

}  // namespace

void refuse_answer(const std::string& what) {
  throw SourceError(SourceError::Kind::transient, "the provider's answer " + what);
}

// An exception of the parser quotes the text that it read last, which may be the token: only its kind is passed on.
WipingJson parse_json_body(std::string_view body) {
  if (body.empty()) refuse_answer("is empty");
  if (too_deep(body)) refuse_answer("is nested deeper than " + std::to_string(max_json_depth) + " levels");
  // For the parser a NUL is the end of the text.
  if (const auto nul = body.find('\0'); nul != std::string_view::npos) refuse_answer(not_json(body, nul + 1));
  WipingJson json;
  std::vector<std::set<WipingText>> open;  // the keys of each object that has not ended yet
  std::optional<std::string> repeated;     // the parser would keep its last value, another reader the first
  const auto note_keys = [&open, &repeated](int /*depth*/, WipingJson::parse_event_t event, const WipingJson& parsed) {
    if (event == WipingJson::parse_event_t::object_start) open.emplace_back();
    if (event == WipingJson::parse_event_t::object_end && !open.empty()) open.pop_back();
    if (event != WipingJson::parse_event_t::key || open.empty()) return true;
    if (!open.back().insert(parsed.get_ref<const WipingJson::string_t&>()).second && !repeated) {
      repeated = std::string(text_in(parsed));
    }
    return true;
  };
  try {
    json = WipingJson::parse(body, note_keys);
  } catch (const WipingJson::parse_error& e) {
    if (e.byte > body.size()) {
      refuse_answer("is truncated: the JSON ends in the middle, after " + std::to_string(body.size()) + " bytes");
    }
    refuse_answer(not_json(body, e.byte));
  } catch (const WipingJson::exception&) {
    refuse_answer("holds a number out of range");
  }
  if (repeated) {
    refuse_answer("has the key \"" + excerpt(*repeated) + "\" twice in one object, so its value is ambiguous");
  }
  return json;
}

WipingJson parse_json_object(std::string_view body) {
  WipingJson json = parse_json_body(body);
  if (!json.is_object()) refuse_answer(std::string("is a JSON ") + json.type_name() + ", not an object");
  return json;
}

WipingJson parse_form_body(std::string_view body) {
  while (!body.empty() && (body.back() == '\n' || body.back() == '\r')) body.remove_suffix(1);
  if (body.empty()) refuse_answer("is empty");
  WipingJson json = WipingJson::object();
  while (!body.empty()) {
    const std::string_view pair = part_until(body, '&');
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) {
      refuse_answer("is not a form: a part of it has no =; is response.format right?");
    }
    WipingText key = form_decoded(pair.substr(0, equals));
    if (json.contains(key)) {
      refuse_answer("has the key \"" + excerpt(std::string_view(key)) + "\" twice, so its value is ambiguous");
    }
    json[std::move(key)] = form_decoded(pair.substr(equals + 1));
  }
  return json;
}

const WipingJson* find_by_pointer(const WipingJson& root, std::string_view pointer) {
  const WipingJson* current = &root;
  while (current != nullptr && !pointer.empty()) {
    if (pointer.front() != '/') return nullptr;
    pointer.remove_prefix(1);
    const std::string_view token = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(token.size());
    if (current->is_object()) {
      const auto member = current->find(unescaped(token));
      current = member == current->end() ? nullptr : &*member;
    } else {
      current = current->is_array() ? element(*current, token) : nullptr;
    }
  }
  return current;
}

std::string_view part_until(std::string_view& rest, char separator) {
  const std::string_view part = rest.substr(0, rest.find(separator));
  rest.remove_prefix(std::min(part.size() + 1, rest.size()));
  return part;
}

std::string_view text_in(const WipingJson& string) { return string.get_ref<const WipingJson::string_t&>(); }

std::string_view text_by_pointer(const WipingJson& root, std::string_view pointer) {
  const WipingJson* const value = find_by_pointer(root, pointer);
  return value != nullptr && value->is_string() ? text_in(*value) : std::string_view();
}

}  // namespace jeton::agent
