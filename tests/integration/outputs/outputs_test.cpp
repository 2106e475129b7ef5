// Outputs of a real agent: files, commands, status.
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/outputs/output_agent.hpp"

namespace jeton::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class OutputsOfAgent : public OutputAgent {
 protected:
  [[nodiscard]] std::string state() const { return first_output().value("state", ""); }
};

TEST_F(OutputsOfAgent, TokenIsRotated_FileAndHookFollowEachTime) {
  configure(output_with_hook());
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  std::vector<std::string> values{value()};
  ASSERT_TRUE(hook_found(values.back()));
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(renew());
    values.push_back(value());
    ASSERT_TRUE(has(values.back()));
    ASSERT_TRUE(hook_found(values.back()));
  }
  EXPECT_EQ(noted(), values);
  EXPECT_TRUE(hook_ran(6));
  EXPECT_EQ(first_output()["on_change"]["due"], false);
  EXPECT_EQ(agent.stop(), 0);
  EXPECT_EQ(content(), values.back() + "\n") << "the file outlives the agent";
  for (const std::string& token : values) EXPECT_THAT(agent.log(), Not(HasSubstr(token)));
}

TEST_F(OutputsOfAgent, FiftyOutputsHaveOneToken_ProviderIsAskedOnce) {
  std::string outputs;
  const auto path = [&](int i) { return dir / "out" / ("f" + std::to_string(i)); };
  for (int i = 0; i < 50; ++i) outputs += "      - path: " + path(i).string() + "\n";
  configure(outputs);
  agent.start();
  const auto all_have = [&](const std::string& token) {
    return eventually([&] {
      for (int i = 0; i < 50; ++i) {
        if (!fs::exists(path(i)) || read_file(path(i)) != token + "\n") return false;
      }
      return true;
    });
  };
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  EXPECT_TRUE(all_have(value()));
  EXPECT_EQ(provider.counts().requests, 1U);
  ASSERT_TRUE(renew());
  EXPECT_TRUE(all_have(value()));
  EXPECT_EQ(provider.counts().requests, 2U);
}

TEST_F(OutputsOfAgent, AgentStartsWithAValidSegment_WritesWhatIsMissingAndFetchesNothing) {
  configure(output_with_hook());
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  ASSERT_TRUE(hook_found(value()));
  EXPECT_EQ(agent.stop(), 0);
  fs::remove(file());
  agent.start();
  EXPECT_TRUE(has(value()));
  EXPECT_EQ(provider.counts().requests, 1U);
}

TEST_F(OutputsOfAgent, ReloadChangesThem_FilesFollowAndNothingIsFetched) {
  configure("      - {path: " + file().string() + ", on_expiry: remove}\n");
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  ASSERT_TRUE(has(value()));
  configure("      - {path: " + file().string() +
            ", on_expiry: remove, mode: 0640, template: 'token={{ shell value }}'}\n");
  agent.signal(SIGHUP);
  ASSERT_TRUE(eventually([&] { return content() == "token=\"" + value() + "\""; }));
  EXPECT_TRUE(agent.logs("changed=\"\" locks=\"as before\" outputs=changed")) << "the token itself goes on";
  configure("      - {path: " + (dir / "out" / "other").string() + "}\n");
  agent.signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return fs::exists(dir / "out" / "other") && !fs::exists(file()); }));
  EXPECT_EQ(provider.counts().requests, 1U);

  configure("      - {path: " + file().string() + ", template: '{{ valuee }}'}\n");
  agent.signal(SIGHUP);
  EXPECT_TRUE(agent.logs("did you mean 'value'?"));
  EXPECT_TRUE(fs::exists(dir / "out" / "other"));
}

TEST_F(OutputsOfAgent, HookFails_StatusAndLogSayWhyAndTheTokenIsServed) {
  const auto script = dir.write("hook", "echo \"cannot use $(cat \"$1\")\" >&2\nexit 3\n");
  configure("      - path: " + file().string() + "\n        on_change: {command: [/bin/sh, " + script.string() + ", " +
            file().string() + "], min_interval: 0ms}\n");
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  const std::string why = "ended with status 3 (its last output: \"cannot use ***\")";
  ASSERT_TRUE(agent.logs("on_change failed"));
  EXPECT_THAT(first_output()["on_change"].value("last_error", ""), HasSubstr(why));
  EXPECT_EQ(state(), "written");
  const RunResult shown = run({JETONCTL, "--dir", agent.runtime_dir().string(), "status", "api"});
  EXPECT_EQ(shown.status, 0) << "the token is valid";
  EXPECT_THAT(shown.out, HasSubstr("***"));
  EXPECT_THAT(agent.log() + shown.out, Not(HasSubstr(value())));
}

// As a program does that shows how its configuration has changed.
TEST_F(OutputsOfAgent, HookFailsAndPrintsTheTokenBefore_NeitherIsShown) {
  const auto script = dir.write("hook", "echo $(cat \"$1.before\" \"$1\") >&2\ncat \"$1\" >\"$1.before\"\nexit 3\n");
  configure("      - path: " + file().string() + "\n        on_change: {command: [/bin/sh, " + script.string() + ", " +
            file().string() + "], min_interval: 0ms}\n");
  agent.start();
  ASSERT_TRUE(agent.logs("on_change failed"));
  const std::string before = value();
  ASSERT_EQ(run({JETONCTL, "--dir", agent.runtime_dir().string(), "refresh", "api"}).status, 0);
  ASSERT_TRUE(eventually(
      [&] { return first_output()["on_change"].value("last_error", "").find("*** ***") != std::string::npos; }));
  EXPECT_NE(value(), before);
  EXPECT_THAT(agent.log(), Not(HasSubstr(before)));
}

