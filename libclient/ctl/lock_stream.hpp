// LockStream: a lock that the agent holds for this process, for as long as the connection is open: POST /v1/locks/NAME.
//
// Only the functions that say so block; the owner polls fd() and calls next() whenever there is something to read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "libclient/ctl/api_client.hpp"
#include "libclient/ctl/duration.hpp"

namespace jeton::ctl {

class LockStream {
 public:
  // Connects and sends the request. Throws Failure: unreachable if there is no agent, error if a text is not UTF-8.
  LockStream(const std::filesystem::path& runtime_dir, const std::string& name, const Json& body);
  ~LockStream();
  LockStream(const LockStream&) = delete;
  LockStream& operator=(const LockStream&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  // Reads the bytes that are there. False: the agent has closed the connection.
  bool read_some();
  // The next event that was read; nothing: read more. A refusal is the event "refused", with "status" and "body".
  [[nodiscard]] std::optional<Json> next();

  // Asks for the release and waits for the agent to confirm it. False: it did not in time.
  struct EndResult {
    bool confirmed = false;
    bool cut_off = false;  // the connection ended, also by a refusal, and the lock may still be held
    std::string lost{};    // why the lock was lost before the release; empty: it was held
    std::string lost_name{};
  };
  [[nodiscard]] EndResult end(Milliseconds patience);

 private:
  bool read_head();

  std::string socket_;
  int fd_ = -1;
  std::string buffer_;
  long status_ = 0;  // 0: the head has not been read yet
  bool closed_ = false;
};

}  // namespace jeton::ctl
