#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>

#include "agent/base/log.hpp"
#include "agent/base/log_line.hpp"
#include "agent/base/unique_fd.hpp"
#include "tests/support/eventually.hpp"

namespace jeton::agent::log {
namespace {

using namespace std::chrono_literals;

// A reader of the log that can hang.
class Reader {
 public:
  bool take(const Line& line) {
    std::unique_lock lock(mutex_);
    if (refuses_) return false;
    ++arrived_;
    news_.notify_all();
    news_.wait(lock, [&] { return !hangs_; });
    lines_.push_back(line.front());
    return true;
  }
  void refuse(bool refuses) {
    const std::lock_guard guard(mutex_);
    refuses_ = refuses;
  }
  void hang() {
    const std::lock_guard guard(mutex_);
    hangs_ = true;
  }
  void go_on() {
    const std::lock_guard guard(mutex_);
    hangs_ = false;
    news_.notify_all();
  }
  void wait_until_it_hangs() {
    std::unique_lock lock(mutex_);
    news_.wait(lock, [&] { return arrived_ > 0; });
  }
  [[nodiscard]] std::vector<std::string> lines() {
    const std::lock_guard guard(mutex_);
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable news_;
  std::vector<std::string> lines_;
  int arrived_ = 0;
  bool hangs_ = false;
  bool refuses_ = false;
};

class LogQueueTest : public testing::Test {
 protected:
  ~LogQueueTest() override { reader->go_on(); }

  LogQueue::Options options(std::size_t capacity) {
    return {[reader = reader](const Line& line) { return reader->take(line); },
            [](std::uint64_t count) { return Line{"dropped " + std::to_string(count)}; }, capacity};
  }
  std::shared_ptr<Reader> reader = std::make_shared<Reader>();  // the thread outlives the queue
};

TEST_F(LogQueueTest, ReaderKeepsUp_EveryLineComesInItsOrder) {
  LogQueue queue(options(1024 * 1024));
  std::vector<std::string> expected;
  for (int i = 0; i < 1000; ++i) {
    expected.push_back(std::to_string(i));
    queue.push({expected.back()});
  }
  EXPECT_TRUE(queue.flush(1min));
  EXPECT_EQ(reader->lines(), expected);
  EXPECT_EQ(queue.dropped(), 0U);
}

TEST_F(LogQueueTest, ReaderHangs_PushesReturnAndWhatIsDroppedIsSaidInItsPlace) {
  reader->hang();
  LogQueue queue(options(4096));
  queue.push({"taken"});
  reader->wait_until_it_hangs();
  int kept = 0;
  while (queue.dropped() == 0) queue.push({"line " + std::to_string(kept++)});
  --kept;  // the last was dropped
  for (int i = 0; i < 9; ++i) queue.push({"too much"});
  EXPECT_EQ(queue.dropped(), 10U);
  EXPECT_FALSE(queue.flush(1ms));
  reader->go_on();
  EXPECT_TRUE(queue.flush(1min));
  queue.push({"later"});
  EXPECT_TRUE(queue.flush(1min));
  const std::vector<std::string> lines = reader->lines();
  ASSERT_EQ(lines.size(), static_cast<std::size_t>(kept) + 3);
  EXPECT_EQ(lines.front(), "taken");
  EXPECT_EQ(lines[static_cast<std::size_t>(kept)], "line " + std::to_string(kept - 1));
  EXPECT_EQ(lines[lines.size() - 2], "dropped 10");
  EXPECT_EQ(lines.back(), "later");
}

// A full disk, or a pipe whose reader is gone.
TEST_F(LogQueueTest, LogRefusesLines_TheyAreCountedAndSaidBeforeTheNextThatIsTaken) {
  LogQueue queue(options(4096));
  reader->refuse(true);
  for (int i = 0; i < 3; ++i) {
    queue.push({"lost"});
    EXPECT_TRUE(queue.flush(1min));
  }
  EXPECT_EQ(queue.dropped(), 3U);
  reader->refuse(false);
  queue.push({"later"});
  EXPECT_TRUE(queue.flush(1min));
  EXPECT_EQ(reader->lines(), (std::vector<std::string>{"dropped 3", "later"}));
}

TEST_F(LogQueueTest, QueueIsDestroyedWhileTheReaderHangs_NobodyWaits) {
  reader->hang();
  {
    LogQueue queue(options(4096));
    queue.push({"taken"});
    reader->wait_until_it_hangs();
    queue.push({"left behind"});
  }
  reader->go_on();
  EXPECT_TRUE(test::eventually([&] { return !reader->lines().empty(); }));
  EXPECT_EQ(reader->lines(), std::vector<std::string>{"taken"});
}

// Standard error is a pipe that nobody empties.
class BackgroundLog : public testing::Test {
 protected:
  BackgroundLog() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    EXPECT_GT(::fcntl(ends[1], F_SETPIPE_SZ, 4096), 0);
    reading_ = UniqueFd(ends[0]);
    before_ = UniqueFd(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[1]);
  }
  ~BackgroundLog() override {
    ::dup2(before_.get(), STDERR_FILENO);
    configure(Level::info, Format::automatic);
  }
  // What is in the pipe until nobody has it open for writing.
  std::string read_to_the_end() {
    ::dup2(before_.get(), STDERR_FILENO);
    std::string all;
    char buffer[4096];
    ssize_t got = 0;
    while ((got = ::read(reading_.get(), buffer, sizeof buffer)) > 0) all.append(buffer, static_cast<std::size_t>(got));
    return all;
  }
  void read_some(std::string& all) {
    char buffer[4096];
    const ssize_t got = ::read(reading_.get(), buffer, sizeof buffer);
    ASSERT_GT(got, 0);
    all.append(buffer, static_cast<std::size_t>(got));
  }

  UniqueFd reading_;
  UniqueFd before_;
};

TEST_F(BackgroundLog, NobodyReads_WritersGoOnAndTheLossIsSaid) {
  configure(Level::info, Format::text);
  const std::uint64_t before = dropped();
  std::string all;
  {
    const Background background;
    while (dropped() == before)
      info("a line that is longer than the room there is left in any pipe for long", {{"n", 1}});
    while (all.find("were dropped") == std::string::npos) read_some(all);
    info("the last one");
  }
  all += read_to_the_end();
  EXPECT_THAT(all, testing::HasSubstr("log lines were dropped"));
  EXPECT_THAT(all, testing::HasSubstr("the last one")) << "it was not waited for";
  EXPECT_GT(dropped(), before);
}

// The open file is shared with other processes, and one of them has made it non-blocking.
TEST_F(BackgroundLog, PipeIsNonBlocking_NoLineIsCut) {
  configure(Level::info, Format::text);
  ASSERT_EQ(::fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK), 0);
  std::string all;
  {
    const Background background;
    for (int i = 0; i < 500; ++i) info("whole", {{"n", i}, {"text", std::string(100, 'x')}});
    while (all.find("n=499") == std::string::npos) read_some(all);
  }
  std::size_t lines = 0;
  for (std::size_t at = all.find("whole"); at != std::string::npos; at = all.find("whole", at + 1)) ++lines;
  EXPECT_EQ(lines, 500U);
}

TEST_F(BackgroundLog, ThereIsNone_EachLineIsWrittenAtOnce) {
  configure(Level::info, Format::text);
  info("of a command");
  std::string all;
  read_some(all);
  EXPECT_THAT(all, testing::HasSubstr("of a command\n"));
}

}  // namespace
}  // namespace jeton::agent::log
