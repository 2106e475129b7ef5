#include "agent/http/transfer.hpp"

#include <string_view>
#include <utility>

#include "agent/base/ascii.hpp"
#include "agent/http/transfer_setup.hpp"
#include "agent/http/transfer_sockets.hpp"

namespace jeton::agent {
namespace {

using Reason = HttpError::Reason;

bool is_redirect(long status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// How many connections it has opened.
long connects_of(CURL* handle) {
  long count = 0;
  ::curl_easy_getinfo(handle, CURLINFO_NUM_CONNECTS, &count);
  return count;
}

}  // namespace

Transfer::Transfer(HttpRequest request) : request_(std::move(request)) {}

bool Transfer::prepare(TransferSockets& sockets) {
  sockets_ = &sockets;
  try {
    where_ = parse_http_url(request_.url.reveal());
    easy_.reset(::curl_easy_init());
    if (easy_ == nullptr) throw Error("libcurl has no memory for a request");
    set_up_callbacks();
    set_up_request(easy_.get(), request_, where_, lists_);
    return true;
  } catch (const Error& e) {
    fail(Reason::request, request_.display + ": " + e.what());
    return false;
  }
}

void Transfer::set_up_callbacks() {
  const auto body = [](char* data, std::size_t, std::size_t size, void* self) {
    return static_cast<Transfer*>(self)->on_body(data, size);
  };
  const auto header = [](char* data, std::size_t, std::size_t size, void* self) {
    return static_cast<Transfer*>(self)->on_header({data, size});
  };
  const auto open_socket = [](void* sockets, curlsocktype, curl_sockaddr* to) {
    return static_cast<TransferSockets*>(sockets)->open(to->family, to->socktype, to->protocol);
  };
  const auto close_socket = [](void* sockets, curl_socket_t fd) {
    return static_cast<TransferSockets*>(sockets)->close(fd);
  };
  CURL* const h = easy_.get();
  set_option(h, CURLOPT_ERRORBUFFER, error_text_.data());
  set_option(h, CURLOPT_WRITEFUNCTION, +body);
  set_option(h, CURLOPT_WRITEDATA, this);
  set_option(h, CURLOPT_HEADERFUNCTION, +header);
  set_option(h, CURLOPT_HEADERDATA, this);
  set_option(h, CURLOPT_OPENSOCKETFUNCTION, +open_socket);
  set_option(h, CURLOPT_OPENSOCKETDATA, sockets_);
  set_option(h, CURLOPT_CLOSESOCKETFUNCTION, +close_socket);
  set_option(h, CURLOPT_CLOSESOCKETDATA, sockets_);
#if LIBCURL_VERSION_NUM >= 0x075000
  const auto request = [](void* self, char*, char*, int, int) {
    return static_cast<Transfer*>(self)->begins_request() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
  };
  set_option(h, CURLOPT_PREREQFUNCTION, +request);
  set_option(h, CURLOPT_PREREQDATA, this);
#endif
}

// libcurl sends a request again, on a new connection, if a kept one ends without an answer. But the call was counted
// once, and may have taken effect: a refresh token that is given only once would be used twice. It also sends one again
// that a server has refused unseen (a stream of HTTP/2, or HTTP/2 itself): that is safe, and the first is on a new
// connection.
bool Transfer::begins_request() {
  if (was_left_ = on_kept_connection_; was_left_) return false;
  const long before = std::exchange(connects_, connects_of(easy_.get()));
  on_kept_connection_ = connects_ == before;
  return true;
}

std::size_t Transfer::on_body(const char* data, std::size_t size) {
  if (size > request_.max_body - outcome_.response.body.size()) {
    body_too_large_ = true;
    return 0;  // libcurl ends the transfer
  }
  outcome_.response.body.append({data, size});
  return size;
}

std::size_t Transfer::on_header(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > max_header_bytes || ++header_lines_ > max_header_lines) return 0;
  HttpResponse& response = outcome_.response;
  if (line.starts_with("HTTP/")) {
    response.retry_after.clear();
    response.headers.clear();
    headers_ended_ = false;
  }
  if (without_blanks(line).empty()) headers_ended_ = true;
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return line.size();
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = without_blanks(line.substr(colon + 1));
  if (equal_ignoring_case(name, "Retry-After")) response.retry_after = value.substr(0, 64);
  response.headers.push_back({std::string(name), SecretString(value)});
  return line.size();
}

bool Transfer::finished(CURLcode code) {
  long status = 0;
  ::curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  outcome_.response.status = static_cast<int>(status);
  // For libcurl a connection that ends within the headers ends the answer.
  if (code == CURLE_OK && !headers_ended_) code = CURLE_PARTIAL_FILE;
  if (code != CURLE_OK) {
    const FailedTransfer failed{easy_.get(),     request_,      where_,        error_text_.data(),
                                body_too_large_, header_bytes_, header_lines_, sockets_->received()};
    outcome_.failure = failure_of_transfer(was_left_ ? CURLE_GOT_NOTHING : code, failed);
    return false;
  }
  if (!is_redirect(status) || request_.max_redirects == 0) return false;
  try {
    return follow_redirect();
  } catch (const Error& e) {
    fail(Reason::redirect, request_.display + " answered with a redirect that is not followed: " + e.what());
    return false;
  }
}

// Only to the same host and port, or from http to https on it: no other server may receive the data of the request.
bool Transfer::follow_redirect() {
  CURL* const h = easy_.get();
  const char* location = nullptr;
  ::curl_easy_getinfo(h, CURLINFO_REDIRECT_URL, &location);
  if (location == nullptr) throw Error("it has no Location");
  const std::string_view whole(location);
  const SecretString target(whole.substr(0, whole.find('#')));
  const HttpUrl to = parse_http_url(target.reveal());
  if (where_.tls && !to.tls) throw Error("it leads from https to http");
  const bool upgrade = !where_.tls && to.tls;
  if (!equal_ignoring_case(to.host, where_.host) || (to.port != where_.port && !upgrade)) {
    throw Error("it leads to another host, " + to.host + ":" + std::to_string(to.port) +
                "; if that is right, set the URL of the source to it");
  }
  if (++redirects_ > request_.max_redirects) {
    throw Error("more than " + std::to_string(request_.max_redirects) + " (source.max_redirects)");
  }
  curl_off_t microseconds = 0;
  ::curl_easy_getinfo(h, CURLINFO_TOTAL_TIME_T, &microseconds);
  spent_ += Milliseconds{microseconds / 1000};
  if (spent_ >= request_.timeout) throw Error("no time was left (source.timeout)");

  // 307 and 308 keep the method; so do all of them for GET. For the others they mean "GET the answer there" (RFC 9110
  // section 15.4).
  if (outcome_.response.status != 307 && outcome_.response.status != 308) {
    request_.method = HttpRequest::Method::get;
    set_up_method(h, request_);
  }
  const SecretString url = null_terminated(target.reveal());
  set_option(h, CURLOPT_URL, url.reveal().data());
  set_option(h, CURLOPT_TIMEOUT_MS, static_cast<long>((request_.timeout - spent_).count()));
  where_ = to;
  connects_ = 0;
  on_kept_connection_ = false;
  outcome_.response = {};
  header_bytes_ = 0;
  header_lines_ = 0;
  return true;
}

}  // namespace jeton::agent
