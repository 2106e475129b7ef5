#include "agent/segment/writer_mutex.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/date_time/posix_time/posix_time_types.hpp>
#include <boost/interprocess/exceptions.hpp>
#include <boost/interprocess/file_mapping.hpp>
#include <boost/interprocess/mapped_region.hpp>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <cstdio>
#include <new>
#include <string>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/failpoint.hpp"
#include "agent/base/log.hpp"
#include "agent/base/unique_fd.hpp"

namespace jeton::agent {
namespace bip = boost::interprocess;

// The mutex is never destroyed, only forgotten with its mapping: a dead process may hold it.
class WriterMutex::Mapped {
 public:
  explicit Mapped(const std::filesystem::path& file) {
    const std::string fresh = file.string() + ".tmp";
    ::unlink(fresh.c_str());
    {
      const UniqueFd fd(::open(fresh.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
      if (!fd) throw errno_error(fresh);
      // Allocated at once: a full tmpfs is an error here instead of a SIGBUS later.
      if (const int error = ::posix_fallocate(fd.get(), 0, sizeof(bip::interprocess_mutex)); error != 0) {
        throw errno_error(fresh, error);
      }
    }
    try {
      const bip::file_mapping mapping(fresh.c_str(), bip::read_write);
      region_ = bip::mapped_region(mapping, bip::read_write, 0, sizeof(bip::interprocess_mutex));
      mutex_ = new (region_.get_address()) bip::interprocess_mutex;
    } catch (const bip::interprocess_exception& e) {
      throw Error(fresh + ": " + e.what());
    }
    JETON_FAILPOINT("segment.mutex.made");
    if (::rename(fresh.c_str(), file.c_str()) != 0) throw errno_error(file.string());
  }

  bip::interprocess_mutex& mutex() { return *mutex_; }

 private:
  bip::mapped_region region_;
  bip::interprocess_mutex* mutex_ = nullptr;
};

WriterMutex::WriterMutex(std::filesystem::path file)
    : file_(std::move(file)), mapped_(std::make_unique<Mapped>(file_)) {}
WriterMutex::~WriterMutex() = default;

void WriterMutex::lock() {
  const char* reason = "it was not released within a second";
  try {
    if (mapped_->mutex().try_lock()) return;  // as good as always: the writers of a directory are one process
    const auto deadline = boost::posix_time::microsec_clock::universal_time() + boost::posix_time::seconds(1);
    if (mapped_->mutex().timed_lock(deadline)) return;
  } catch (const bip::interprocess_exception&) {
    // Where mutexes are robust, Boost reports it at once, and never lets the mutex be used again.
    reason = "its owner died";
  }
  log::warning(log::runtime_dir_restored, "the writers' mutex is created again",
               {{"file", file_.string()}, {"reason", reason}});
  mapped_ = std::make_unique<Mapped>(file_);
  if (!mapped_->mutex().try_lock()) throw Error(file_.string() + ": a new mutex is locked already");
}

void WriterMutex::unlock() noexcept { mapped_->mutex().unlock(); }

}  // namespace jeton::agent
