#include "agent/provider/inotify.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "agent/base/error.hpp"

namespace jeton::agent {

struct Inotify::Events {
  explicit Events(Timers& timers) : stream(timers.executor()) {}
  [[nodiscard]] int fd() { return stream.native_handle(); }
  boost::asio::posix::stream_descriptor stream;
};

std::shared_ptr<Inotify> Inotify::of(Timers& timers) {
  static thread_local std::map<const Timers*, std::weak_ptr<Inotify>> of_loops;
  std::erase_if(of_loops, [](const auto& entry) { return entry.second.expired(); });
  if (const auto known = of_loops.find(&timers); known != of_loops.end()) return known->second.lock();
  auto made = std::make_shared<Inotify>(timers);
  made->wait();
  of_loops.emplace(&timers, made);
  return made;
}

Inotify::Inotify(Timers& timers) : events_(std::make_unique<Events>(timers)) {
  UniqueFd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd) throw errno_error("inotify (see fs.inotify.max_user_instances)");
  shared_ = std::make_shared<const UniqueFd>(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!*shared_) throw errno_error("inotify");
  events_->stream.assign(fd.release());
}

Inotify::~Inotify() = default;

void Inotify::add(int directory, const std::string& name, const std::weak_ptr<User>& user) {
  users_[directory][name].insert(user);
}

void Inotify::remove(int directory, const std::string& name, const std::weak_ptr<User>& user) {
  const auto place = users_.find(directory);
  if (place == users_.end()) return;
  if (const auto named = place->second.find(name); named != place->second.end()) {
    named->second.erase(user);
    if (named->second.empty()) place->second.erase(named);
  }
  if (!place->second.empty()) return;
  users_.erase(place);
  ::inotify_rm_watch(events_->fd(), directory);
}

void Inotify::take_in(bool by_loop) {
  const auto self = shared_from_this();  // a user may end the last watch
  alignas(inotify_event) std::array<char, 16 * 1024> buffer;
  Users moved;
  for (;;) {
    const ssize_t got = ::read(events_->fd(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += sizeof(inotify_event) + event->len;
      note(*event, moved);
    }
  }
  for (const std::weak_ptr<User>& one : moved) {
    if (const auto user = one.lock()) user->moved(by_loop);
  }
}

// It does not keep this object: the end of the object ends the wait.
void Inotify::wait() {
  const auto handler = [weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || !self) return;
    self->take_in(true);
    self->wait();
  };
  events_->stream.async_wait(boost::asio::posix::descriptor_base::wait_read, handler);
}

void Inotify::note(const inotify_event& event, Users& moved) const {
  const auto note_by = [&](const Users& users) {
    for (const std::weak_ptr<User>& one : users) {
      const auto user = one.lock();
      if (user && user->note(event)) moved.insert(one);
    }
  };
  const auto note_by_all = [&](const std::map<std::string, Users>& names) {
    for (const auto& [name, users] : names) note_by(users);
  };
  constexpr std::uint32_t about_the_directory = IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT;
  if ((event.mask & IN_Q_OVERFLOW) != 0) {
    for (const auto& [directory, names] : users_) note_by_all(names);
    return;
  }
  const auto place = users_.find(event.wd);
  if (place == users_.end()) return;  // released; events that were queued then have no owner
  if ((event.mask & about_the_directory) != 0) return note_by_all(place->second);
  const auto named = place->second.find(event.len > 0 ? event.name : "");
  if (named != place->second.end()) note_by(named->second);
}

}  // namespace jeton::agent
