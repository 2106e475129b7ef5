// A source of type oauth2 at a provider that answers as the test says.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/loop.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/provider/made_source.hpp"

namespace jeton::agent {

struct OAuth2Fixture : ::testing::Test {
  using Grant = OAuth2SourceConfig::Grant;
  using ClientAuth = OAuth2SourceConfig::ClientAuth;

  struct Transport final : HttpTransport {
    Task<HttpResponse> perform(HttpRequest request) override {
      requests.push_back(request);
      HttpResponse response = answer(requests.back());
      co_return response;
    }
    std::function<HttpResponse(const HttpRequest&)> answer;
    std::vector<HttpRequest> requests;
  };
  struct Tokens final : TokenValues {
    [[nodiscard]] std::optional<SecretString> token_value(const std::string& name) const override {
      const auto found = values.find(name);
      if (found == values.end()) return std::nullopt;
      return SecretString(found->second);
    }
    std::map<std::string, std::string> values;
  };

  static std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '%') {
        out += text[i];
        continue;
      }
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    }
    return out;
  }
  using Form = std::multimap<std::string, std::string>;
  static Form form_of(const HttpRequest& request) {
    Form form;
    std::string_view rest = request.body.reveal();
    while (!rest.empty()) {
      const std::string_view pair = rest.substr(0, rest.find('&'));
      rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
      const std::size_t equals = pair.find('=');
      form.emplace(unescaped(pair.substr(0, equals)), unescaped(pair.substr(equals + 1)));
    }
    return form;
  }
  [[nodiscard]] Form last_form() const { return form_of(transport.requests.back()); }
  [[nodiscard]] std::string last_header(const std::string& name) const {
    for (const HttpHeader& header : transport.requests.back().headers) {
      if (header.name == name) return std::string(header.value.reveal());
    }
    return {};
  }
  static std::string value(const Form& form, const std::string& name) {
    const auto found = form.find(name);
    return found == form.end() ? "" : found->second;
  }

  static HttpResponse response(int status, const std::string& body, const std::string& retry_after = {}) {
    HttpResponse made;
    made.status = status;
    made.retry_after = retry_after;
    made.body = SecretString(body);
    return made;
  }
  void answer(int status, const std::string& body, const std::string& retry_after = {}) {
    transport.answer = [=](const HttpRequest&) { return response(status, body, retry_after); };
  }

  // A client that authenticates by a secret, unless the test sets another method.
  static OAuth2SourceConfig client() {
    OAuth2SourceConfig config;
    config.token_url = SecretTemplate::literal("https://auth.example.com/token");
    config.client_id = SecretTemplate::literal("my-client");
    config.client_secret = SecretTemplate::literal("my-secret");
    config.client_auth = ClientAuth::client_secret_basic;
    config.response.type = "/token_type";
    config.response.error = "/error";
    config.response.error_message = "/error_description";
    return config;
  }

  std::unique_ptr<Source> source_by(const OAuth2SourceConfig& config, std::size_t capacity = 8192) {
    return make_source(test::token_by(config, capacity), {transport, timers, tokens, loop.random});
  }
  FetchedToken fetch(const OAuth2SourceConfig& config, const SecretString& state = SecretString()) {
    return loop.run(source_by(config)->fetch({state}));
  }
  SourceError failure(const OAuth2SourceConfig& config, const SecretString& state = SecretString()) {
    return failure(*source_by(config), state);
  }
  SourceError failure(Source& source, const SecretString& state = SecretString()) {
    try {
      static_cast<void>(loop.run(source.fetch({state})));
    } catch (const SourceError& e) {
      return e;
    }
    ADD_FAILURE() << "the fetch did not fail";
    return {SourceError::Kind::transient, ""};
  }

  static constexpr const char* good_body =
      R"({"access_token":"tok-1","token_type":"Bearer","expires_in":60,"scope":"read"})";

  test::TempDir dir;
  test::Loop loop;
  test::SetTimers timers{loop.timers};
  test::SetTimers::SetClock& clock = timers.set_clock;
  Tokens tokens;
  Transport transport;
};

}  // namespace jeton::agent
