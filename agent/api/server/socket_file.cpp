#include "agent/api/server/socket_file.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "agent/base/error.hpp"

namespace jeton::agent {
namespace {

constexpr mode_t anybody = 0666;

sockaddr_un address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& text = path.native();
  if (text.size() >= sizeof address.sun_path) {
    throw Error(text + ": longer than the " + std::to_string(sizeof address.sun_path - 1) +
                " bytes a socket path may have; choose a shorter agent.runtime_dir");
  }
  std::memcpy(address.sun_path, text.data(), text.size());
  return address;
}

void remove_stale(const std::filesystem::path& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return;
    throw errno_error(path.string());
  }
  if (!S_ISSOCK(found.st_mode)) throw Error(path.string() + ": exists and is not a socket; move it away");
  if (found.st_uid != ::geteuid()) {
    throw Error(path.string() + ": is a socket that belongs to user " + std::to_string(found.st_uid) + "; remove it");
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) throw errno_error("cannot remove " + path.string());
}

}  // namespace

SocketFile::SocketFile(std::filesystem::path path) : path_(std::move(path)) {
  const std::filesystem::path temporary = path_.native() + "~";
  const sockaddr_un address = address_of(temporary);
  remove_stale(path_);
  remove_stale(temporary);

  socket_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_) throw errno_error("cannot make a local socket");
  if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw errno_error("cannot bind " + temporary.string());
  }
  struct stat made {};
  if (::chmod(temporary.c_str(), anybody) != 0 || ::lstat(temporary.c_str(), &made) != 0 ||
      ::listen(socket_.get(), SOMAXCONN) != 0 || ::rename(temporary.c_str(), path_.c_str()) != 0) {
    const Error error = errno_error("cannot listen on " + path_.string());
    ::unlink(temporary.c_str());
    throw error;
  }
  device_ = made.st_dev;
  inode_ = made.st_ino;
}

SocketFile::~SocketFile() {
  if (has_name()) ::unlink(path_.c_str());
}

bool SocketFile::has_name() const {
  struct stat found {};
  return ::lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ && found.st_ino == inode_;
}

}  // namespace jeton::agent
