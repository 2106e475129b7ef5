// SegmentStore: the TokenStore that a host's processes read, a segment in runtime_dir/segments/NAME.
//
//   RuntimeDir directory(config.agent.runtime_dir, config.agent.disk_backed);     // once, outlives its stores
//   directory.retire_others(configured_names);
//   SegmentStore store(directory, {token.name, token.capacity, token.access, memory_lock}, clock.wall_now());
//   if (auto record = store.adopted()) ...
//
// The segment of an earlier run is adopted with its token if it passes every check, checksum included. If its capacity
// differs, it is of another boot or of an agent of layout 1.0, or its access list gives more than the configuration, it
// is replaced by a new segment that holds the same token from the start; if it is damaged or not ours, by an empty one,
// with a warning. An access list governs the opening only: a process that lost its right, and has the file mapped,
// would read every later token. Destroying a store leaves the segment readable; retire() removes it. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "agent/segment/runtime_dir.hpp"
#include "agent/segment/token_store.hpp"

namespace jeton::agent {

class SegmentFile;
class SlotWriter;

struct SegmentOptions {
  std::string name;
  std::size_t capacity = 8 * 1024;  // bytes of the token value
  AccessConfig access;
  Policy memory_lock = Policy::warn;
};

class SegmentStore final : public TokenStore {
 public:
  // Throws Error: unknown user or group, no room, no permission.
  SegmentStore(RuntimeDir& directory, SegmentOptions options, WallTime now);
  ~SegmentStore() override;

  [[nodiscard]] std::optional<Record> adopted() const override { return adopted_; }
  [[nodiscard]] Generation generation() const override { return generation_; }
  void publish(const Record& record, WallTime now) override;
  void mark_expired() override;
  void mark_rejected() override;
  [[nodiscard]] bool rejected() const override;
  void heartbeat(WallTime now) override;
  void retire() override;

  // Of the file, in bytes; 0 when it is retired.
  [[nodiscard]] std::uint64_t size() const;

  // For a loop that takes over this segment from another loop: adopted() then returns the record of that loop, with the
  // state of its source.
  void hand_over(std::optional<Record> known) { adopted_ = std::move(known); }

  // Applies a changed capacity or access list without a moment in which the token cannot be read. Throws Error; then
  // the old values stay in force.
  void reconfigure(std::size_t capacity, const AccessConfig& access, WallTime now);

 private:
  // Returns the record of an earlier run.
  std::optional<Record> open(WallTime now);
  void adopt(const std::optional<Record>& record, WallTime now);
  void replace(const SegmentOptions& options, std::optional<Record> record, WallTime now);
  void put_in_place(const SegmentOptions& options, std::size_t capacity, const std::optional<Record>& record,
                    WallTime now);
  [[nodiscard]] bool keeps_previous(const Record& record, WallTime now) const;
  SlotWriter& writable();
  void retire_lost();

  RuntimeDir& directory_;
  SegmentOptions options_;
  std::unique_ptr<SegmentFile> file_;
  // The file whose name was removed, until its token is replaced: readers that have it mapped may reach no other.
  std::unique_ptr<SegmentFile> lost_;
  Generation generation_ = 0;
  std::optional<Record> adopted_;
  bool restore_failed_ = false;
};

}  // namespace jeton::agent
