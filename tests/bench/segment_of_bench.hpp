// A segment with one token of 1 KiB, written by the agent's code.
#pragma once

#include <string>

#include "agent/segment/segment_store.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/segment/sample.hpp"

namespace jeton::bench {

inline constexpr std::size_t token_size = 1024;

class BenchSegment {
 public:
  BenchSegment() {
    prepare();
    publish();
  }
  // Makes the next token; publish() then only publishes it.
  void prepare() {
    ++generation_;
    next_ = test::sample_record(generation_, test::checked_value(generation_, token_size));
  }
  void publish() { store_.publish(next_, test::wall_now()); }
  [[nodiscard]] agent::Generation generation() const { return generation_; }
  [[nodiscard]] std::string directory() const { return runtime_.path().string(); }
  [[nodiscard]] const test::TempDir& dir() const { return dir_; }

 private:
  test::TempDir dir_;
  agent::RuntimeDir runtime_{dir_ / "run", agent::Policy::warn};
  agent::SegmentStore store_{runtime_, {"api", 8 * 1024, {}, agent::Policy::warn}, test::wall_now()};
  agent::Generation generation_ = 0;
  agent::Record next_;
};

}  // namespace jeton::bench
