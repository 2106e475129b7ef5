// Readers under a writer that never rests, is killed at any instruction, or while they themselves are stopped.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <jeton/client.hpp>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "tests/fault/segment/child.hpp"
#include "tests/fault/segment/segment_processes.hpp"
#include "tests/support/effort.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::test {
namespace {

using namespace std::chrono_literals;

class Storm : public testing::Test {
 protected:
  std::unique_ptr<Child> start_writer() {
    auto writer = std::make_unique<Child>([this](int to_parent) -> int { publish_for_ever(directory, to_parent); });
    EXPECT_TRUE(writer->ready());
    return writer;
  }
  void start_readers(int count, int threads = 1) {
    for (int i = 0; i < count; ++i) {
      readers.push_back(std::make_unique<Child>(
          [this, threads](int to_parent) { return read_until_told(directory, to_parent, threads); }));
    }
    for (const auto& reader : readers) ASSERT_TRUE(reader->ready());
  }
  // Every reader's report is good; returns the newest generation that all of them saw.
  std::uint64_t expect_good_reports() {
    std::uint64_t newest = ~std::uint64_t{0};
    for (const auto& reader : readers) {
      reader->signal(SIGTERM);
      ReaderReport report;
      if (!reader->receive(&report, sizeof(report))) {
        ADD_FAILURE() << "a reader died: " << reader->wait();
        continue;
      }
      EXPECT_EQ(reader->wait(), 0);
      EXPECT_EQ(report.torn, 0U);
      EXPECT_EQ(report.older, 0U);
      EXPECT_EQ(report.failures, 0U);
      EXPECT_GT(report.generations, 1U);
      EXPECT_LT(report.busy, report.good);  // the bound on attempts is met, and rarely
      newest = std::min(newest, report.newest);
      std::cout << "good " << report.good << ", busy " << report.busy << ", generations " << report.generations
                << ", newest " << report.newest << "\n";
    }
    readers.clear();
    return newest;
  }

  TempDir dir;
  std::filesystem::path directory = dir / "run";
  std::vector<std::unique_ptr<Child>> readers;
};

TEST_F(Storm, ReadersStandAWriterThatPublishesAsFastAsItCan) {
  const auto writer = start_writer();
  start_readers(3);
  std::this_thread::sleep_for(std::chrono::seconds(effort(10, 3)));  // the length of the storm, not a guess
  expect_good_reports();
}

TEST_F(Storm, ReadersStandAWriterThatIsKilledTwoHundredTimes) {
  std::random_device device;
  const unsigned seed = device();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> microseconds(0, 8000);

  auto writer = start_writer();
  start_readers(2);
  for (int i = 0; i < 200; ++i) {
    std::this_thread::sleep_for(std::chrono::microseconds(microseconds(random)));
    writer->kill();
    writer = start_writer();
  }
  writer->kill();
  const std::uint64_t newest = expect_good_reports();
  // What is left is whole, and the next agent goes on from it.
  Child last([this](int) {
    publish_some(directory, 1);
    return 0;
  });
  EXPECT_EQ(last.wait(), 0);
  start_readers(1);
  readers.front()->signal(SIGTERM);
  ReaderReport report;
  ASSERT_TRUE(readers.front()->receive(&report, sizeof(report)));
  EXPECT_GT(report.newest, newest);
}

// JETON_STORM_S makes it longer: 60 before a release.
TEST_F(Storm, EightProcessesOfEightThreadsStandAWriterThatNeverRests) {
  const char* seconds = std::getenv("JETON_STORM_S");
  const auto writer = start_writer();
  start_readers(8, 8);
  std::this_thread::sleep_for(std::chrono::seconds(seconds != nullptr ? std::atoi(seconds) : effort(5, 2)));
  expect_good_reports();
}

TEST_F(Storm, AWriterDoesNotNoticeThatItsReadersAreKilled) {
  std::random_device device;
  const unsigned seed = device();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> microseconds(0, 2000);
  const auto writer = start_writer();
  start_readers(1);  // this one stays, and sees the writer go on
  for (int i = 0; i < 200; ++i) {
    Child killed([&](int to_parent) {
      if (i % 2 == 0) return read_until_told(directory, to_parent);
      jeton::Options options;
      options.directory = directory.string();
      const Token token("api", options);
      tell_ready(to_parent);
      for (Generation seen = 0;;) seen = token.wait_change(seen).value();
    });
    ASSERT_TRUE(killed.ready());
    std::this_thread::sleep_for(std::chrono::microseconds(microseconds(random)));
    killed.kill();
  }
  const std::uint64_t newest = expect_good_reports();
  Child last([&](int) {
    jeton::Options options;
    options.directory = directory.string();
    return Token("api", options).wait_change(newest, 60s) ? 0 : 1;
  });
  EXPECT_EQ(last.wait(), 0);
}

TEST_F(Storm, AReaderThatIsStoppedInTheMiddleReadsTheNewTokenAfterwards) {
  std::random_device device;
  const unsigned seed = device();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> microseconds(0, 500);
  const auto publish = [this](agent::Generation count) {
    Child writer([&](int) {
      publish_some(directory, count);
      return 0;
    });
    EXPECT_EQ(writer.wait(), 0);
  };
  publish(1);
  start_readers(1);
  for (int i = 0; i < 50; ++i) {
    std::this_thread::sleep_for(std::chrono::microseconds(microseconds(random)));
    readers.front()->signal(SIGSTOP);
    publish(7);
    readers.front()->signal(SIGCONT);
  }
  expect_good_reports();
}

}  // namespace
}  // namespace jeton::test
