// libFuzzer on a trial of texts from outside (JETON_TRIAL of JETON_TRIAL_HEADER): tests/fuzz/run builds and runs each.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include JETON_TRIAL_HEADER

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string complaint = jeton::fuzz::JETON_TRIAL({reinterpret_cast<const char*>(data), size});
  if (complaint.empty()) return 0;
  std::fprintf(stderr, "jeton: %s\n", complaint.c_str());
  std::abort();
}
