// HttpClient: a client that can also misbehave: it sends exactly the bytes a test gives it over a unix socket and reads
// back answers and event streams. Blocking; gives up with an exception after the tests' patience.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/unique_fd.hpp"

namespace jeton::test {

struct HttpAnswer {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

struct Identity {
  uid_t uid = 65534;
  gid_t gid = 65534;
  std::vector<gid_t> groups;
};

class HttpClient {
 public:
  explicit HttpClient(const std::filesystem::path& socket);
  // Over TCP, to a port of 127.0.0.1.
  explicit HttpClient(std::uint16_t port);
  // Connects as another user; needs root.
  HttpClient(const std::filesystem::path& socket, const Identity& identity);

  // False if the other side has closed.
  bool send(std::string_view bytes);
  HttpAnswer get(std::string_view path, std::string_view method = "GET", std::string_view headers = {});
  HttpAnswer read_answer(bool head = false);

  // Reads a stream: its header first, then a line at a time; nothing at its proper end (the last chunk).
  HttpAnswer open_stream(std::string_view path);
  HttpAnswer open_posted_stream(std::string_view path, std::string_view json, std::string_view headers = {});
  std::optional<std::string> read_line();

  // Reads and drops until the other side closes.
  void read_to_end();
  void shut_down_writing();
  // From now on nothing arrives or is acknowledged, as with a host that is gone without a word. TCP only.
  void vanish();
  void close() { socket_.reset(); }

 private:
  HttpAnswer read_stream_header();
  bool fill();
  std::string take_until(std::string_view end);
  std::string take(std::size_t size);
  HttpAnswer read_header();

  agent::UniqueFd socket_;
  std::string input_;
};

}  // namespace jeton::test
