// A segment with one token, written by the agent's code, and libjeton's handles of it.
#pragma once

#include <jeton/jeton.h>

#include <string>

#include "agent/segment/segment_store.hpp"
#include "tests/bench/bench.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/segment/sample.hpp"

namespace jeton::bench {

inline constexpr std::size_t token_size = 1024;  // where only one size is measured

class BenchSegment {
 public:
  explicit BenchSegment(std::size_t size = token_size) : size_(size) {
    prepare();
    publish();
  }
  // Makes the next token; publish() then only publishes it.
  void prepare() {
    ++generation_;
    next_ = test::sample_record(generation_, test::checked_value(generation_, size_));
  }
  void publish() { store_.publish(next_, now_); }
  // The same token under a new generation: all that a publication costs the segment, and little else.
  void publish_again() {
    next_.generation = ++generation_;
    publish();
  }
  [[nodiscard]] agent::Generation generation() const { return generation_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::string directory() const { return runtime_.path().string(); }
  [[nodiscard]] const test::TempDir& dir() const { return dir_; }

 private:
  std::size_t size_;
  agent::WallTime now_ = test::wall_now();
  test::TempDir dir_;
  agent::RuntimeDir runtime_{dir_ / "run", agent::Policy::warn};
  agent::SegmentStore store_{runtime_, {"api", std::max<std::size_t>(8 * 1024, size_), {}, agent::Policy::warn}, now_};
  agent::Generation generation_ = 0;
  agent::Record next_;
};

class BenchReader {
 public:
  explicit BenchReader(const std::string& directory) {
    jeton_options options = JETON_OPTIONS_INIT;
    options.directory = directory.c_str();
    require(jeton_open(&options, "api", &token_) == JETON_OK, "open");
    require(jeton_reader_open(token_, &reader_) == JETON_OK, "reader_open");
  }
  BenchReader(const BenchReader&) = delete;
  BenchReader& operator=(const BenchReader&) = delete;
  ~BenchReader() {
    jeton_reader_close(reader_);
    jeton_close(token_);
  }
  [[nodiscard]] jeton_token* token() const { return token_; }
  [[nodiscard]] jeton_reader* reader() const { return reader_; }

 private:
  jeton_token* token_ = nullptr;
  jeton_reader* reader_ = nullptr;
};

}  // namespace jeton::bench
