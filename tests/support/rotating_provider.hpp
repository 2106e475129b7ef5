// A provider for tests that rotates refresh tokens as in RFC 9700 section 4.14.2: each use brings a new one and ends
// the old one, and the use of an old one ends the whole family. It is a real HTTP server on 127.0.0.1 with a thread of
// its own. All functions may be called from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace jeton::test {

class RotatingProvider {
 public:
  struct Options {
    bool rotates = true;                 // false: an answer has no refresh token
    std::chrono::milliseconds reuse{0};  // so long after its use the last token may be used again; no replay
  };
  RotatingProvider() : RotatingProvider(Options{}) {}
  explicit RotatingProvider(const Options& options);
  ~RotatingProvider();
  RotatingProvider(const RotatingProvider&) = delete;
  RotatingProvider& operator=(const RotatingProvider&) = delete;

  [[nodiscard]] std::string token_url() const;
  [[nodiscard]] std::string first_refresh_token() const;
  // A new family, as if a person had signed in; returns its first refresh token.
  std::string sign_in_again();
  // Whether an access token belongs to a valid family.
  [[nodiscard]] bool accepts(const std::string& access_token) const;
  [[nodiscard]] bool family_revoked() const;

  // The next requests are processed, and the connection ends before the answer.
  void lose_answers(int times);
  // The connection ends before the next requests count.
  void lose_requests(int times);
  // Acts as if the provider was restored from a backup: the last refresh token was never issued, the one before it is
  // current.
  void forget_last_rotation();

  struct Counts {
    int requests = 0;
    int issued = 0;   // access tokens
    int replays = 0;  // uses of an old refresh token
  };
  [[nodiscard]] Counts counts() const;

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace jeton::test
