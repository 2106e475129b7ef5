// libFuzzer on segments: build with the preset `fuzz`, run
//   build/fuzz/tests/fuzz/fuzz_segment -max_total_time=60 -max_len=16384 NEW_FINDINGS tests/fuzz/corpus
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/fuzz/segment_mutator.hpp"
#include "tests/fuzz/segment_trial.hpp"

using namespace jeton::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed);
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static SegmentTrial trial;
  static unsigned count = 0;
  const SegmentTrial::Outcome outcome =
      trial.run({reinterpret_cast<const char*>(data), size}, count++ % 256 == 0 ? Trial::thorough : Trial::full);
  if (!outcome.complaint.empty()) {
    std::fprintf(stderr, "libjeton: %s\n", outcome.complaint.c_str());
    std::abort();
  }
  return 0;
}

// Mostly damages that keep most of it; now and then the fuzzer's own.
std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  Random random(seed);
  if (random() % 8 == 0) return LLVMFuzzerMutate(data, size, max_size);
  std::string segment(reinterpret_cast<const char*>(data), size);
  if (size == 0 || random() % 32 == 0) segment = seed_segment(random);
  mutate(segment, random, max_size);
  segment.resize(std::min(segment.size(), max_size));
  segment.copy(reinterpret_cast<char*>(data), segment.size());
  return segment.size();
}
