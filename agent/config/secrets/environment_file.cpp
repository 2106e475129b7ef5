#include "agent/config/secrets/environment_file.hpp"

#include <glob.h>

#include <algorithm>

#include "agent/base/ascii.hpp"

namespace jeton::agent {
namespace {

bool ends_line(char c) { return c == '\n' || c == '\r'; }
bool is_gap(char c) { return ends_line(c) || c == ' ' || c == '\t'; }

class EnvironmentParser {
 public:
  explicit EnvironmentParser(std::string_view text) : rest_(text) {}

  std::vector<std::pair<std::string, SecretString>> all() {
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (is_gap(c)) {
        rest_.remove_prefix(1);
      } else if (c == '#' || c == ';') {
        skip_comment();
      } else {
        read_assignment();
      }
    }
    return std::move(found_);
  }

 private:
  char next() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  void skip_comment() {
    while (!rest_.empty() && !ends_line(rest_.front())) next();
  }

  void read_assignment() {
    std::string name;
    while (!rest_.empty() && rest_.front() != '=' && !ends_line(rest_.front())) name += next();
    if (rest_.empty() || next() != '=') return;
    while (!name.empty() && is_gap(name.back())) name.pop_back();
    SecretString value = read_value();
    if (is_environment_name(name)) found_.emplace_back(std::move(name), std::move(value));
  }

  SecretString read_value() {
    SecretString value;
    std::size_t kept = 0;  // blanks behind it are dropped unless something follows
    bool plain = false;    // quotes count at the beginning, and behind a quoted part
    while (!rest_.empty()) {
      const char c = next();
      if (ends_line(c)) break;
      if (!plain && (c == '\'' || c == '"')) {
        read_quoted(c, value);
        kept = value.size();
      } else if (c == '\\') {
        plain = true;
        if (!rest_.empty() && !ends_line(rest_.front())) value.append({&rest_.front(), 1});
        if (!rest_.empty()) next();
        kept = value.size();
      } else if (plain || !is_gap(c)) {
        plain = true;
        value.append({&c, 1});
        if (!is_gap(c)) kept = value.size();
      }
    }
    return SecretString(value.reveal().substr(0, kept));
  }

  void read_quoted(char quote, SecretString& value) {
    constexpr std::string_view escapable = "\"\\`$";
    while (!rest_.empty()) {
      const char c = next();
      if (c == quote) return;
      if (quote == '\'' || c != '\\' || rest_.empty()) {
        value.append({&c, 1});
        continue;
      }
      const char escaped = next();
      if (ends_line(escaped)) continue;
      if (escapable.find(escaped) == std::string_view::npos) value.append({&c, 1});
      value.append({&escaped, 1});
    }
  }

  std::string_view rest_;
  std::vector<std::pair<std::string, SecretString>> found_;
};

}  // namespace

bool is_environment_name(std::string_view name) {
  return !name.empty() && (name[0] < '0' || name[0] > '9') &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_ascii_alphanumeric(c) || c == '_'; });
}

std::vector<std::string> environment_files(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> files;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): for commands, which have one thread
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) files.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  return files;
}

std::vector<std::pair<std::string, SecretString>> parse_environment_file(std::string_view text) {
  return EnvironmentParser(text).all();
}

}  // namespace jeton::agent
