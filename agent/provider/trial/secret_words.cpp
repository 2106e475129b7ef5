#include "agent/provider/trial/secret_words.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "agent/base/ascii.hpp"
#include "agent/config/schema/reference_check.hpp"
#include "agent/provider/answer/token_answer.hpp"

namespace jeton::agent {
namespace {

constexpr std::string_view blanks = " \t\r\n";
constexpr std::size_t shortest_token = 16;   // bytes
constexpr std::size_t shortest_single = 4;   // bytes; "ok" is not a token
constexpr std::size_t longest_prose = 24;    // bytes; of a word
constexpr std::size_t longest_key = 32;      // bytes
constexpr std::size_t shortest_element = 6;  // bytes; below it is a flag or a number

bool is_word_character(char c) { return is_token_character(c) && c != '='; }

class UnknownText {
 public:
  explicit UnknownText(std::string_view text) : text_(text), markup_(without_blanks(text, blanks).starts_with('<')) {}

  std::string shown() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool opens = c == '"' || c == '`' || (c == '\'' && (at_ == 0 || !is_word_character(text_[at_ - 1])));
      if (opens) {
        quoted(c);
      } else if (is_word_character(c)) {
        word();
      } else {
        other(c);
      }
    }
    return std::move(out_);
  }

 private:
  // The next character behind `at_` that is not a blank.
  [[nodiscard]] char next() const {
    const std::size_t position = text_.find_first_not_of(blanks, at_);
    return position == std::string_view::npos ? '\0' : text_[position];
  }

  void quoted(char quote) {
    std::size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote) end += text_[end] == '\\' ? 2 : 1;
    end = std::min(end, text_.size());
    const std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    at_ = std::min(end + 1, text_.size());
    const bool is_key = next() == ':' && inside.size() <= longest_key && !looks_like_token(inside);
    out_ += quote + (is_key ? std::string(inside) : std::string("***")) + quote;
    name_ = is_key ? inside : std::string_view{};
    after_secret_ = false;
  }

  void word() {
    std::size_t end = at_;
    while (end < text_.size() && is_word_character(text_[end])) ++end;
    const std::string_view one = text_.substr(at_, end - at_);
    at_ = end;
    const bool hide = after_secret_ || looks_like_token(one) || one.size() > longest_prose || is_whole_element(one);
    out_ += hide ? size_of(one) : std::string(one);
    name_ = hide ? std::string_view{} : one;
    after_secret_ = is_auth_scheme(one);
  }

  // Between two tags and no word of prose: as JSON has it under a name of its own.
  [[nodiscard]] bool is_whole_element(std::string_view one) const {
    const std::size_t begin = at_ - one.size();
    return markup_ && one.size() >= shortest_element && begin > 0 && text_[begin - 1] == '>' && next() == '<' &&
           !looks_like_code(one);
  }

  // A name is followed by a colon, an equals sign or, as a tag, by >.
  void other(char c) {
    if (c == ':' || c == '=' || c == '>') {
      after_secret_ = !name_.empty() && is_secret_name(name_);
      name_ = {};
    } else if (blanks.find(c) == std::string_view::npos) {
      after_secret_ = false;
    }
    out_ += c;
    ++at_;
  }

  std::string_view text_;
  bool markup_;
  std::size_t at_ = 0;
  std::string out_;
  std::string_view name_;      // the last word, as long as it may be one
  bool after_secret_ = false;  // the next word is a secret
};

}  // namespace

bool is_secret_name(std::string_view name) {
  constexpr std::array<std::string_view, 7> whole{"cookie", "setcookie",         "code", "key", "jwt",
                                                  "auth",   "proxyauthorization"};
  const std::string plain = plain_letters(name);
  return sounds_secret(name) || std::find(whole.begin(), whole.end(), plain) != whole.end();
}

bool is_token_character(char c) {
  return is_ascii_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~' || c == '+' || c == '/' || c == '=';
}

bool looks_like_token(std::string_view word) {
  return word.size() >= shortest_token && std::all_of(word.begin(), word.end(), is_token_character) &&
         std::any_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_plain_name(std::string_view name) {
  constexpr std::array<std::string_view, 28> whole{
      "contenttype", "contentlength", "date",    "retryafter", "wwwauthenticate", "cachecontrol",     "server",
      "location",    "tokentype",     "type",    "scope",      "error",           "errordescription", "erroruri",
      "errmsg",      "errormessage",  "message", "msg",        "status",          "instanceurl",      "issuedat",
      "expiresat",   "expiration",    "expiry",  "reason",     "detail",          "requestid",        "expiresin"};
  const std::string plain = plain_letters(name);
  return plain.starts_with("xratelimit") || std::find(whole.begin(), whole.end(), plain) != whole.end();
}

bool is_code_name(std::string_view name) {
  constexpr std::array<std::string_view, 17> whole{
      "code",       "errcode", "errorcode", "err",     "errno",      "ret",     "retcode", "rc",       "returncode",
      "resultcode", "subcode", "suberror",  "bizcode", "statuscode", "success", "ok",      "succeeded"};
  return std::find(whole.begin(), whole.end(), plain_letters(name)) != whole.end();
}

bool looks_like_code(std::string_view value) {
  constexpr std::size_t longest_code = 40;  // bytes
  constexpr std::size_t longest_word = 20;
  constexpr std::size_t longest_number = 9;  // digits
  if (value.empty() || value.size() > longest_code) return false;
  std::size_t letters = 0;
  std::size_t digits = 0;
  for (const char c : value) {
    const bool digit = c >= '0' && c <= '9';
    const bool letter = !digit && is_ascii_alphanumeric(c);
    if (!digit && !letter && c != '_' && c != '-' && c != '.') return false;
    letters = letter ? letters + 1 : digit ? letters : 0;
    digits = digit ? digits + 1 : letter ? digits : 0;
    if ((letters > 0 && digits > 0) || letters > longest_word || digits > longest_number) return false;
  }
  return true;
}

std::string size_of(std::string_view text) { return "*** (" + std::to_string(text.size()) + " bytes)"; }

std::string unknown_text(std::string_view body) {
  const std::string_view text = without_blanks(body, blanks);
  if (text.empty()) return std::string(body);
  if (text.size() >= shortest_single && text.find_first_of(blanks) == std::string_view::npos &&
      text.find_first_of("<{([\"") == std::string_view::npos) {
    return size_of(text);
  }
  return UnknownText(body).shown();
}

}  // namespace jeton::agent
