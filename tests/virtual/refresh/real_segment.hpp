// RealSegment: the production segment of a virtual host, in a directory of its own. One run of an agent has it at a
// time.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "agent/segment/segment_store.hpp"

namespace jeton::test {

class RealSegment {
 public:
  RealSegment(const std::filesystem::path& directory, agent::WallTime now)
      : directory_(directory, agent::Policy::warn),
        store_(directory_, {.name = "api", .access = {}, .memory_lock = agent::Policy::warn}, now) {}

  [[nodiscard]] agent::SegmentStore& store() { return store_; }
  [[nodiscard]] const agent::SegmentStore& store() const { return store_; }

 private:
  agent::RuntimeDir directory_;
  agent::SegmentStore store_;
};

// What a reader with the code of libjeton finds in this file otherwise than it was given; empty: nothing.
[[nodiscard]] std::string difference_to_readers(const std::filesystem::path& file, const agent::Record& given,
                                                bool expired, bool rejected);

// The first field of a record that the segment holds otherwise than it was given; empty: none.
[[nodiscard]] std::string difference_of(const std::optional<agent::Record>& given,
                                        const std::optional<agent::Record>& held);

}  // namespace jeton::test
