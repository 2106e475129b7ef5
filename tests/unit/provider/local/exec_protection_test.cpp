// The files that a command may write: none of the agent's, and all others that it could write before.
#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>

#include "agent/process/write_protection.hpp"
#include "tests/unit/provider/local/local_source.hpp"

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
    dir.write("above/state/other", "x");
    dir.write("above/file", "before");
    fs::create_directory_symlink(dir / "above" / "state", dir / "link");
  }
  // The names of the attempts that went well, in order. `D` is the folder.
  std::string attempts(const std::string& lines, const std::vector<fs::path>& unwritable) {
    const agent::ExecSourceConfig config = script(
        "D=$1; S=$D/above/state; cd $D/elsewhere\n"
        "try() { if ( eval \"$2\" ) 2>/dev/null; then said=\"$said $1\"; fi; }\n" +
        lines + "\necho \"{\\\"access_token\\\":\\\"done:$(echo $said | tr ' ' ,)\\\",\\\"expires_in\\\":60}\"\n");
    const auto by = make_source(token_by(config), {no_http, loop.timers, tokens, loop.random, unwritable});
    return std::string(fetch(*by).value.reveal());
  }
  [[nodiscard]] fs::path state() const { return dir / "above" / "state"; }

  // In an order in which each would go well after the one before.
  static constexpr const char* on_the_state = R"sh(
try create 'echo x > $S/new'
try create-below 'echo x > $S/sub/new'
try overwrite 'echo x > $S/kept'
try append 'echo x >> $S/kept'
try folder 'mkdir $S/folder'
try remove-folder 'rmdir $S/folder'
try link 'ln -s x $S/link'
try fifo 'mkfifo $S/fifo'
try hard-link 'ln $D/above/file $S/hard'
try hard-link-out 'ln $S/kept $D/elsewhere/hard && echo x > $D/elsewhere/hard'
try by-a-link 'echo x > $D/link/by-a-link'
try by-proc 'echo x > /proc/self/root$S/by-proc'
try by-a-grandchild 'setsid sh -c "echo x > $S/by-a-grandchild"'
try move-in 'mv $D/above/file $S/file'
try move-out 'mv $S/kept $D/elsewhere/kept'
try remove 'rm $S/other'
try move-away 'mv $S $D/above/gone'
)sh";
  static constexpr const char* all_on_the_state =
      "create,create-below,overwrite,append,folder,remove-folder,link,fifo,hard-link,hard-link-out,by-a-link,by-proc,"
      "by-a-grandchild,move-in,move-out,remove,move-away";
};

TEST_F(ExecProtection, StateOfTheAgent_CannotBeWrittenInAnyWay) {
  EXPECT_EQ(attempts(on_the_state, {state()}), "done:");
  EXPECT_EQ(file("above/state/kept"), "kept");
  EXPECT_FALSE(fs::exists(state() / "new"));
}

// Else the test above shows nothing.
TEST_F(ExecProtection, ThereIsNone_EveryAttemptWouldGoWell) {
  EXPECT_EQ(attempts(on_the_state, {}), std::string("done:") + all_on_the_state);
}

TEST_F(ExecProtection, DirectoryIsGivenByALink_IsProtectedAllTheSame) {
  EXPECT_EQ(attempts(on_the_state, {dir / "link"}), "done:");
}

TEST_F(ExecProtection, EverythingElse_IsWrittenAsBefore) {
  const std::string lines = R"sh(
try beside 'echo x > $D/above/beside/new'
try file-beside 'echo x > $D/above/file'
try elsewhere 'mkdir $D/elsewhere/folder && echo x > $D/elsewhere/folder/new'
try move 'mv $D/elsewhere/folder/new $D/elsewhere/moved'
try temporary 'f=$(mktemp) && echo x > $f && rm $f'
try null 'echo x > /dev/null'
try read 'test "$(cat $D/above/state/kept)" = kept'
)sh";
  EXPECT_EQ(attempts(lines, {state()}), "done:beside,file-beside,elsewhere,move,temporary,null,read");
}

TEST_F(ExecProtection, DirectoryDoesNotExistYet_CannotBeMade) {
  EXPECT_EQ(attempts("try make 'mkdir $D/above/later'", {dir / "above" / "later"}), "done:");
}

TEST_F(ExecProtection, AgentItself_GoesOnWriting) {
  attempts("", {state()});
  dir.write("above/state/by-the-agent", "x");
  EXPECT_EQ(file("above/state/by-the-agent"), "x");
}

}  // namespace
}  // namespace jeton::test
