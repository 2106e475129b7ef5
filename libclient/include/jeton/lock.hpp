// jeton/lock.hpp: a fleet-wide lock, as a C++17 type; part of jeton/client.hpp.
//
//   jeton::Lock lock("nightly");                         // contacts no agent yet; throws jeton::Error
//   if (std::unique_lock held(lock, 10s); held)          // a TimedLockable: the standard's guards take it
//     while (more_to_do() && !lock.lost()) step(lock.fence());
//
//   jeton::Lock::run("nightly", 30s, [](jeton::Lock& lock) { ... });  // waits, holds, releases
//
// jeton.h describes under "Locks" the contract of each call, its errors and the use of a fence. One thread takes and
// releases the lock; any thread may call lost(), fence() and the like. The destructor releases it and does not throw.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <jeton/client.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace jeton {

using Fence = std::uint64_t;

struct LockOptions {
  std::chrono::milliseconds ttl{30000};  // how long it lasts after this host fails
  std::string directory{};               // the agent's runtime_dir; empty: $JETON_DIR if set, else /run/jeton
  std::optional<std::chrono::milliseconds> retry{};  // when waiting, try again at this interval as well
  std::string metadata{};                            // UTF-8; shown with the holder (jetonctl lock show)
  std::vector<std::string> also{};                   // more locks, all or none
};

