#include "agent/provider/answer/refresh_token_answer.hpp"

#include <string_view>
#include <vector>

#include "agent/base/ascii.hpp"
#include "agent/record/record_check.hpp"

namespace jeton::agent {
namespace {

constexpr std::size_t shortest_token = 16;  // bytes; of a text under a name that may mean something else

// "refresh_token", "refreshToken", "new_refresh_token"; or "refresh", if the text may be a token.
bool names_refresh_token(std::string_view key, std::string_view text) {
  std::string plain;
  for (const char c : key) {
    if (c != '_' && c != '-') plain += ascii_lower(c);
  }
  if (plain == "refresh") return text.size() >= shortest_token && !fault_of_value(text) && !text.starts_with("http");
  return plain.ends_with("refreshtoken");
}

std::string escaped_step(std::string_view key) {
  std::string out;
  for (const char c : key) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return out;
}

struct Misplaced {
  std::string place;
  SecretString value;
};

// Every refresh token by its name, wherever it is.
void collect_refresh_tokens(const WipingJson& json, const std::string& pointer, std::vector<Misplaced>& found) {
  if (json.is_array()) {
    std::size_t index = 0;
    for (const auto& item : json) collect_refresh_tokens(item, pointer + "/" + std::to_string(index++), found);
  }
  if (!json.is_object()) return;
  for (const auto& member : json.items()) {
    const std::string_view key = member.key();
    const std::string at = pointer + "/" + escaped_step(key);
    const WipingJson& value = member.value();
    if (value.is_string() && !text_in(value).empty() && names_refresh_token(key, text_in(value))) {
      found.push_back({at, SecretString(text_in(value))});
    }
    collect_refresh_tokens(value, at, found);
  }
}

void collect_refresh_cookies(const AnswerContent& content, std::vector<Misplaced>& found) {
  for (const HttpHeader& header : content.headers) {
    if (!equal_ignoring_case(header.name, "Set-Cookie")) continue;
    const std::string_view line = header.value.reveal();
    AnswerPlace place(AnswerPlace::In::cookie, std::string(line.substr(0, line.find('='))));
    const auto value = content.find(place);
    if (value && !text_in(*value).empty() && names_refresh_token(place.name, text_in(*value)))
      found.push_back({place.text(), SecretString(text_in(*value))});
  }
}

}  // namespace

RefreshTokenAnswer refresh_token_in(const AnswerContent& content, const ResponseConfig& config) {
  const std::string name = "the refresh token (" + config.refresh_token.text() + ")" + " in the provider's answer ";
  if (const auto value = content.find(config.refresh_token)) {
    if (!value->is_string()) return {std::nullopt, name + "is a JSON " + value->type_name() + ", not a string"};
    const std::string_view text = text_in(*value);
    if (text.empty()) return {};
    return {SecretString(text), {}};
  }
  std::vector<Misplaced> others;
  collect_refresh_tokens(content.json, "", others);
  collect_refresh_cookies(content, others);
  if (others.empty()) return {};
  if (others.size() == 1) {
    return {others.front().value,
            "the provider's answer has a new refresh token at " + others.front().place +
                ", where the agent does not look for it; set response.refresh_token: " + others.front().place};
  }
  return {std::nullopt, "the provider's answer has " + std::to_string(others.size()) +
                            " refresh tokens, of which response.refresh_token names none"};
}

}  // namespace jeton::agent
