// Puts arbitrary bytes where a segment should be and calls all of libjeton on them.
//
// Twice: as a file, by the public calls; and in memory that ends where the bytes end, at a page that may not be
// touched, by the reader's half of the protocol, because a mapping of a file reaches to the end of its last page.
#pragma once

#include <jeton/jeton.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "tests/support/temp_dir.hpp"

namespace jeton::fuzz {

// quick: reading; full: a reader's view too, whose memory costs more than all else; thorough: also jeton_diagnose,
// jeton_list, jeton_rejected and jeton_event_fd, which costs milliseconds to close.
enum class Trial { quick, full, thorough };

class SegmentTrial {
 public:
  SegmentTrial();
  SegmentTrial(const SegmentTrial&) = delete;
  SegmentTrial& operator=(const SegmentTrial&) = delete;
  ~SegmentTrial();

  struct Outcome {
    jeton_status opened = JETON_OK;
    jeton_status read = JETON_OK;  // if it was opened
    std::string complaint{};       // what libjeton did that it must not do; empty: nothing
  };
  [[nodiscard]] Outcome run(std::string_view segment, Trial how);

  static constexpr std::size_t limit = 64 * 1024;  // bytes of a segment; later bytes are not used

 private:
  void read_in_fenced_memory(std::string_view segment);

  test::TempDir dir_;
  std::string directory_ = (dir_ / "run").string();
  int file_ = -1;
  std::size_t size_ = 0;  // of the file
  std::size_t page_ = 0;
  char* fenced_ = nullptr;  // `limit` bytes before the page that may not be touched
};

}  // namespace jeton::fuzz
