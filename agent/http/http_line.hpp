// HttpLine: the connections of one thread to one server. Its calls use them one after the other, so a call that follows
// need not connect again. It lives as long as calls follow each other: fetches are minutes apart, and a connection that
// is kept longer would only keep its buffers. One thread at a time.
#pragma once

#include <curl/curl.h>

#include <filesystem>
#include <map>
#include <memory>

#include "agent/base/file_state.hpp"
#include "agent/http/http.hpp"
#include "agent/http/transfer_sockets.hpp"

namespace jeton::agent {

class HttpLine {
 public:
  struct Deleter {
    void operator()(CURLM* handle) const { ::curl_multi_cleanup(handle); }
  };

  // Ends the kept connections if libcurl would wrongly give one to a request on this route: it knows the files of TLS
  // by their paths, and does not notice that one was replaced; nor does it compare the version of HTTP.
  void close_unless_for(const HttpRoute& route);

  // Declared first: libcurl closes the sockets of kept connections through it.
  std::shared_ptr<TransferSockets> sockets = std::make_shared<TransferSockets>();
  // Drives one transfer at a time. Null: libcurl has no memory.
  std::unique_ptr<CURLM, Deleter> multi{::curl_multi_init()};

 private:
  HttpVersion version_ = HttpVersion::v1_1;
  std::map<std::filesystem::path, FileState> files_;  // of TLS, as they were at the last request
};

}  // namespace jeton::agent
