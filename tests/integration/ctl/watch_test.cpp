// `jetonctl watch`, as a process on a real segment.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agent/base/unique_fd.hpp"
#include "tests/integration/ctl/ctl_host.hpp"
#include "tests/support/eventually.hpp"

namespace jeton::agent {
namespace {

using test::CtlHost;
using test::eventually;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

class CtlWatch : public ::testing::Test {
 protected:
  static bool says(test::Process& watch, const std::string& text) {
    return eventually([&] { return watch.out().find(text) != std::string::npos; });
  }
  CtlHost host;
};

TEST_F(CtlWatch, GenerationChanges_OneLineIsPrintedWithoutTheToken) {
  SegmentStore& store = host.add("wechat");
  host.publish(store, host.record(7));
  test::Process watch(host.command({"watch", "wechat"}));
  ASSERT_TRUE(says(watch, "generation 7"));
  host.publish(store, host.record(8));
  ASSERT_TRUE(says(watch, "generation 8"));
  const std::string out = watch.out();
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 2) << out;
  EXPECT_THAT(out, AllOf(HasSubstr("valid"), Not(HasSubstr("s3cret"))));
  watch.signal(SIGINT);
  EXPECT_EQ(watch.wait(), 128 + SIGINT);
}

TEST_F(CtlWatch, FormatIsJson_PrintsJsonLines) {
  SegmentStore& store = host.add("wechat");
  const Record record = host.record(7);
  host.publish(store, record);
  test::Process watch(host.command({"--format", "json", "watch", "wechat"}));
  ASSERT_TRUE(says(watch, "\n"));
  const Json line = Json::parse(watch.out());
  EXPECT_EQ(line["name"], "wechat");
  EXPECT_EQ(line["state"], "valid");
  EXPECT_EQ(line["generation"], 7);
  EXPECT_EQ(line["expires_at_ms"], to_unix_ms(record.expires_at));
}

TEST_F(CtlWatch, TokenExpiresAndIsReplaced_BothArePrinted) {
  SegmentStore& store = host.add("wechat");
  host.publish(store, host.record(7, std::chrono::milliseconds(300)));
  test::Process watch(host.command({"watch", "wechat"}));
  ASSERT_TRUE(says(watch, "expired "));
  host.publish(store, host.record(8));
  EXPECT_TRUE(says(watch, "generation 8"));
}

TEST_F(CtlWatch, AgentStartsLateAndRestarts_EachGenerationIsPrinted) {
  host.end_writer();
  test::Process watch(host.command({"watch", "wechat"}));
  ASSERT_TRUE(says(watch, "missing"));
  host.begin_writer();
  host.publish(host.add("wechat"), host.record(7));
  ASSERT_TRUE(says(watch, "generation 7"));
  host.end_writer();
  host.begin_writer();
  host.publish(host.add("wechat"), host.record(8));
  ASSERT_TRUE(says(watch, "generation 8"));
  EXPECT_TRUE(watch.running());
}

TEST_F(CtlWatch, TokenIsRemovedAndComesBack_GoesOn) {
  SegmentStore& store = host.add("wechat");
  host.publish(store, host.record(7));
  test::Process watch(host.command({"watch", "wechat"}));
  ASSERT_TRUE(says(watch, "generation 7"));
  store.retire();
  ASSERT_TRUE(says(watch, "missing"));
  host.publish(host.add("wechat"), host.record(8));
  EXPECT_TRUE(says(watch, "generation 8"));
}

TEST_F(CtlWatch, OutputIsClosed_EndsWithStatusZero) {
  SegmentStore& store = host.add("wechat");
  host.publish(store, host.record(7));
  const auto result = host.shell("{ \"$@\"; echo status $? >&2; } | head -n 1", {"watch", "wechat"});
  EXPECT_THAT(result.out, HasSubstr("generation 7"));
  EXPECT_EQ(result.err, "status 0\n");
}

// With this output.
pid_t spawn(std::vector<std::string> words, const UniqueFd& output) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, output.get(), STDOUT_FILENO);
  pid_t pid = -1;
  EXPECT_EQ(::posix_spawn(&pid, argv.front(), &actions, nullptr, argv.data(), environ), 0);
  ::posix_spawn_file_actions_destroy(&actions);
  return pid;
}

// Of its end, as waitpid(2) says it; -1: it does not end.
int status_of(pid_t pid) {
  int status = 0;
  if (eventually([&] { return ::waitpid(pid, &status, WNOHANG) == pid; })) return status;
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  return -1;
}

// What sshd and Node.js give a program for its output.
TEST_F(CtlWatch, OutputIsASocketAndItsReaderGoes_Ends) {
  SegmentStore& store = host.add("wechat");
  host.publish(store, host.record(7));
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const pid_t pid = spawn(host.command({"watch", "wechat"}), writer);
  writer.reset();
  std::array<char, 4096> line;
  EXPECT_GT(::read(reader.get(), line.data(), line.size()), 0);
  reader.reset();
  EXPECT_EQ(status_of(pid), 0) << "it runs until the token changes";
}

TEST_F(CtlWatch, OutputIsNonBlockingAndFull_WaitsForItsReader) {
  host.publish(host.add("wechat"), host.record(7));
  Pipe pipe = make_pipe("output");
  ::fcntl(pipe.write.get(), F_SETFL, O_NONBLOCK);
  const std::string page(4096, '-');
  std::size_t before = 0;
  while (::write(pipe.write.get(), page.data(), page.size()) > 0) before += page.size();
  const pid_t pid = spawn(host.command({"get", "wechat"}), pipe.write);
  pipe.write.reset();
  const auto is = [&](const char* state) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    std::getline(stat, line);
    return line.find(std::string("(jetonctl) ") + state) != std::string::npos;
  };
  EXPECT_TRUE(eventually([&] { return is("S") || is("Z"); }));
  std::string all;
  std::array<char, 4096> piece;
  for (ssize_t size = 0; (size = ::read(pipe.read.get(), piece.data(), piece.size())) > 0;) {
    all.append(piece.data(), static_cast<std::size_t>(size));
  }
  EXPECT_EQ(all.substr(before), "s3cret\n");
  EXPECT_EQ(status_of(pid), 0);
}

TEST_F(CtlWatch, NameIsUnknownToTheAgent_ExitStatusIsOne) {
  host.start_agent();
  EXPECT_EQ(host.ctl({"watch", "wechat"}).status, 1);
}

}  // namespace
}  // namespace jeton::agent
