// read_loop current|read COUNT: makes that many calls on a token of 1 KiB. For tests/bench/instructions, which counts.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/bench/segment_of_bench.hpp"

using namespace jeton::bench;

int main(int argc, char** argv) {
  if (argc != 3) return 1;
  const std::string_view what = argv[1];
  const long count = std::atol(argv[2]);
  const BenchSegment segment;
  const BenchReader handles(segment.directory());
  alignas(64) static std::array<char, 2 * token_size> value;
  std::size_t size = 0;
  const jeton_view* view = nullptr;
  // Once each outside of the count: the first looks at the checksum, and makes the view.
  if (jeton_read(handles.token(), value.data(), value.size(), &size, nullptr) != JETON_OK) return 1;
  if (jeton_current(handles.reader(), &view) != JETON_OK) return 1;
  for (long i = 0; i < count; ++i) {
    const jeton_status status = what == "current"
                                    ? jeton_current(handles.reader(), &view)
                                    : jeton_read(handles.token(), value.data(), value.size(), &size, nullptr);
    if (status != JETON_OK) return 1;
  }
  return 0;
}
