// oauth2-mock-server from npm in a process of its own, checking clients and assertions with jose (mock_server.mjs).
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agent/http/http_client.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/process.hpp"

namespace jeton::test {

class MockServer {
 public:
  // Why it cannot run here; empty if it can. Installs it into the build tree if it is not there.
  [[nodiscard]] static std::string missing() {
    const RunResult installed = run({JETON_MOCK_SERVER_INSTALL, JETON_MOCK_SERVER_DIR}, {}, std::chrono::minutes(3));
    if (installed.status == 77) return installed.out;
    if (installed.status != 0) throw std::runtime_error(installed.out + installed.err);
    return {};
  }

  // `tls`: certificate, key and the authority of the clients.
  explicit MockServer(const std::vector<std::string>& tls = {}) {
    std::vector<std::string> argv{"node", std::string(JETON_MOCK_SERVER_DIR) + "/mock_server.mjs"};
    argv.insert(argv.end(), tls.begin(), tls.end());
    process_ = std::make_unique<Process>(argv);
    const std::string prefix = "listening on ";
    if (!eventually([&] { return process_->out().find(prefix) != std::string::npos || !process_->running(); }) ||
        process_->out().find(prefix) == std::string::npos) {
      const std::string how = process_->running() ? "runs" : "ended with " + std::to_string(process_->wait());
      throw std::runtime_error("the mock server does not listen; it " + how + ": " + process_->err());
    }
    port_ = std::stoi(process_->out().substr(process_->out().find(prefix) + prefix.size()));
    url_ = std::string(tls.empty() ? "http" : "https") + "://127.0.0.1:" + std::to_string(port_);
    ca_file_ = tls.empty() ? "" : tls.at(2);
  }

  [[nodiscard]] const std::string& url() const { return url_; }

  void control(const nlohmann::json& order) { static_cast<void>(ask("/control", order.dump())); }
  [[nodiscard]] nlohmann::json seen() { return nlohmann::json::parse(ask("/seen").body.reveal()); }
  // The claims of a token that this server signed; null for any other.
  [[nodiscard]] nlohmann::json verified(std::string_view token) {
    const agent::HttpResponse response = ask("/verify?token=" + std::string(token));
    return response.status == 200 ? nlohmann::json::parse(response.body.reveal()) : nlohmann::json();
  }

 private:
  agent::HttpResponse ask(const std::string& target, const std::string& body = {}) {
    agent::HttpRequest request;
    request.url = agent::SecretString(url_ + target);
    request.display = url_;
    request.route.tls.ca_file = ca_file_;
    if (!body.empty()) {
      request.method = agent::HttpRequest::Method::post;
      request.body = agent::SecretString(body);
    }
    return loop_.run(client_.perform(request));
  }

  std::unique_ptr<Process> process_;
  int port_ = 0;
  std::string url_;
  std::string ca_file_;
  Loop loop_;
  agent::HttpClient client_;
};

}  // namespace jeton::test
