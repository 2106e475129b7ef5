#include "libclient/ctl/api_client.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <thread>

#include "agent/base/unique_fd.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/api/api_host.hpp"
#include "tests/unit/api/http_client.hpp"

namespace jeton::ctl {
namespace {

using agent::UniqueFd;
using std::chrono::minutes;

// An agent that answers one client with these bytes and closes.
class OneAnswer {
 public:
  explicit OneAnswer(std::string bytes) : bytes_(std::move(bytes)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = dir_.path() / "agent.sock";
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_.get(), 1), 0);
    thread_ = std::thread([this] {
      const UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      char request[4096];
      EXPECT_GT(::recv(client.get(), request, sizeof request, 0), 0);
      EXPECT_EQ(::send(client.get(), bytes_.data(), bytes_.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes_.size()));
    });
  }
  OneAnswer(const OneAnswer&) = delete;
  OneAnswer& operator=(const OneAnswer&) = delete;
  ~OneAnswer() { thread_.join(); }
  [[nodiscard]] ApiAnswer ask() const { return ApiClient(dir_.path()).post("/v1/x", Json::object(), minutes(1)); }

 private:
  test::TempDir dir_;
  std::string bytes_;
  UniqueFd listener_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::thread thread_;
};

TEST(ApiClient, AnswerIsWhole_IsReadToTheEnd) {
  const ApiAnswer answer = OneAnswer("HTTP/1.1 202 Accepted\r\nContent-Length: 7\r\n\r\n{\"a\":1}").ask();
  EXPECT_EQ(answer.problem, "");
  EXPECT_EQ(answer.status, 202);
  EXPECT_EQ(answer.body, Json({{"a", 1}}));
}

TEST(ApiClient, AnswerBreaksOff_IsAProblem) {
  for (const char* bytes :
       {"", "HTTP/1.1 200 OK\r\nContent-Len", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":"}) {
    EXPECT_NE(OneAnswer(bytes).ask().problem.find("ended in the middle"), std::string::npos) << bytes;
  }
}

TEST(ApiClient, AnswerIsNotHttp_IsAProblem) {
  for (const char* bytes : {"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 abc\r\n\r\n"}) {
    EXPECT_NE(OneAnswer(bytes).ask().problem.find("not HTTP"), std::string::npos) << bytes;
  }
}

// An agent of before an upgrade.
TEST(ApiClient, AgentDoesNotKnowThePath_MessageSaysWhatToDo) {
  const test::ApiHost host;
  const ApiAnswer answer = ApiClient(host.socket().parent_path()).get("/v1/later");
  EXPECT_EQ(answer.status, 404);
  EXPECT_NE(answer.error_message().find("restart it after an upgrade"), std::string::npos) << answer.error_message();
}

// The agent closes without having read the request: sending fails, or the connection is reset behind the answer.
TEST(ApiClient, ConnectionIsRefused_TheReasonIsRead) {
  agent::ApiLimits limits = test::patient_limits();
  limits.connections_per_user = 1;
  test::ApiHost host(limits);
  host.on_loop([](auto& status) { status.add("wechat"); });
  test::HttpClient stream(host.socket());
  ASSERT_EQ(stream.open_stream("/v1/tokens/wechat/events").status, 200);
  for (int i = 0; i < 50; ++i) {
    const ApiAnswer answer = ApiClient(host.socket().parent_path()).get("/v1/status");
    ASSERT_EQ(answer.problem, "");
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.error_code(), "too_many_connections");
  }
}

}  // namespace
}  // namespace jeton::ctl
