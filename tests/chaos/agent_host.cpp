#include "tests/chaos/agent_host.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <stdexcept>

namespace jeton::chaos {
namespace {

namespace fs = std::filesystem;

void require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what + ": " + std::strerror(errno));
}

rlimit limit_of(__rlimit_resource resource, pid_t pid) {
  rlimit limit{};
  require(::prlimit(pid, resource, nullptr, &limit) == 0, "prlimit");
  return limit;
}

void set_limit(__rlimit_resource resource, pid_t pid, rlim_t most) {
  const rlimit limit{most, limit_of(resource, pid).rlim_max};
  require(::prlimit(pid, resource, &limit, nullptr) == 0, "prlimit");
}

// The number that the next open descriptor of the process gets.
rlim_t lowest_free_descriptor(pid_t pid) {
  std::set<rlim_t> open;
  for (const auto& each : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
    open.insert(std::stoul(each.path().filename().string()));
  }
  rlim_t lowest = 0;
  while (open.contains(lowest)) ++lowest;
  return lowest;
}

rlim_t size_of_memory(pid_t pid) {
  std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
  rlim_t pages = 0;
  require(static_cast<bool>(statm >> pages), "read the size of the agent");
  return pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
}

test::ProcessOptions options_of(const HostClock& clock, const fs::path& fifo) {
  test::ProcessOptions options;
  options.env = clock.env();
  options.err = fifo;
  return options;
}

}  // namespace

bool take_own_mounts() {
  return ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

AgentHost::AgentHost(test::AgentSettings settings, bool own_disk) : own_disk_(own_disk) {
  const fs::path fifo = dir_ / "log";
  require(::mkfifo(fifo.c_str(), 0600) == 0, "mkfifo");
  pipe_ = agent::UniqueFd(::open(fifo.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
  require(static_cast<bool>(pipe_), "open the pipe of the log");
  // So that little fills it.
  require(::fcntl(pipe_.get(), F_SETPIPE_SZ, 4096) >= 0, "F_SETPIPE_SZ");
  log_reader_ = std::make_unique<test::Process>(std::vector<std::string>{"cat", fifo.string()});
  agent_ = std::make_unique<test::AgentProcess>(std::move(settings), options_of(clock_, fifo));
  if (!own_disk_) return;
  fs::create_directory(agent_->runtime_dir());
  require(::mount("jeton", agent_->runtime_dir().c_str(), "tmpfs", 0, "size=1m,mode=0755") == 0, "mount");
}

AgentHost::~AgentHost() {
  if (own_disk_) ::umount2(agent_->runtime_dir().c_str(), MNT_DETACH);
}

void AgentHost::hang_log(bool hangs) const {
  log_reader_->signal(hangs ? SIGSTOP : SIGCONT);
  if (!hangs) return;
  int stopped = 0;
  require(::waitpid(log_reader_->pid(), &stopped, WUNTRACED) > 0 && WIFSTOPPED(stopped), "stop the log's reader");
  // The agent alone would fill the pipe after some time only.
  while (::write(pipe_.get(), "full\n", 5) > 0) {
  }
}

void AgentHost::limit_descriptors() {
  usual_limit_ = limit_of(RLIMIT_NOFILE, agent_->pid()).rlim_cur;
  set_limit(RLIMIT_NOFILE, agent_->pid(), lowest_free_descriptor(agent_->pid()));
}

void AgentHost::end_limit_of_descriptors() const { set_limit(RLIMIT_NOFILE, agent_->pid(), usual_limit_); }

void AgentHost::limit_memory() const { set_limit(RLIMIT_AS, agent_->pid(), size_of_memory(agent_->pid())); }

void AgentHost::end_limit_of_memory() const { set_limit(RLIMIT_AS, agent_->pid(), RLIM_INFINITY); }

void AgentHost::fill_disk() const {
  const agent::UniqueFd file(::open(ballast().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  require(static_cast<bool>(file), "open " + ballast().string());
  const std::array<char, 4096> block{};
  while (::write(file.get(), block.data(), block.size()) > 0) {
  }
  require(errno == ENOSPC, "fill " + ballast().string());
}

void AgentHost::free_disk() const { fs::remove(ballast()); }

}  // namespace jeton::chaos
