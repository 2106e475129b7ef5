// LineStream: an answer of many lines (NDJSON), as a connection offers it to the streams of tokens and of locks. After
// each wait of its own a stream calls check_open(): the connection may have been closed meanwhile. One thread: the
// loop's.
#pragma once

#include <functional>
#include <string>

#include "agent/base/task.hpp"

namespace jeton::agent {

class LineStream {
 public:
  LineStream() = default;
  LineStream(const LineStream&) = delete;
  LineStream& operator=(const LineStream&) = delete;
  virtual ~LineStream() = default;

  // Returns when the socket has taken the line. A client that does not read in time is disconnected. Throws
  // boost::system::system_error when the connection is closed.
  virtual Task<> send_line(std::string line) = 0;
  // Throws boost::system::system_error when the connection is closed.
  virtual void check_open() const = 0;

  // Whether the socket takes one more line now, and the last one after it.
  [[nodiscard]] virtual bool has_room() = 0;
  // Calls back once, when there is room or the connection is closed. Nothing happens if a call back is due already.
  virtual void when_room(std::function<void()> ready) = 0;
};

}  // namespace jeton::agent
