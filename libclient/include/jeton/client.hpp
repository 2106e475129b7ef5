// jeton/client.hpp: the C++17 interface of jeton.h; header-only, so it adds no C++ ABI.
//
//   jeton::Token token("wechat");                        // throws jeton::Error
//   jeton::Reader reader(token);                         // one per thread
//   if (auto current = reader.current())                 // never throws, never waits
//     request.set("Authorization", current->value());
//   else
//     log(current.status().text());
//
// A Token may be used by any number of threads, a Reader by one at a time. A Reader keeps the parts of its Token that
// it needs alive. jeton.h has the contract of each call. Constructors and Result::value() throw Error; no other
// function throws, apart from std::bad_alloc where a std::string is made.
#pragma once

#include <jeton/jeton.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jeton {

using Generation = std::uint64_t;
using Time = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

inline Time time_from_ms(std::int64_t ms) { return Time{std::chrono::milliseconds{ms}}; }

// A C string ends at its first NUL. A name or path with a NUL is JETON_INVALID_ARGUMENT.
inline bool is_c_text(const std::string& text) { return text.find('\0') == std::string::npos; }

class Status {
 public:
  Status(jeton_status code = JETON_OK) : code_(code) {}  // implicit: the codes are the statuses

  [[nodiscard]] bool ok() const { return code_ == JETON_OK; }
  [[nodiscard]] jeton_status code() const { return code_; }
  [[nodiscard]] const char* text() const { return jeton_status_text(code_); }
  [[nodiscard]] const char* name() const { return jeton_status_name(code_); }
  friend bool operator==(Status a, Status b) { return a.code_ == b.code_; }
  friend bool operator!=(Status a, Status b) { return a.code_ != b.code_; }

 private:
  jeton_status code_;
};

class Error : public std::exception {
 public:
  explicit Error(Status status, const std::string& where = {}) : status_(status) {
    message_ = where.empty() ? status.text() : where + ": " + status.text();
    if (status == JETON_SYSTEM_ERROR) message_ += " (errno " + std::to_string(errno) + ")";
  }
  // `why` is more exact than the sentence of the status, and so replaces it.
  Error(Status status, const std::string& where, const std::string& why)
      : status_(status), message_(where + ": " + why) {}
  [[nodiscard]] Status status() const { return status_; }
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

 private:
  Status status_;
  std::string message_;
};

// A value, or a status with the reason why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}     // implicit, as in std::expected
  Result(Status status) : status_(status) {}        // implicit; not ok
  Result(jeton_status status) : status_(status) {}  // implicit; not ok

  [[nodiscard]] explicit operator bool() const { return value_.has_value(); }
  [[nodiscard]] Status status() const { return status_; }
  // Call these only if there is a value.
  [[nodiscard]] T& operator*() { return *value_; }
  [[nodiscard]] const T& operator*() const { return *value_; }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }
  // Throws Error if there is none.
  [[nodiscard]] T& value() {
    if (!value_) throw Error(status_);
    return *value_;
  }

 private:
  Status status_;
  std::optional<T> value_;
};

// A token without its value.
class Info {
 public:
  explicit Info(const jeton_info& info) : raw_(info) {}

  [[nodiscard]] Generation generation() const { return raw_.generation; }
  [[nodiscard]] Time issued_at() const { return time_from_ms(raw_.issued_at_ms); }
  [[nodiscard]] Time expires_at() const { return time_from_ms(raw_.expires_at_ms); }
  [[nodiscard]] std::string_view type() const { return raw_.type; }
  [[nodiscard]] bool expired() const { return (raw_.flags & JETON_FLAG_EXPIRED) != 0; }
  [[nodiscard]] bool rejected() const { return (raw_.flags & JETON_FLAG_REJECTED) != 0; }
  [[nodiscard]] std::size_t value_size() const { return raw_.value_size; }
  [[nodiscard]] std::optional<Generation> previous_generation() const {
    if (raw_.previous_generation == 0) return std::nullopt;
    return raw_.previous_generation;
  }
  [[nodiscard]] Time previous_accept_until() const { return time_from_ms(raw_.previous_accept_until_ms); }
  // Since the agent's last heartbeat; empty if there was none yet.
  [[nodiscard]] std::optional<std::chrono::milliseconds> heartbeat_age() const {
    if (raw_.heartbeat_age_ms < 0) return std::nullopt;
    return std::chrono::milliseconds{raw_.heartbeat_age_ms};
  }
  [[nodiscard]] const jeton_info& raw() const { return raw_; }

 private:
  jeton_info raw_;
};

// A token as a Reader shows it; valid until the Reader's next call.
class View {
 public:
  explicit View(const jeton_view* view) : raw_(view) {}

