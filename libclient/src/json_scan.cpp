#include "libclient/src/json_scan.hpp"

#include <cstring>

namespace jeton::client {
namespace {

const char* skip_blanks(const char* at, const char* end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')) ++at;
  return at;
}

// Behind the string that begins at `at`; nullptr: it does not end.
const char* skip_string(const char* at, const char* end) {
  for (++at; at < end; ++at) {
    if (*at == '\\') {
      ++at;
    } else if (*at == '"') {
      return at + 1;
    }
  }
  return nullptr;
}

// Behind the value that begins at `at`. Brackets are counted, not matched: the agent writes them right.
const char* skip_value(const char* at, const char* end) {
  int depth = 0;
  while (at < end) {
    if (*at == '"') {
      at = skip_string(at, end);
      if (at == nullptr) return nullptr;
    } else if (*at == '{' || *at == '[') {
      ++depth;
      ++at;
    } else if (*at == '}' || *at == ']') {
      if (depth == 0) return at;
      --depth;
      ++at;
    } else if (*at == ',' && depth == 0) {
      return at;
    } else {
      ++at;
      continue;  // of a number, a word, or between two values
    }
    if (depth == 0) return at;
  }
  return depth == 0 ? end : nullptr;
}

}  // namespace

bool find_member(Json object, const char* key, Json& value) noexcept {
  const char* end = object.end;
  const char* at = skip_blanks(object.begin, end);
  if (at == end || *at != '{') return false;
  at = skip_blanks(at + 1, end);
  while (at < end && *at == '"') {
    const Json name = {at, skip_string(at, end)};
    if (name.end == nullptr) return false;
    at = skip_blanks(name.end, end);
    if (at == end || *at != ':') return false;
    const Json found = {skip_blanks(at + 1, end), skip_value(skip_blanks(at + 1, end), end)};
    if (found.end == nullptr) return false;
    if (is_text(name, key)) {
      value = found;
      return true;
    }
    at = skip_blanks(found.end, end);
    if (at < end && *at == ',') at = skip_blanks(at + 1, end);
  }
  return false;
}

bool next_item(Json& rest, Json& item) noexcept {
  const char* at = skip_blanks(rest.begin, rest.end);
  if (at == rest.end || (*at != '[' && *at != ',')) return false;
  at = skip_blanks(at + 1, rest.end);
  if (at == rest.end || *at == ']') return false;
  const Json found = {at, skip_value(at, rest.end)};
  if (found.end == nullptr) return false;
  item = found;
  rest.begin = found.end;
  return true;
}

bool read_text(Json value, char* buffer, std::size_t capacity) noexcept {
  if (capacity == 0 || value.begin == value.end || *value.begin != '"') return false;
  std::size_t size = 0;
  for (const char* at = value.begin + 1; at < value.end && *at != '"' && size + 1 < capacity; ++at) {
    char c = *at;
    if (c == '\\' && at + 1 < value.end) {
      c = *++at;
      if (c == 'u') at += 4;  // the agent writes only control characters in this form
      if (c != '"' && c != '\\' && c != '/') c = '?';
    }
    const auto byte = static_cast<unsigned char>(c);
    buffer[size++] = byte < 0x20 || byte == 0x7f ? '?' : c;
  }
  buffer[size] = '\0';
  return true;
}

bool read_number(Json value, std::uint64_t& number) noexcept {
  if (value.begin == value.end) return false;
  std::uint64_t found = 0;
  for (const char* at = value.begin; at < value.end; ++at) {
    if (*at < '0' || *at > '9') return false;
    const auto digit = static_cast<std::uint64_t>(*at - '0');
    if (found > (UINT64_MAX - digit) / 10) return false;
    found = found * 10 + digit;
  }
  number = found;
  return true;
}

bool is_true(Json value) noexcept { return value.end - value.begin == 4 && std::memcmp(value.begin, "true", 4) == 0; }

bool is_text(Json value, const char* text) noexcept {
  const std::size_t size = std::strlen(text);
  return value.begin != nullptr && static_cast<std::size_t>(value.end - value.begin) == size + 2 &&
         *value.begin == '"' && std::memcmp(value.begin + 1, text, size) == 0;
}

bool append_text(char* buffer, std::size_t capacity, std::size_t* size, const char* text) noexcept {
  std::size_t used = *size;
  const auto put = [&](char c) {
    if (used < capacity) buffer[used] = c;
    ++used;
  };
  put('"');
  for (; *text != '\0'; ++text) {
    if (*text == '"' || *text == '\\') put('\\');
    put(*text);
  }
  put('"');
  if (used > capacity) return false;
  *size = used;
  return true;
}

}  // namespace jeton::client
