// Readers under a writer that never rests, is killed at any instruction, or while they themselves are stopped.
//
// The pauses between two kills are chance, and no wait for anything. A test prints its seed; JETON_TEST_SEED=N gives it
// back, which repeats the pauses and not what the scheduler does meanwhile.
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
#include "tests/support/seed_of_the_day.hpp"
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
  // The length of a storm: nothing is waited for.
  static void last(std::chrono::seconds length) { std::this_thread::sleep_for(length); }
  // A pause of chance before each kill.
  class Pauses {
   public:
    explicit Pauses(int longest_us) : longest_us_(0, longest_us) {
      std::cout << "JETON_TEST_SEED=" << seed_ << std::endl;
    }
    void pass() { std::this_thread::sleep_for(std::chrono::microseconds(longest_us_(random_))); }

   private:
    std::uint64_t seed_ = test::seed_of_the_day();
    std::mt19937_64 random_{seed_};
    std::uniform_int_distribution<int> longest_us_;
  };
  // Every reader has seen more than one generation: once a test, before the writer ends.
  void await_second_generation() const {
    for (const auto& reader : readers) ASSERT_TRUE(reader->ready()) << "a reader died";
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

TEST_F(Storm, WriterPublishesWithoutAPause_ReadersSeeNoTornOrOlderToken) {
  const auto writer = start_writer();
  start_readers(3);
  last(std::chrono::seconds(effort(4, 2)));
  await_second_generation();
  expect_good_reports();
}

TEST_F(Storm, WriterIsKilledTwoHundredTimes_ReadersSeeNoTornOrOlderToken) {
  Pauses pauses(8000);

  auto writer = start_writer();
  start_readers(2);
  for (int i = 0; i < 200; ++i) {
    pauses.pass();
    writer->kill();
    writer = start_writer();
  }
  await_second_generation();
  writer->kill();
  const std::uint64_t newest = expect_good_reports();
  // What is left is whole, and the next agent goes on from it.
  Child next([this](int) {
    publish_some(directory, 1);
    return 0;
  });
  EXPECT_EQ(next.wait(), 0);
  start_readers(1);
  readers.front()->signal(SIGTERM);
  ReaderReport report;
  ASSERT_TRUE(readers.front()->receive(&report, sizeof(report)));
  EXPECT_GT(report.newest, newest);
}

// JETON_STORM_S makes it longer: 60 before a release.
TEST_F(Storm, EightProcessesOfEightThreadsRead_NoneSeesATornOrOlderToken) {
  const char* seconds = std::getenv("JETON_STORM_S");
  const auto writer = start_writer();
  start_readers(8, 8);
  last(std::chrono::seconds(seconds != nullptr ? std::atoi(seconds) : effort(2, 1)));
  await_second_generation();
  expect_good_reports();
}

TEST_F(Storm, ReadersAreKilled_WriterGoesOn) {
  Pauses pauses(2000);
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
    pauses.pass();
    killed.kill();
  }
  await_second_generation();
  const std::uint64_t newest = expect_good_reports();
  Child next([&](int) {
    jeton::Options options;
    options.directory = directory.string();
    return Token("api", options).wait_change(newest, 60s) ? 0 : 1;
  });
  EXPECT_EQ(next.wait(), 0);
}

TEST_F(Storm, ReaderIsStoppedAndContinued_ReadsTheNewestToken) {
  Pauses pauses(500);
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
    pauses.pass();
    readers.front()->signal(SIGSTOP);
    publish(7);
    readers.front()->signal(SIGCONT);
  }
  await_second_generation();
  EXPECT_EQ(expect_good_reports(), 1U + 50 * 7);
}

}  // namespace
}  // namespace jeton::test