  [[nodiscard]] std::string_view value() const { return {raw_->value, raw_->value_size}; }
  [[nodiscard]] std::string_view type() const { return {raw_->type, raw_->type_size}; }
  [[nodiscard]] std::string_view origin() const { return {raw_->origin, raw_->origin_size}; }
  [[nodiscard]] Generation generation() const { return raw_->generation; }
  [[nodiscard]] Time issued_at() const { return time_from_ms(raw_->issued_at_ms); }
  [[nodiscard]] Time expires_at() const { return time_from_ms(raw_->expires_at_ms); }
  [[nodiscard]] bool expired() const { return (raw_->flags & JETON_FLAG_EXPIRED) != 0; }
  [[nodiscard]] bool rejected() const { return (raw_->flags & JETON_FLAG_REJECTED) != 0; }
  // The previous token, acceptable until previous_accept_until().
  [[nodiscard]] std::optional<std::string_view> previous_value() const {
    if (raw_->previous_generation == 0) return std::nullopt;
    return std::string_view{raw_->previous_value, raw_->previous_value_size};
  }
  [[nodiscard]] Generation previous_generation() const { return raw_->previous_generation; }
  [[nodiscard]] Time previous_accept_until() const { return time_from_ms(raw_->previous_accept_until_ms); }

  [[nodiscard]] std::optional<std::string_view> attribute(const char* name) const {
    const char* value = nullptr;
    std::size_t size = 0;
    if (jeton_attribute(raw_, name, &value, &size) != JETON_OK) return std::nullopt;
    return std::string_view{value, size};
  }
  // Calls f(name, value) for each attribute.
  template <typename F>
  void for_each_attribute(F&& f) const {
    const char* name = nullptr;
    const char* value = nullptr;
    std::size_t name_size = 0;
    std::size_t value_size = 0;
    for (std::size_t i = 0; jeton_attribute_at(raw_, i, &name, &name_size, &value, &value_size) == JETON_OK; ++i) {
      f(std::string_view{name, name_size}, std::string_view{value, value_size});
    }
  }
  [[nodiscard]] const jeton_view& raw() const { return *raw_; }

 private:
  const jeton_view* raw_;
};

struct Options {
  std::string directory;       // the agent's runtime_dir; empty: $JETON_DIR if set, else /run/jeton
  bool allow_expired = false;  // read and current also return an expired token
  bool allow_missing = false;  // open even if there is no such token yet
};

// Ends waits from another thread or from a signal handler; one object serves any number of waits.
class Cancel {
 public:
  Cancel() {
    const Status status = jeton_cancel_new(&handle_);
    if (!status.ok()) throw Error(status, "cancel");
  }
  Cancel(const Cancel&) = delete;
  Cancel& operator=(const Cancel&) = delete;
  ~Cancel() { jeton_cancel_free(handle_); }

  // Async-signal-safe.
  void now() { jeton_cancel_now(handle_); }
  [[nodiscard]] jeton_cancel* handle() const { return handle_; }

 private:
  jeton_cancel* handle_ = nullptr;
};

// The copy that Token::read returns.
struct TokenCopy {
  std::string value;
  Info info;
};

