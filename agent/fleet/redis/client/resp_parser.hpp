// RespParser: bytes of a Redis server in, replies out. It wraps the reader of hiredis and limits the memory that a
// server can make us use: a reply beyond the limits is an error as soon as that is known, before memory is taken for
// it.
//
// It is not synchronised. After an error the stream cannot be trusted any more: close the connection. Memory that held
// replies is wiped when it is freed.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "agent/fleet/redis/client/command.hpp"

namespace jeton::agent::redis {

struct ReplyLimits {
  std::size_t bytes = 4 * 1024 * 1024;  // of one reply on the wire
  std::size_t elements = 1024;          // of all arrays of one reply together
};

class RespParser {
 public:
  explicit RespParser(ReplyLimits limits);
  ~RespParser();
  RespParser(const RespParser&) = delete;
  RespParser& operator=(const RespParser&) = delete;

  // Feed pieces of some KiB and take the replies out after each, so that the limits are checked.
  void feed(std::string_view bytes);
  // The next complete reply. Throws TransportError on garbage and on a reply beyond the limits.
  [[nodiscard]] std::optional<Reply> next();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace jeton::agent::redis
