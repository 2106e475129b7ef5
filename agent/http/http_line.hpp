// HttpLine: the connections of one thread to one server. Its calls use them one after the other, so a call that follows
// need not connect again. It lives as long as calls follow each other: fetches are minutes apart, and a connection that
// is kept longer would only keep its buffers. One thread at a time.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <utility>

#include "agent/http/http.hpp"
#include "agent/http/transfer_sockets.hpp"

namespace jeton::agent {

struct HttpLine {
  struct Deleter {
    void operator()(CURLM* handle) const { ::curl_multi_cleanup(handle); }
  };

  // libcurl would give a kept connection to a request for another version of HTTP.
  void close_if_not(HttpVersion wanted) {
    if (std::exchange(version, wanted) != wanted) multi.reset(::curl_multi_init());
  }

  // Declared first: libcurl closes the sockets of kept connections through it.
  std::shared_ptr<TransferSockets> sockets = std::make_shared<TransferSockets>();
  HttpVersion version = HttpVersion::v1_1;
  // Drives one transfer at a time. Null: libcurl has no memory.
  std::unique_ptr<CURLM, Deleter> multi{::curl_multi_init()};
};

}  // namespace jeton::agent
