// SegmentFile: one segment's file, mapped for writing. Knows files and their names; SlotWriter knows the content of the
// slots.
//
// A new segment is made under a temporary name (".NAME.tmp"), complete with its content and its readers, and then takes
// its name in one step; the file that had the name before is at the temporary name after that, and is retired. So there
// is no moment without a readable segment, and the next agent can retire a file that a killed agent left at a temporary
// name. Callers hold the WriterMutex. Every failure is an Error naming the file.
//
// It holds no descriptor: an agent may have ten thousand segments. The mapping keeps the file, and a step that needs a
// descriptor opens the file again and checks that it is the same one.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>

#include "agent/base/unique_fd.hpp"
#include "agent/config/model/config.hpp"
#include "agent/segment/runtime_dir.hpp"
#include "agent/segment/slot_writer.hpp"
#include "libclient/layout/geometry.hpp"

struct stat;

namespace jeton::agent {

class SegmentFile {
 public:
  SegmentFile(const SegmentFile&) = delete;
  SegmentFile& operator=(const SegmentFile&) = delete;

  // A new file at the temporary name, without content and readable for no other user. Its space is allocated.
  [[nodiscard]] static std::unique_ptr<SegmentFile> create(RuntimeDir& directory, const std::string& name,
                                                           std::size_t capacity, Policy memory_lock, WallTime now);

  // The file of an earlier run, if there is one and it passes every check; `refused` says why an existing file is not
  // used.
  [[nodiscard]] static std::unique_ptr<SegmentFile> open(RuntimeDir& directory, const std::string& name,
                                                         Policy memory_lock, std::string& refused);

  // Whether its slots have boot times, which older agents do not write, and the boot times are of this boot.
  [[nodiscard]] bool has_our_boot_clock() const;

  void set_readers(const AccessConfig& access);
  // Whether its access list gives a right to read that `access` does not.
  [[nodiscard]] bool gives_more_than(const AccessConfig& access) const;

  // Takes the token's name. A file that had the name is at the temporary name afterwards: discard_leftover().
  void take_name();
  // Whether the name still leads to this file.
  [[nodiscard]] bool has_name() const;
  // Removes the name if it leads to this file.
  void remove_name();

  // Retires (if it is a segment) and removes any file at a file name in segments/. False: nothing was there.
  static bool discard(RuntimeDir& directory, const std::string& file);
  // The same for the temporary name of `name`.
  static bool discard_leftover(RuntimeDir& directory, const std::string& name);
  // The token that a file name in segments/ belongs to: ".NAME.tmp" and "NAME" to NAME.
  [[nodiscard]] static std::string token_of(const std::string& file);

  // After a change of the content: notifies processes that watch the file through the kernel (jeton_event_fd), which
  // does not see a store to mapped memory. By its name: while that is gone, until the next heartbeat, they hear
  // nothing.
  void touch();
  [[nodiscard]] SlotWriter& slots() { return slots_; }
  [[nodiscard]] const SlotWriter& slots() const { return slots_; }
  [[nodiscard]] const layout::Geometry& geometry() const { return geometry_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  struct Unmap {
    std::size_t size;
    void operator()(std::byte* base) const;
  };
  SegmentFile(RuntimeDir& directory, const std::string& name);
  void map(int fd, std::size_t size, Policy memory_lock);
  [[nodiscard]] UniqueFd open_again() const;
  [[nodiscard]] bool is_mine(const struct stat& file) const;

  RuntimeDir& directory_;
  std::string name_;
  std::string path_;  // for messages
  bool has_taken_name_ = true;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  std::unique_ptr<std::byte, Unmap> base_;
  layout::Geometry geometry_;
  SlotWriter slots_;
};

}  // namespace jeton::agent
