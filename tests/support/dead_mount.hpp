// A mount whose server never answers, like an NFS server that is gone: a FUSE file system without a server. Every
// access to a path in it hangs until the mount is gone. The thread that makes it waits as an event loop does. Needs
// root and /dev/fuse.
#pragma once

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "agent/base/bounded_wait.hpp"
#include "agent/base/unique_fd.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::test {

class DeadMount {
 public:
  DeadMount() : server_(::open("/dev/fuse", O_RDWR | O_CLOEXEC)) {
    std::filesystem::create_directory(path());
    const std::string options =
        "fd=" + std::to_string(server_.get()) + ",rootmode=40000,user_id=0,group_id=0,allow_other";
    mounted_ =
        server_ && ::mount("jeton-dead", path().c_str(), "fuse.jeton", MS_NOSUID | MS_NODEV, options.c_str()) == 0;
  }
  DeadMount(const DeadMount&) = delete;
  DeadMount& operator=(const DeadMount&) = delete;
  ~DeadMount() { end(); }

  // Ends every hanging access with an error.
  void end() {
    server_.reset();
    if (mounted_) ::umount2(path().c_str(), MNT_DETACH);
    mounted_ = false;
  }

  // False: this host does not allow it.
  [[nodiscard]] bool works() const { return mounted_; }
  [[nodiscard]] std::filesystem::path path() const { return dir_ / "dead"; }

 private:
  const agent::LoopThread waits_shortly_;
  TempDir dir_;
  agent::UniqueFd server_;
  bool mounted_ = false;
};

}  // namespace jeton::test
