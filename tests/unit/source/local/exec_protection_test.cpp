// What a command may write: nothing of the agent that runs it, and everything else that it could write before.
#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>

#include "agent/source/exec/write_protection.hpp"
#include "tests/unit/source/local/local_source.hpp"

namespace jeton::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class ExecProtection : public ExecTest {
 protected:
  void SetUp() override {
    if (agent::landlock_version() == 0) GTEST_SKIP() << "this kernel has no Landlock, or a sandbox refuses it";
    for (const char* folder : {"above/state/sub", "above/beside", "elsewhere"}) fs::create_directories(dir / folder);
    dir.write("above/state/kept", "kept");
    dir.write("above/file", "before");
    fs::create_directory_symlink(dir / "above" / "state", dir / "link");
  }
  // The names of the attempts that went well, in order; `$1` is the folder.
  std::string attempts(const std::string& lines, const fs::path& unwritable) {
    const agent::ExecSourceConfig config =
        script("try() { if ( eval \"$2\" ) 2>/dev/null; then said=\"$said $1\"; fi; }\n" + lines +
               "\necho \"{\\\"access_token\\\":\\\"done:$(echo $said | tr ' ' ,)\\\",\\\"expires_in\\\":60}\"\n");
    agent::ExecSource by("t", config, 8192, loop.timers, tokens, {unwritable});
    return std::string(fetch(by).value.reveal());
  }
  [[nodiscard]] fs::path state() const { return dir / "above" / "state"; }

  static constexpr const char* on_the_state = R"(
S=$1/above/state
cd $1/above/beside
try create 'echo x > $S/new'
try create-below 'echo x > $S/sub/new'
try overwrite 'echo x > $S/kept'
try append 'echo x >> $S/kept'
try remove 'rm $S/kept'
try folder 'mkdir $S/folder'
try remove-folder 'rmdir $S/sub'
try link 'ln -s x $S/link'
try hard-link 'ln $1/above/file $S/hard'
try hard-link-out 'ln $S/kept $1/elsewhere/hard && echo x > $1/elsewhere/hard'
try move-in 'mv $1/above/file $S/file'
try move-out 'mv $S/kept $1/elsewhere/kept'
try move-away 'mv $S $1/above/gone'
try by-a-link 'echo x > $1/link/new'
try by-proc 'echo x > /proc/self/root$S/new'
try by-a-grandchild 'setsid sh -c "echo x > $S/new"'
)";
};

TEST_F(ExecProtection, StateOfTheAgent_CannotBeWrittenInAnyWay) {
  EXPECT_EQ(attempts(on_the_state, state()), "done:");
  EXPECT_EQ(file("above/state/kept"), "kept");
  EXPECT_FALSE(fs::exists(state() / "new"));
}

// Else the test above shows nothing.
TEST_F(ExecProtection, ThereIsNone_EveryAttemptWouldGoWell) {
  agent::ExecSourceConfig config =
      script("S=$1/above/state; echo x > $S/new; echo x > $S/kept; mkdir $S/folder\n" + std::string(print_token));
  fetch_by(config);
  EXPECT_TRUE(fs::exists(state() / "new"));
  EXPECT_EQ(file("above/state/kept"), "x\n");
  EXPECT_TRUE(fs::exists(state() / "folder"));
}

TEST_F(ExecProtection, DirectoryIsGivenByALink_IsProtectedAllTheSame) {
  EXPECT_EQ(attempts(on_the_state, dir / "link"), "done:");
}

TEST_F(ExecProtection, EverythingElse_IsWrittenAsBefore) {
  const std::string lines = R"sh(
try beside 'echo x > $1/above/beside/new'
try file-beside 'echo x > $1/above/file'
try elsewhere 'mkdir $1/elsewhere/folder && echo x > $1/elsewhere/folder/new'
try move 'mv $1/elsewhere/folder/new $1/elsewhere/moved'
try temporary 'f=$(mktemp) && echo x > $f && rm $f'
try null 'echo x > /dev/null'
try read 'test "$(cat $1/above/state/kept)" = kept'
)sh";
  EXPECT_EQ(attempts(lines, state()), "done:beside,file-beside,elsewhere,move,temporary,null,read");
}

TEST_F(ExecProtection, DirectoryDoesNotExistYet_CannotBeMade) {
  EXPECT_EQ(attempts("try make 'mkdir $1/above/later'", dir / "above" / "later"), "done:");
}

TEST_F(ExecProtection, AgentItself_GoesOnWriting) {
  attempts("", state());
  dir.write("above/state/by-the-agent", "x");
  EXPECT_EQ(file("above/state/by-the-agent"), "x");
}

}  // namespace
}  // namespace jeton::test
