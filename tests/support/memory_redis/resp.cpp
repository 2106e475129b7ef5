#include "tests/support/memory_redis/resp.hpp"

#include <charconv>
#include <stdexcept>

namespace jeton::test::memory_redis {
namespace {

constexpr std::string_view newline = "\r\n";

// The number of a line "<kind><number>\r\n" at `at`, which moves behind it; none if the line is not complete.
std::optional<std::size_t> take_count(std::string_view buffer, std::size_t& at, char kind) {
  const auto end = buffer.find(newline, at);
  if (end == std::string_view::npos) return std::nullopt;
  std::size_t count = 0;
  const auto parsed = std::from_chars(buffer.data() + at + 1, buffer.data() + end, count);
  if (buffer[at] != kind || parsed.ec != std::errc{} || parsed.ptr != buffer.data() + end) {
    throw std::runtime_error("Protocol error");
  }
  at = end + newline.size();
  return count;
}

void append_line(char kind, std::string_view text, std::string& wire) {
  wire += kind;
  wire += text;
  wire += newline;
}

void append(const Reply& reply, std::string& wire) {
  using Type = Reply::Type;
  switch (reply.type) {
    case Type::nil:
      append_line('$', "-1", wire);
      return;
    case Type::integer:
      append_line(':', std::to_string(reply.integer), wire);
      return;
    case Type::status:
      append_line('+', reply.text, wire);
      return;
    case Type::error:
      append_line('-', reply.text, wire);
      return;
    case Type::bulk:
      append_line('$', std::to_string(reply.text.size()), wire);
      wire += reply.text;
      wire += newline;
      return;
    case Type::array:
      break;
  }
  append_line('*', std::to_string(reply.elements.size()), wire);
  for (const Reply& element : reply.elements) append(element, wire);
}

}  // namespace

std::optional<Words> RequestParser::next() {
  std::size_t at = 0;
  const auto count = take_count(buffer_, at, '*');
  if (!count) return std::nullopt;
  Words words;
  for (std::size_t i = 0; i < *count; ++i) {
    const auto size = take_count(buffer_, at, '$');
    if (!size || buffer_.size() < at + *size + newline.size()) return std::nullopt;
    words.push_back(buffer_.substr(at, *size));
    at += *size + newline.size();
  }
  buffer_.erase(0, at);
  return words;
}

std::string to_wire(const Reply& reply) {
  std::string wire;
  append(reply, wire);
  return wire;
}

std::string to_raw_text(const Reply& reply) {
  if (reply.type == Reply::Type::integer) return std::to_string(reply.integer);
  if (reply.type != Reply::Type::array) return reply.text;
  std::string text;
  for (const Reply& element : reply.elements) text += to_raw_text(element) + "\n";
  if (!text.empty()) text.pop_back();
  return text;
}

}  // namespace jeton::test::memory_redis
