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
  using Type = Reply::Type;
  switch (reply.type) {
    case Type::nil:
      return "$-1\r\n";
    case Type::integer:
      return ":" + std::to_string(reply.integer) + "\r\n";
    case Type::status:
      return "+" + reply.text + "\r\n";
    case Type::error:
      return "-" + reply.text + "\r\n";
    case Type::bulk:
      return "$" + std::to_string(reply.text.size()) + "\r\n" + reply.text + "\r\n";
    case Type::array:
      break;
  }
  std::string wire = "*" + std::to_string(reply.elements.size()) + "\r\n";
  for (const Reply& element : reply.elements) wire += to_wire(element);
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
