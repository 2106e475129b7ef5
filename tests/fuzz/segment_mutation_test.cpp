// Damaged segments (JETON_FUZZ_COUNT: how many, JETON_FUZZ_SEED: which).
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <random>

#include "tests/fuzz/segment_mutator.hpp"
#include "tests/fuzz/segment_trial.hpp"
#include "tests/support/sanitizer.hpp"
#include "tests/support/seed_of_the_day.hpp"

namespace jeton::fuzz {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

// AddressSanitizer finds an access out of bounds; in one thread there is little for ThreadSanitizer to find.
constexpr std::uint64_t usual_count = test::thread_sanitizer ? 50'000 : 250'000;

// In parts that run beside each other.
constexpr int parts = 4;
class DamagedSegment : public testing::TestWithParam<int> {};

TEST_P(DamagedSegment, OpenedAndRead_HasADefinedStatusAndDoesNoHarm) {
  const std::uint64_t seed = test::seed_of_the_day("JETON_FUZZ_SEED");
  const std::uint64_t count = from_environment("JETON_FUZZ_COUNT", usual_count) / parts;
  std::cout << "JETON_FUZZ_SEED=" << seed << std::endl;  // flushed: it is wanted most after a crash
  Random random(seed + static_cast<std::uint64_t>(GetParam()));
  SegmentTrial trial;
  std::map<jeton_status, std::uint64_t> opened;
  std::map<jeton_status, std::uint64_t> read;
  std::string segment;
  for (std::uint64_t i = 0; i < count; ++i) {
    // A few steps away from a valid one each, and on from there.
    if (i % 4 == 0) segment = seed_segment(random);
    mutate(segment, random, 16 * 1024);
    const Trial how = random() % 1024 == 0 ? Trial::thorough : random() % 8 == 0 ? Trial::full : Trial::quick;
    const SegmentTrial::Outcome outcome = trial.run(segment, how);
    ASSERT_EQ(outcome.complaint, "") << "segment " << i;
    ++opened[outcome.opened];
    if (outcome.opened == JETON_OK) ++read[outcome.read];
  }
  for (const auto& [status, times] : opened) std::cout << "open " << jeton_status_name(status) << " " << times << "\n";
  for (const auto& [status, times] : read) std::cout << "read " << jeton_status_name(status) << " " << times << "\n";
  // Every check was reached, and not only by way of the first.
  for (const jeton_status status :
       {JETON_OK, JETON_BAD_MAGIC, JETON_UNSUPPORTED_VERSION, JETON_TRUNCATED, JETON_CORRUPT}) {
    EXPECT_GT(opened[status], count / 1000) << jeton_status_name(status);
  }
  for (const jeton_status status : {JETON_OK, JETON_NO_TOKEN, JETON_EXPIRED, JETON_NOT_FOUND, JETON_CORRUPT}) {
    EXPECT_GT(read[status], count / 1000) << jeton_status_name(status);
  }
}

INSTANTIATE_TEST_SUITE_P(Part, DamagedSegment, testing::Range(0, parts));

TEST(SegmentFromOutside, FoundByTheFuzzer_IsReadOrRefused) {
  SegmentTrial trial;
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(JETON_FUZZ_CORPUS)) {
    const auto outcome = trial.run(test::read_file(entry.path()), Trial::thorough);
    EXPECT_EQ(outcome.complaint, "") << entry.path();
    ++count;
  }
  EXPECT_GT(count, 10);
}

}  // namespace
}  // namespace jeton::fuzz