class Lock {
 public:
  explicit Lock(std::string name, const LockOptions& options = {}) : name_(std::move(name)) {
    std::vector<const char*> also;
    bool is_text = is_c_text(name_) && is_c_text(options.directory) && is_c_text(options.metadata);
    for (const std::string& one : options.also) {
      also.push_back(one.c_str());
      is_text = is_text && is_c_text(one);
    }
    jeton_lock_options raw = JETON_LOCK_OPTIONS_INIT;
    raw.directory = options.directory.empty() ? nullptr : options.directory.c_str();
    raw.ttl_ms = options.ttl.count();
    raw.retry_ms = options.retry ? options.retry->count() : 0;
    raw.metadata = options.metadata.empty() ? nullptr : options.metadata.c_str();
    raw.also = also.data();
    raw.also_count = also.size();
    const Status status = is_text ? jeton_lock_open(&raw, name_.c_str(), &handle_) : JETON_INVALID_ARGUMENT;
    if (!status.ok()) throw Error(status, "lock '" + name_ + "'");
  }
  Lock(Lock&& other) noexcept : name_(std::move(other.name_)), handle_(std::exchange(other.handle_, nullptr)) {}
  Lock& operator=(Lock&& other) noexcept {
    std::swap(name_, other.name_);
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Lock() { jeton_lock_close(handle_); }

  // ---- Taking the lock; every other result than held and busy is an Error ----

  // Waits for as long as it takes.
  void lock() { static_cast<void>(take(-1)); }
  // False: another owner holds it.
  [[nodiscard]] bool try_lock() { return take(0); }
  template <typename Rep, typename Period>
  [[nodiscard]] bool try_lock_for(std::chrono::duration<Rep, Period> timeout) {
    // Milliseconds may not count it.
    if (timeout <= timeout.zero()) return take(0);
    if (!(timeout < std::chrono::duration<double>(longest_timeout))) return take(-1);
    return take(std::chrono::ceil<std::chrono::milliseconds>(timeout).count());
  }
  template <typename Rep, typename Period>
  [[nodiscard]] bool lock_for(std::chrono::duration<Rep, Period> timeout) {
    return try_lock_for(timeout);
  }
  template <typename Clock, typename Duration>
  [[nodiscard]] bool try_lock_until(std::chrono::time_point<Clock, Duration> deadline) {
    return try_lock_for(deadline - Clock::now());
  }
  // Takes the lock without exceptions; cancel.now() ends the wait. No timeout: no limit. The agent hears of a wait that
  // is ended a moment later, and may just have taken the lock: a try right afterwards may then find it busy.
  [[nodiscard]] Status acquire(std::optional<std::chrono::milliseconds> timeout, const Cancel* cancel = nullptr) {
    return jeton_lock_acquire(handle_, timeout ? limit(*timeout) : -1, cancel == nullptr ? nullptr : cancel->handle());
  }

  // JETON_LOCK_LOST: the lock was lost before this call. Does not throw.
  Status unlock() noexcept { return jeton_lock_release(handle_); }
  [[nodiscard]] Status extend(std::chrono::milliseconds ttl) { return jeton_lock_extend(handle_, ttl.count()); }

  // ---- State ----

  // True unless it is held now.
  [[nodiscard]] bool lost() const noexcept { return jeton_lock_lost(handle_) != 0; }
  // The fence of the lock `name`; empty: the first lock. 0: it was never taken.
  [[nodiscard]] Fence fence(const std::string& name = {}) const noexcept {
    Fence fence = 0;
    const jeton_status status = jeton_lock_fence(handle_, name.empty() ? nullptr : name.c_str(), &fence);
    return is_c_text(name) && status == JETON_OK ? fence : 0;
  }
  [[nodiscard]] std::string owner(const std::string& name = {}) const {
    std::array<char, JETON_LOCK_OWNER_SIZE> text{};
    const char* which = name.empty() ? nullptr : name.c_str();
    const Status status = jeton_lock_owner(handle_, which, text.data(), text.size());
    return is_c_text(name) && status.ok() ? text.data() : std::string();
  }
  // The reason why it was refused or lost; empty if there is none.
  [[nodiscard]] std::string reason() const {
    std::array<char, 512> text{};
    return jeton_lock_reason(handle_, text.data(), text.size()) == JETON_OK ? text.data() : std::string();
  }
  [[nodiscard]] const std::string& name() const { return name_; }

  // ---- In an event loop: start, then check() whenever event_fd() is readable ----

  [[nodiscard]] Status start(std::optional<std::chrono::milliseconds> timeout = std::nullopt) {
    return jeton_lock_start(handle_, timeout ? limit(*timeout) : -1);
  }
  [[nodiscard]] Status check() const noexcept { return jeton_lock_check(handle_); }
  // Belongs to the Lock.
  [[nodiscard]] int event_fd() const {
    int fd = -1;
    const Status status = jeton_lock_event_fd(handle_, &fd);
    if (!status.ok()) throw Error(status, "lock '" + name_ + "'");
    return fd;
  }
  [[nodiscard]] jeton_lock* handle() const { return handle_; }

  // Waits for the lock, calls fn(lock) while it is held, and returns its result. An exception of fn passes, after the
  // release. Error JETON_LOCK_LOST: fn ended, but the lock was lost before.
  template <typename F>
  static auto run(const std::string& name, std::chrono::milliseconds ttl, F&& fn) {
    LockOptions options;
    options.ttl = ttl;
    return run(name, options, std::forward<F>(fn));
  }
  template <typename F>
  static auto run(const std::string& name, const LockOptions& options, F&& fn) {
    Lock lock(name, options);
    lock.lock();
    if constexpr (std::is_void_v<std::invoke_result_t<F, Lock&>>) {
      std::forward<F>(fn)(lock);
      lock.release();
    } else {
      auto result = std::forward<F>(fn)(lock);
      lock.release();
      return result;
    }
  }

 private:
  static constexpr std::chrono::hours longest_timeout{24 * 365 * 1000};  // a longer one is no limit

  static std::int64_t limit(std::chrono::milliseconds timeout) { return timeout.count() < 0 ? 0 : timeout.count(); }

  bool take(std::int64_t timeout_ms) {
    const Status status = jeton_lock_acquire(handle_, timeout_ms, nullptr);
    if (status == JETON_LOCK_BUSY) return false;
    if (!status.ok()) throw failure(status);
    return true;
  }
  // A missing confirmation does not matter to a caller that has finished: the lock expires.
  void release() {
    const Status status = unlock();
    if (status == JETON_LOCK_LOST) throw failure(status);
  }
  [[nodiscard]] Error failure(Status status) const {
    const std::string where = "lock '" + name_ + "'";
    // These statuses are about the call itself; the reason is about an earlier attempt.
    const bool of_the_call = status == JETON_INVALID_ARGUMENT || status == JETON_SYSTEM_ERROR;
    const std::string why = of_the_call ? std::string() : reason();
    return why.empty() ? Error(status, where) : Error(status, where, why);
  }

  std::string name_;
  jeton_lock* handle_ = nullptr;
};

}  // namespace jeton
