// libFuzzer on texts from outside: build with the preset `fuzz`, run
//   build/fuzz/tests/fuzz/fuzz_answers -max_total_time=600 -max_len=4096 NEW_FINDINGS tests/fuzz/answer_corpus
//   build/fuzz/tests/fuzz/fuzz_fleet -max_total_time=600 -max_len=4096 NEW_FINDINGS tests/fuzz/fleet_corpus
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/answer_trial.hpp"
#include "tests/fuzz/fleet_trial.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string complaint = jeton::fuzz::JETON_TRIAL({reinterpret_cast<const char*>(data), size});
  if (complaint.empty()) return 0;
  std::fprintf(stderr, "jeton: %s\n", complaint.c_str());
  std::abort();
}
