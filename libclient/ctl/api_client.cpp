#include "libclient/ctl/api_client.hpp"

#include <curl/curl.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <system_error>

namespace jeton::ctl {
namespace {

constexpr std::size_t largest_answer = 16 * 1024 * 1024;  // bytes; a token takes about one KiB

std::size_t collect(char* data, std::size_t size, std::size_t count, void* out) {
  auto& text = *static_cast<std::string*>(out);
  if (text.size() + size * count > largest_answer) return 0;
  text.append(data, size * count);
  return size * count;
}

std::string error_member(const Json& body, const char* name) {
  if (!body.is_object() || !body.contains("error") || !body["error"].is_object()) return {};
  const auto found = body["error"].find(name);
  return found != body["error"].end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

std::string ApiAnswer::error_code() const { return error_member(body, "code"); }
std::string ApiAnswer::error_message() const { return error_member(body, "message"); }

ApiAnswer ApiClient::post(const std::string& path, const Json& body, Milliseconds patience) const {
  const std::string text = body.dump();
  return call("POST", path, &text, patience);
}

ApiAnswer ApiClient::call(const char* method, const std::string& path, const std::string* body,
                          Milliseconds patience) const {
  ::curl_global_init(CURL_GLOBAL_NOTHING);  // no TLS on this socket; counted, so calling it often is fine
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(::curl_easy_init(), ::curl_easy_cleanup);
  if (!curl) throw std::runtime_error("libcurl cannot be initialised");
  ApiAnswer answer;
  std::array<char, CURL_ERROR_SIZE> error{};
  ::curl_easy_setopt(curl.get(), CURLOPT_UNIX_SOCKET_PATH, socket_.c_str());
  ::curl_easy_setopt(curl.get(), CURLOPT_URL, ("http://agent" + path).c_str());
  ::curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");  // whatever http_proxy says: this goes to a socket
  ::curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(patience.count()));
  ::curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, method);
  ::curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, error.data());
  ::curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, collect);
  ::curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.text);

  std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers(nullptr, ::curl_slist_free_all);
  if (body != nullptr) {
    headers.reset(::curl_slist_append(nullptr, "Content-Type: application/json"));
    ::curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
    ::curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body->size()));
    ::curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body->c_str());
  }

  const CURLcode code = ::curl_easy_perform(curl.get());
  if (code != CURLE_OK) {
    long os_error = 0;
    ::curl_easy_getinfo(curl.get(), CURLINFO_OS_ERRNO, &os_error);
    answer.problem = socket_.string() + ": ";
    if (code == CURLE_COULDNT_CONNECT && os_error != 0) {
      answer.problem += std::generic_category().message(static_cast<int>(os_error));
    } else {
      answer.problem += error[0] != '\0' ? error.data() : ::curl_easy_strerror(code);
    }
    return answer;
  }
  ::curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  answer.body = Json::parse(answer.text, nullptr, false);
  if (answer.body.is_discarded()) answer.body = nullptr;
  return answer;
}

}  // namespace jeton::ctl
