// The wire format of a memory Redis: requests in, replies (RESP2) out. Pure text, no I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::test::memory_redis {

// A reply, also while it is on its way into or out of a script.
struct Reply {
  enum class Type { nil, integer, status, error, bulk, array };
  Type type = Type::nil;
  std::int64_t integer = 0;
  std::string text;  // of a status, an error (with its code: "ERR ...") or a bulk string
  std::vector<Reply> elements;

  [[nodiscard]] static Reply nil() { return {}; }
  [[nodiscard]] static Reply ok() { return status("OK"); }
  [[nodiscard]] static Reply number(std::int64_t value) { return {Type::integer, value, {}, {}}; }
  [[nodiscard]] static Reply status(std::string text) { return {Type::status, 0, std::move(text), {}}; }
  [[nodiscard]] static Reply error(std::string text) { return {Type::error, 0, std::move(text), {}}; }
  [[nodiscard]] static Reply bulk(std::string text) { return {Type::bulk, 0, std::move(text), {}}; }
  [[nodiscard]] static Reply array(std::vector<Reply> elements) { return {Type::array, 0, {}, std::move(elements)}; }

  [[nodiscard]] bool is_error() const { return type == Type::error; }
};

[[nodiscard]] std::string to_wire(const Reply& reply);
// The text that `redis-cli --raw` prints, without the last newline.
[[nodiscard]] std::string to_raw_text(const Reply& reply);

using Words = std::vector<std::string>;

// Takes requests out of a stream of bytes that comes in pieces.
class RequestParser {
 public:
  void feed(std::string_view bytes) { buffer_ += bytes; }
  // None until a whole request has come. Throws std::runtime_error unless it is an array of bulk strings.
  [[nodiscard]] std::optional<Words> next();

 private:
  std::string buffer_;
};

}  // namespace jeton::test::memory_redis