class HookUnderWay : public OutputsOfAgent {
 protected:
  // Notes its number, and goes on until there is a file "go".
  void SetUp() override {
    OutputsOfAgent::SetUp();
    const auto script = dir.write("hook", "echo $$ >>\"$1/pids\"\nuntil [ -e \"$1/go\" ]; do sleep 0.05; done\n");
    configure("      - path: " + file().string() + "\n        on_change: {command: [/bin/sh, " + script.string() +
              ", " + dir.path().string() + "], min_interval: 0ms, timeout: 1h}\n");
    agent.start();
    ASSERT_TRUE(runs_begun(1));
  }
  [[nodiscard]] std::vector<pid_t> pids() const { return noted_pids(dir / "pids"); }
  [[nodiscard]] bool runs_begun(std::size_t count) const {
    return eventually([&] { return pids().size() == count; });
  }
};

TEST_F(HookUnderWay, AgentStops_CommandEndsAndTheNextAgentRunsItAgain) {
  EXPECT_EQ(agent.stop(), 0);
  EXPECT_TRUE(eventually([&] { return all_gone(pids()); }));
  agent.start();
  ASSERT_TRUE(runs_begun(2)) << "the run is owed";
  dir.write("go", "");
  EXPECT_TRUE(hook_ran(1));
  EXPECT_TRUE(eventually([&] { return first_output()["on_change"]["due"] == false; })) << "the agent knows of its end";
  EXPECT_EQ(agent.stop(), 0);
  agent.start();
  ASSERT_TRUE(eventually([&] { return state() == "written"; }));
  EXPECT_EQ(first_output()["on_change"]["due"], false);
  EXPECT_EQ(pids().size(), 2U) << "it went well";
}

TEST_F(HookUnderWay, AgentIsReloaded_CommandGoesOn) {
  const RunResult reload = run({JETON_AGENT_BINARY, "reload", "--dir", agent.runtime_dir().string()});
  EXPECT_EQ(reload.status, 0) << reload.err << "a run of an hour holds up no reload";
  EXPECT_FALSE(all_gone(pids()));
  dir.write("go", "");
  EXPECT_TRUE(hook_ran(1));
  EXPECT_EQ(first_output()["on_change"]["last_error"], nullptr);
  EXPECT_EQ(pids().size(), 1U);
}

TEST_F(HookUnderWay, OutputLeavesTheConfiguration_CommandGoesOnToItsEnd) {
  AgentSettings without{.token_url = provider.url(), .refresh = "{min_interval: 0ms}"};
  agent.configure(without);
  const RunResult reload = run({JETON_AGENT_BINARY, "reload", "--dir", agent.runtime_dir().string()});
  EXPECT_EQ(reload.status, 0) << reload.err;
  EXPECT_FALSE(all_gone(pids()));
  dir.write("go", "");
  EXPECT_TRUE(agent.logs("on_change followed a change of outputs"));
  EXPECT_EQ(pids().size(), 1U);
}

TEST_F(OutputsOfAgent, AnotherUserCanWriteInTheDirectory_StatusAndLogSayWhatToDo) {
  ASSERT_EQ(::chmod((dir / "out").c_str(), 0777), 0);
  configure("      - path: " + file().string() + "\n");
  agent.start();
  ASSERT_TRUE(eventually([&] { return state() == "failing"; }));
  EXPECT_TRUE(agent.logs("can be written by other users, who could lead the file elsewhere; run chmod go-w on it"));
  EXPECT_TRUE(agent.valid());
  EXPECT_EQ(content(), "");
  ASSERT_EQ(::chmod((dir / "out").c_str(), 0755), 0);
  EXPECT_TRUE(has(value()));
  EXPECT_TRUE(eventually([&] { return state() == "written"; }));
}

TEST_F(OutputsOfAgent, DiskIsFull_OldFileStaysAndTheNewOneComesWithRoom) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can mount a tmpfs";
  if (::mount("tmpfs", (dir / "out").c_str(), "tmpfs", 0, "size=64k,mode=755") != 0) {
    GTEST_SKIP() << "this machine does not let root mount a tmpfs";
  }
  mounted = true;
  configure("      - path: " + file().string() + "\n");
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  const std::string old = value();
  ASSERT_TRUE(has(old));
  {
    std::ofstream filler(dir / "out" / "filler");
    for (const std::string page(4096, 'x'); filler.write(page.data(), 4096).flush();) {
    }
  }
  ASSERT_TRUE(renew());
  EXPECT_TRUE(eventually([&] { return state() == "failing"; }));
  EXPECT_TRUE(agent.logs("No space left on device"));
  EXPECT_EQ(content(), old + "\n");
  fs::remove(dir / "out" / "filler");
  EXPECT_TRUE(has(value()));
}

}  // namespace
}  // namespace jeton::test
