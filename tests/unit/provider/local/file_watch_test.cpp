// A change of the file is noticed, whichever way it comes.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <set>
#include <thread>

#include "agent/provider/path_watch.hpp"
#include "tests/unit/provider/local/local_source.hpp"

namespace jeton::test {
namespace {

namespace fs = std::filesystem;

class FileWatch : public LocalSourceTest {
 protected:
  void watch(const fs::path& path) {
    agent::FileSourceConfig config;
    config.path = path;
    config.lifetime = 1h;
    source = source_by(config);
    source->on_change([this] { ++told; });
  }
  // As the agent does when it is told: fetches, and the token is the one of the host from then on. A file that has
  // changed again meanwhile is told of again.
  void catch_up() {
    if (std::exchange(fetched, told) == told) return;
    try {
      tokens.values["t"] = std::string(fetch(*source).value.reveal());
    } catch (const SourceError&) {
    }
  }
  bool comes_to(const std::string& value) {
    return loop.turn_until([&] {
      catch_up();
      return tokens.values["t"] == value;
    });
  }
  // Everything that has happened so far has been heard: so has a change that came after it.
  void settle() {
    bool heard = false;
    const agent::PathWatch last(loop.timers, {dir / "last"}, [&heard] { heard = true; });
    dir.write("last", "");
    EXPECT_TRUE(loop.turn_until([&] { return heard; }));
    loop.context.restart();
    loop.context.poll();
    catch_up();
  }
  void move_into_place(const std::string& value) const {
    dir.write("new", value);
    fs::rename(dir / "new", dir / "token");
  }
  // As the kubelet writes a volume: token -> ..data/token, ..data -> a folder, swapped in one step.
  void write_volume(const fs::path& volume, const std::string& value, int version) const {
    const std::string folder = "..version_" + std::to_string(version);
    fs::create_directories(volume / folder);
    std::ofstream(volume / folder / "token") << value;
    fs::remove(volume / "..data_tmp");
    fs::create_symlink(folder, volume / "..data_tmp");
    fs::rename(volume / "..data_tmp", volume / "..data");
    if (!fs::is_symlink(volume / "token")) fs::create_symlink("..data/token", volume / "token");
    if (version > 1) fs::remove_all(volume / ("..version_" + std::to_string(version - 1)));
  }

  std::unique_ptr<agent::Source> source;
  int told = 0;
  int fetched = 0;
};

TEST_F(FileWatch, WatchStarts_FileIsReadOnce) {
  dir.write("token", "one");
  watch(dir / "token");
  EXPECT_TRUE(comes_to("one"));
}

TEST_F(FileWatch, FileIsMovedIntoPlace_ChangeIsNoticed) {
  dir.write("token", "one");
  watch(dir / "token");
  ASSERT_TRUE(comes_to("one"));
  for (const char* value : {"two", "three", "four"}) {
    move_into_place(value);
    EXPECT_TRUE(comes_to(value)) << value;
  }
}

TEST_F(FileWatch, FileIsWrittenInPlace_ChangeIsNoticedWhenItIsClosed) {
  dir.write("token", "one");
  watch(dir / "token");
  ASSERT_TRUE(comes_to("one"));
  {
    const agent::UniqueFd writer(::open((dir / "token").c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
    ASSERT_EQ(::write(writer.get(), "half", 4), 4);
    settle();
    EXPECT_EQ(tokens.values["t"], "one");
    EXPECT_THAT(failure(*source).what(), testing::HasSubstr("is being written"));
    ASSERT_EQ(::write(writer.get(), "-whole", 6), 6);
  }
  EXPECT_TRUE(comes_to("half-whole"));
}

TEST_F(FileWatch, ContentIsUnchanged_NoChangeIsReported) {
  dir.write("token", "one");
  watch(dir / "token");
  ASSERT_TRUE(comes_to("one"));
  EXPECT_EQ(told, 1);
  for (int i = 0; i < 3; ++i) move_into_place("one");
  dir.write("token", "one\n");
  dir.write("token", "");
  settle();
  EXPECT_EQ(told, 1);
  move_into_place("two");
  EXPECT_TRUE(comes_to("two"));
  EXPECT_EQ(told, 2);
}

TEST_F(FileWatch, FoldersAppearLater_ChangeIsNoticed) {
  watch(dir / "a" / "b" / "token");
  settle();
  fs::create_directories(dir / "a");
  settle();
  dir.write("a/b/token", "one");
  EXPECT_TRUE(comes_to("one"));
  fs::remove_all(dir / "a");
  settle();
  dir.write("a/b/token", "two");
  EXPECT_TRUE(comes_to("two"));
  fs::rename(dir / "a", dir / "old");
  dir.write("a/b/token", "three");
  EXPECT_TRUE(comes_to("three"));
}

TEST_F(FileWatch, LinkIsSwapped_ChangeIsNoticed) {
  dir.write("first", "one");
  dir.write("elsewhere/second", "two");
  fs::create_symlink("first", dir / "token");
  watch(dir / "token");
  ASSERT_TRUE(comes_to("one"));
  fs::remove(dir / "token");
  fs::create_symlink(dir / "elsewhere/second", dir / "token");
  ASSERT_TRUE(comes_to("two"));
  dir.write("elsewhere/third", "three");
  fs::rename(dir / "elsewhere/third", dir / "elsewhere/second");
  EXPECT_TRUE(comes_to("three")) << "behind the link";
}

// The swaps do not wait for the reader: it may miss some, never the last, and never sees half of one.
TEST_F(FileWatch, KubernetesVolumeIsSwappedInALoop_LastVersionIsRead) {
  const fs::path volume = dir / "volume";
  write_volume(volume, "version-1", 1);
  watch(volume / "token");
  ASSERT_TRUE(comes_to("version-1"));
  std::atomic<bool> done = false;
  std::thread kubelet([&] {
    for (int version = 2; version <= 300; ++version)
      write_volume(volume, "version-" + std::to_string(version), version);
    done = true;
  });
  std::set<std::string> seen;
  EXPECT_TRUE(loop.turn_until([&] {
    catch_up();
    seen.insert(tokens.values["t"]);
    return done.load();
  }));
  kubelet.join();
  EXPECT_TRUE(comes_to("version-300"));
  for (const std::string& value : seen) EXPECT_THAT(value, testing::StartsWith("version-"));
}

// A reader asks again when it has read; a change that it hears of only then is one that it has not seen.
TEST_F(FileWatch, ChangeIsHeardOfByAReader_IsToldAllTheSame) {
  dir.write("token", "one");
  bool heard = false;
  agent::PathWatch path(loop.timers, {dir / "token"}, [&heard] { heard = true; });
  move_into_place("two");
  EXPECT_FALSE(path.being_written());
  EXPECT_TRUE(loop.turn_until([&] { return heard; }));
}

TEST_F(FileWatch, SourceIsDestroyed_NoChangeIsReported) {
  dir.write("token", "one");
  watch(dir / "token");
  source.reset();
  move_into_place("two");
  settle();
  EXPECT_EQ(told, 0);
}

}  // namespace
}  // namespace jeton::test
