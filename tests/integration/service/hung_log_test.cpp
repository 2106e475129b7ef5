// The reader of the log, or of the notifications to the service manager, hangs: the agent goes on.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "agent/base/unique_fd.hpp"
#include "tests/support/agent_process.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/fault_provider.hpp"
#include "tests/support/unix_http.hpp"

namespace jeton::test {
namespace {

using std::chrono::seconds;

// Its standard error is a pipe that is full from the beginning.
class HungLog : public testing::Test {
 protected:
  HungLog() {
    dir.write("agent.yaml", good);
    EXPECT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    end = agent::UniqueFd(::open(pipe.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    EXPECT_TRUE(end);
    const std::string filler(1024, '#');
    while (::write(end.get(), filler.data(), filler.size()) > 0) {
    }
    EXPECT_EQ(errno, EAGAIN);
  }
  Process start() {
    return Process({"/bin/sh", "-c", R"(exec "$0" run --config "$1" 2>"$2")", JETON_AGENT_BINARY,
                    (dir / "agent.yaml").string(), pipe.string()});
  }
  [[nodiscard]] nlohmann::json status() const {
    const auto answer = unix_http_get(dir / "run" / "agent.sock", "/v1/status");
    return answer.status == 200 ? nlohmann::json::parse(answer.body) : nlohmann::json();
  }
  [[nodiscard]] bool is_valid() const {
    const auto all = status();
    return all.is_object() && all["tokens"][0].value("state", "") == "valid";
  }
  [[nodiscard]] bool has_dropped() const {
    const auto all = status();
    return all.is_object() && all.value("log_lines_dropped", 0) > 0;
  }
  void empty_pipe() {
    char buffer[65536];
    ssize_t got = 0;
    while ((got = ::read(end.get(), buffer, sizeof buffer)) > 0) log.append(buffer, static_cast<std::size_t>(got));
  }

  TempDir dir;
  FaultProvider provider{{.lifetime = seconds(600)}};
  std::string good = agent_yaml({.token_url = provider.url()}, dir / "run");
  std::filesystem::path pipe = dir / "pipe";
  agent::UniqueFd end;
  std::string log;
};

TEST_F(HungLog, NobodyReadsIt_TokensAreFetchedAndTheLossIsSaid) {
  Process agent = start();
  ASSERT_TRUE(eventually([&] { return is_valid(); }));
  std::string broken = good;
  for (int i = 0; i < 500; ++i) broken += "unknown-" + std::to_string(i) + ": 1\n";
  dir.write("agent.yaml", broken);
  ASSERT_TRUE(eventually([&] {
    agent.signal(SIGHUP);
    return has_dropped();
  }));
  EXPECT_TRUE(is_valid());
  EXPECT_TRUE(eventually([&] {
    empty_pipe();
    return log.find("log lines were dropped") != std::string::npos;
  }));
  // From here on the pipe has room for all that is said, however late it is read.
  dir.write("agent.yaml", good);
  EXPECT_TRUE(eventually([&] {
    agent.signal(SIGHUP);
    empty_pipe();
    return log.find("configuration reloaded") != std::string::npos;
  }));
  agent.signal(SIGTERM);
  EXPECT_TRUE(eventually([&] {
    empty_pipe();
    return !agent.running();
  }));
  EXPECT_EQ(agent.wait(), 0);
  empty_pipe();
  EXPECT_NE(log.find("stopped\n"), std::string::npos) << "the last line was not waited for";
}

// The warnings of the configuration come before everything else.
TEST_F(HungLog, NobodyReadsTheFirstWarnings_AgentStartsAllTheSame) {
  std::string warned = good;
  for (int i = 0; i < 100; ++i) {
    warned += "  token-" + std::to_string(i) + ":\n    source: {type: http, url: " + provider.url() +
              ", form: {client_secret: in-the-clear}}\n";
  }
  dir.write("agent.yaml", warned);
  Process agent = start();
  EXPECT_TRUE(eventually([&] { return is_valid(); }));
}

TEST_F(HungLog, NobodyReadsItAtTheEnd_AgentStopsAllTheSame) {
  Process agent = start();
  ASSERT_TRUE(eventually([&] { return is_valid(); }));
  agent.signal(SIGTERM);
  EXPECT_EQ(agent.wait(), 0);
}

// A socket that nobody reads takes a few datagrams, READY=1 not among them.
TEST(HungServiceManager, SocketIsFull_AgentGoesOnAndSaysReadyWhenThereIsRoom) {
  TempDir dir;
  FaultProvider provider{{.lifetime = seconds(600)}};
  const agent::UniqueFd manager(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const agent::UniqueFd other(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = dir / "notify";
  path.copy(address.sun_path, path.size());
  const auto* as_address = reinterpret_cast<const sockaddr*>(&address);
  ASSERT_EQ(::bind(manager.get(), as_address, sizeof address), 0);
  while (::sendto(other.get(), "filler", 6, MSG_DONTWAIT, as_address, sizeof address) > 0) {
  }
  ASSERT_EQ(errno, EAGAIN);

  ProcessOptions options;
  options.env = {{"NOTIFY_SOCKET", path}, {"WATCHDOG_USEC", "200000"}};
  AgentProcess agent({.token_url = provider.url()}, options);
  agent.start();
  EXPECT_TRUE(eventually([&] { return agent.valid(); }));
  // Its first message would have hung it.
  EXPECT_EQ(agent.get("/live"), 200);
  std::string said;
  EXPECT_TRUE(eventually([&] {
    char buffer[4096];
    ssize_t got = 0;
    while ((got = ::recv(manager.get(), buffer, sizeof buffer, MSG_DONTWAIT)) > 0) {
      said.append(buffer, static_cast<std::size_t>(got)).append("\n");
    }
    return said.find("READY=1") != std::string::npos;
  }));
  EXPECT_EQ(agent.stop(), 0);
}

}  // namespace
}  // namespace jeton::test
