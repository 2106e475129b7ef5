// Requests with libcurl that carry a token: the header is added, a 401 is reported, and the request is made once more
// with the newer token. TokenHeader is the part to copy.
//
//   curl_header NAME URL [PATIENCE_MS]     prints the body of the answer; waits up to PATIENCE_MS (5000) for a newer
//   token
//
// Exit status: 0 an answer below 400, 1 no answer or no token, 2 another answer.
#include <curl/curl.h>

#include <cstdlib>
#include <iostream>
#include <jeton/client.hpp>
#include <memory>

// Performs transfers of one thread with one token. libcurl does not hand a header of CURLOPT_HTTPHEADER to another host
// that it is redirected to.
class TokenHeader {
 public:
  TokenHeader(const jeton::Token& token, std::chrono::milliseconds patience)
      : token_(token), reader_(token), patience_(patience) {}

  // Like curl_easy_perform. `rewind` is called before the second attempt: the answer to the first one is dropped, and a
  // body that is sent has to start again.
  template <typename Rewind>
  CURLcode perform(CURL* curl, Rewind&& rewind) {
    jeton::Generation used = 0;
    const CURLcode first = attempt(curl, used);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (first != CURLE_OK || status != 401) return first;
    const auto current = token_.rejected(used);
    if (!current) return first;  // the caller sees the 401; the agents go on
    if (*current <= used) {
      const auto newer = token_.wait_change(used, patience_);
      if (!newer) return first;
    }
    rewind();
    return attempt(curl, used);
  }

 private:
  // Throws jeton::Error without a valid token.
  CURLcode attempt(CURL* curl, jeton::Generation& used) {
    auto view = reader_.current();
    const std::string type(view.value().type());
    std::string line = "Authorization: " + (type.empty() ? "Bearer" : type) + " ";
    line += view->value();
    used = view->generation();
    // Other headers of the request belong into the same list.
    const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(curl_slist_append(nullptr, line.c_str()),
                                                                              &curl_slist_free_all);
    if (headers == nullptr) return CURLE_OUT_OF_MEMORY;
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
    const CURLcode result = curl_easy_perform(curl);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, nullptr);
    return result;
  }

  const jeton::Token& token_;
  jeton::Reader reader_;
  std::chrono::milliseconds patience_;
};

extern "C" std::size_t append_to_string(char* data, std::size_t size, std::size_t count, void* body) {
  static_cast<std::string*>(body)->append(data, size * count);
  return size * count;
}

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: curl_header NAME URL [PATIENCE_MS]\n";
    return 1;
  }
  curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), &curl_easy_cleanup);
  if (curl == nullptr) return 1;
  try {
    const jeton::Token token(argv[1]);  // the directory comes from $JETON_DIR, or is /run/jeton
    TokenHeader header(token, std::chrono::milliseconds(argc > 3 ? std::atoi(argv[3]) : 5000));
    std::string body;
    curl_easy_setopt(curl.get(), CURLOPT_URL, argv[2]);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, append_to_string);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &body);
    const CURLcode result = header.perform(curl.get(), [&] { body.clear(); });
    if (result != CURLE_OK) {
      std::cerr << "curl_header: " << curl_easy_strerror(result) << '\n';
      return 1;
    }
    long status = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
    std::cout << body << '\n';
    return status < 400 ? 0 : 2;
  } catch (const jeton::Error& e) {
    std::cerr << "curl_header: " << e.what() << '\n';
    return 1;
  }
}
