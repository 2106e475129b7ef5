// The connection to the agent, whose queue may be full.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "agent/base/unique_fd.hpp"
#include "libclient/ctl/api_client.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::ctl {
namespace {

using agent::UniqueFd;

// An agent that accepts when the test says so, and whose queue is full.
struct Connect : testing::Test {
  void SetUp() override {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    const auto* to = reinterpret_cast<const sockaddr*>(&address);
    ASSERT_EQ(::bind(listener.get(), to, sizeof address), 0);
    ASSERT_EQ(::listen(listener.get(), 0), 0);
    for (;;) {
      UniqueFd waiting(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      if (::connect(waiting.get(), to, sizeof address) != 0) break;
      queue.push_back(std::move(waiting));
    }
    ASSERT_EQ(errno, EAGAIN);
  }
  void accept() { accepted.emplace_back(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)); }

  test::TempDir dir;
  std::string path = dir.path() / "agent.sock";
  UniqueFd listener{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::vector<UniqueFd> queue;
  std::vector<UniqueFd> accepted;
};

TEST_F(Connect, QueueIsFullForAMoment_WaitsForIt) {
  int pauses = 0;
  const UniqueFd fd(connect_to_agent(path, [&] {
    if (++pauses == 3) accept();
  }));
  ASSERT_GE(fd.get(), 0);
  EXPECT_EQ(pauses, 3);
  char byte = 'x';
  EXPECT_EQ(::send(fd.get(), &byte, 1, MSG_NOSIGNAL), 1);
}

TEST_F(Connect, QueueStaysFull_GivesUpAndSaysWhy) {
  int pauses = 0;
  EXPECT_EQ(connect_to_agent(path, [&] { ++pauses; }), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(pauses, connect_tries - 1);
  EXPECT_NE(connect_problem(EAGAIN).find("queue is full"), std::string::npos);
}

TEST_F(Connect, AgentIsNotThere_DoesNotWait) {
  int pauses = 0;
  EXPECT_EQ(connect_to_agent(dir.path() / "other.sock", [&] { ++pauses; }), -1);
  EXPECT_EQ(errno, ENOENT);
  EXPECT_EQ(connect_to_agent(dir.path() / std::string(200, 'x'), [&] { ++pauses; }), -1);
  EXPECT_EQ(errno, ENAMETOOLONG);
  EXPECT_EQ(pauses, 0);
}

}  // namespace
}  // namespace jeton::ctl