class Token {
 public:
  explicit Token(const std::string& name, const Options& options = {}) {
    const Status status = open(name, options);
    if (!status.ok()) throw Error(status, "token '" + name + "'");
  }
  [[nodiscard]] static Result<Token> try_open(const std::string& name, const Options& options = {}) {
    Token token;
    const Status status = token.open(name, options);
    if (!status.ok()) return status;
    return token;
  }
  Token(Token&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Token& operator=(Token&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Token() { jeton_close(handle_); }

  [[nodiscard]] Result<TokenCopy> read() const {
    std::string value(size_hint, '\0');
    jeton_info info = JETON_INFO_INIT;
    std::size_t size = 0;
    jeton_status status = JETON_OK;
    // Tries again with a larger buffer; the token may grow once more meanwhile.
    while ((status = jeton_read(handle_, value.data(), value.size(), &size, &info)) == JETON_BUFFER_TOO_SMALL) {
      value.resize(size);
    }
    if (status != JETON_OK) return status;
    value.resize(size);
    return TokenCopy{std::move(value), Info(info)};
  }
  [[nodiscard]] Result<Info> inspect() const {
    jeton_info info = JETON_INFO_INIT;
    const jeton_status status = jeton_inspect(handle_, &info);
    if (status != JETON_OK) return status;
    return Info(info);
  }

  // Block until there is a valid token. Without a timeout: no limit.
  Status wait_valid(std::optional<std::chrono::milliseconds> timeout = std::nullopt) const {
    return jeton_wait_valid(handle_, timeout ? limit(*timeout) : -1);
  }
  // Blocks until there is a valid token of a higher generation; returns that one.
  [[nodiscard]] Result<Generation> wait_change(Generation generation,
                                               std::optional<std::chrono::milliseconds> timeout = std::nullopt) const {
    Generation found = 0;
    const jeton_status status = jeton_wait_change(handle_, generation, timeout ? limit(*timeout) : -1, &found);
    if (status != JETON_OK) return status;
    return found;
  }

  // The same, until cancel.now() is called: JETON_CANCELLED then.
  [[nodiscard]] Result<Generation> wait_change(Generation generation, const Cancel& cancel,
                                               std::optional<std::chrono::milliseconds> timeout = std::nullopt) const {
    jeton_wait_options options = JETON_WAIT_OPTIONS_INIT;
    options.generation = generation;
    options.timeout_ms = timeout ? limit(*timeout) : -1;
    options.cancel = cancel.handle();
    Generation found = 0;
    const jeton_status status = jeton_wait(handle_, &options, &found);
    if (status != JETON_OK) return status;
    return found;
  }

  // Reports that the provider refused the token of this generation. Returns the current generation: above `generation`
  // if there is a newer one already; otherwise wait_change(generation) waits for it.
  [[nodiscard]] Result<Generation> rejected(Generation generation) const {
    Generation current = 0;
    const jeton_status status = jeton_rejected(handle_, generation, &current);
    if (status != JETON_OK) return status;
    return current;
  }
  // Whether `presented` is the current token, or the previous one inside its overlap.
  [[nodiscard]] Result<bool> accepts(std::string_view presented) const {
    const char* const bytes = presented.empty() ? "" : presented.data();  // an empty view may have none
    const jeton_status status = jeton_accepts(handle_, bytes, presented.size());
    if (status != JETON_OK && status != JETON_MISMATCH) return status;
    return status == JETON_OK;
  }

  [[nodiscard]] jeton_token* handle() const { return handle_; }

 private:
  static constexpr std::size_t size_hint = 2048;

  Token() = default;
  Status open(const std::string& name, const Options& options) {
    if (!is_c_text(name) || !is_c_text(options.directory)) return JETON_INVALID_ARGUMENT;
    jeton_options raw = JETON_OPTIONS_INIT;
    raw.directory = options.directory.empty() ? nullptr : options.directory.c_str();
    raw.flags = (options.allow_expired ? JETON_ALLOW_EXPIRED : 0) | (options.allow_missing ? JETON_ALLOW_MISSING : 0);
    return jeton_open(&raw, name.c_str(), &handle_);
  }
  // A negative timeout has already passed; only a missing one means no limit.
  static std::int64_t limit(std::chrono::milliseconds timeout) { return timeout.count() < 0 ? 0 : timeout.count(); }

  jeton_token* handle_ = nullptr;
};

// A descriptor for an event loop: readable when the token may have changed. Then call clear(), and read the token.
class Events {
 public:
  explicit Events(const Token& token) : token_(token.handle()) {
    const Status status = jeton_event_fd(token_, &fd_);
    if (!status.ok()) throw Error(status, "events");
  }
  Events(const Events&) = delete;
  Events& operator=(const Events&) = delete;
  ~Events() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int fd() const { return fd_; }
  Status clear() { return jeton_event_clear(token_, fd_); }

 private:
  jeton_token* token_;  // of the Token, which outlives this
  int fd_ = -1;
};

// The tokens of a directory, by name, readable or not; empty: $JETON_DIR if set, else /run/jeton.
[[nodiscard]] inline Result<std::vector<std::string>> list(const std::string& directory = {}) {
  if (!is_c_text(directory)) return JETON_INVALID_ARGUMENT;
  jeton_options options = JETON_OPTIONS_INIT;
  options.directory = directory.empty() ? nullptr : directory.c_str();
  std::string names(512, '\0');
  std::size_t size = 0;
  jeton_status status = JETON_OK;
  while ((status = jeton_list(&options, names.data(), names.size(), &size, nullptr)) == JETON_BUFFER_TOO_SMALL) {
    names.resize(size);
  }
  if (status != JETON_OK) return status;
  std::vector<std::string> all;
  for (std::size_t at = 0; at < size; at += all.back().size() + 1) all.emplace_back(names.c_str() + at);
  return all;
}

// The problem of a token, and of its agent.
[[nodiscard]] inline Result<jeton_diagnosis> diagnose(const std::string& name, const std::string& directory = {}) {
  if (!is_c_text(name) || !is_c_text(directory)) return JETON_INVALID_ARGUMENT;
  jeton_options options = JETON_OPTIONS_INIT;
  options.directory = directory.empty() ? nullptr : directory.c_str();
  jeton_diagnosis diagnosis = JETON_DIAGNOSIS_INIT;
  const jeton_status status = jeton_diagnose(&options, name.c_str(), &diagnosis);
  if (status != JETON_OK) return status;
  return diagnosis;
}

class Reader {
 public:
  explicit Reader(const Token& token) {
    const Status status = jeton_reader_open(token.handle(), &handle_);
    if (!status.ok()) throw Error(status, "reader");
  }
  Reader(Reader&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Reader& operator=(Reader&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Reader() { jeton_reader_close(handle_); }

  [[nodiscard]] Result<View> current() {
    const jeton_view* view = nullptr;
    const jeton_status status = jeton_current(handle_, &view);
    if (status != JETON_OK) return status;
    return View(view);
  }

 private:
  jeton_reader* handle_ = nullptr;
};

}  // namespace jeton

#include <jeton/lock.hpp>
