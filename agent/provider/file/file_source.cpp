// The source of type `file`: another program writes the token, such as the kubelet or the sink of another agent.
//
// New content is noticed at once. Content that is empty, half-written or not a token is ignored until the next write.
// Unchanged content is ignored too, so it is never published twice. One thread: the loop's.
//
// The only line of a text, without a byte order mark, is the token; its expiry is the `exp` of a JWT or the time of the
// reading plus source.lifetime. In JSON, a lifetime counts from the time when the file was written,
// response.default_lifetime from the reading, and `exp` of a JWT counts if it is earlier than either.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "agent/base/bounded_wait.hpp"
#include "agent/base/error.hpp"
#include "agent/base/log.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/config/secrets/secret_file.hpp"
#include "agent/config/text/values.hpp"
#include "agent/jwt/jwt_claims.hpp"
#include "agent/provider/answer/refusal.hpp"
#include "agent/provider/answer/token_answer.hpp"
#include "agent/provider/factory.hpp"
#include "agent/provider/path_watch.hpp"
#include "agent/record/record_check.hpp"

namespace jeton::agent {
namespace {

using Kind = SourceError::Kind;

constexpr std::size_t max_text_file = 64 * 1024;  // bytes; as for secrets

struct FileToken {
  FetchedToken token;
  bool expiry_is_configured = false;  // not the content's own: the same content, read again, expires later
};

struct FileContent {
  SecretString text;
  WallTime written_at;  // its modification
};

[[noreturn]] void refuse_file(const FileSourceConfig& config, const std::string& what) {
  throw SourceError(Kind::transient, config.path.string() + ": " + what);
}

[[noreturn]] void refuse_file_errno(const FileSourceConfig& config) {
  throw SourceError(Kind::transient, errno_error(config.path.string()).what());
}

WallTime modification_of(const struct stat& status) {
  return WallTime{std::chrono::duration_cast<Milliseconds>(std::chrono::seconds(status.st_mtim.tv_sec)) +
                  std::chrono::duration_cast<Milliseconds>(std::chrono::nanoseconds(status.st_mtim.tv_nsec))};
}

FileToken parse_text_file(const FileContent& content, const FileSourceConfig& config, WallTime now) {
  const std::string_view text = without_byte_order_mark(without_line_ends(content.text.reveal()));
  if (const auto fault = fault_of_value(text)) {
    const bool json = text.starts_with('{') || text.starts_with('[') || text.starts_with('"');
    refuse_file(config, "the file " + *fault + (json ? "; is it JSON (source.format)?" : ""));
  }
  FileToken found;
  found.token.value = SecretString(text);
  found.token.issued_at = now;
  if (const auto expiry = jwt_expiry(text)) {
    found.token.expires_at = *expiry;
    found.token.dated_end = expiry;
  } else if (config.lifetime) {
    found.token.expires_at = now + *config.lifetime;
    found.expiry_is_configured = true;
  } else {
    refuse_file(config, "the token is not a JWT with exp, so its expiry is not known; set source.lifetime");
  }
  return found;
}

FileToken parse_json_file(const FileContent& content, const FileSourceConfig& config, WallTime now) {
  const WallTime written_at = std::min(content.written_at, now);
  FileToken found;
  try {
    const AnswerContent answer = content_of(content.text.reveal(), config.response, now);
    refuse_declared_error(answer, config.response, {});
    TokenAnswer read = token_in(answer, config.response, {written_at, now});
    found.token = std::move(read.token);
    found.expiry_is_configured = read.end_by_default;
  } catch (const SourceError& e) {
    throw e.reworded(config.path.string() + ": " + with_subject(e.what(), "the file"));
  }
  found.token.issued_at = now;
  return found;
}

FileContent read_now(const FileSourceConfig& config) {
  const bool json = config.format == FileSourceConfig::Format::json;
  const std::size_t limit = json ? config.response.max_body : max_text_file;
  const UniqueFd fd(::open(config.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) refuse_file_errno(config);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) refuse_file_errno(config);
  if (!S_ISREG(status.st_mode)) refuse_file(config, "not a regular file");
  FileContent content;
  content.written_at = modification_of(status);
  content.text.reserve(static_cast<std::size_t>(std::min<off_t>(status.st_size, static_cast<off_t>(limit))) + 1);
  if (!read_to_end(fd.get(), limit, content.text)) refuse_file_errno(config);
  if (content.text.size() > limit)
    refuse_file(config, "larger than " + std::to_string(limit) + " bytes" + (json ? " (response.max_body)" : ""));
  return content;
}

// Throws SourceError(transient) if the file is missing, unreadable, no regular file, on a file system that does not
// answer (bounded_wait.hpp), or larger than a secret may be (64 KiB; response.max_body for json).
FileContent read_content(const FileSourceConfig& config) {
  try {
    return bounded(config.path.string(), [config] { return read_now(config); });
  } catch (const SourceError&) {
    throw;
  } catch (const Error& e) {
    throw SourceError(Kind::transient, e.what());
  }
}

class FileSource final : public Source {
 public:
  FileSource(const TokenConfig& token, const Immutable<FileSourceConfig>& config, const SourceParts& parts)
      : name_(token.name),
        config_(config),
        capacity_(token.capacity),
        timers_(parts.timers),
        tokens_(parts.tokens),
        watch_(timers_, {config_->path.string()}, [this] { look(); }) {}
  ~FileSource() override { timers_.cancel(first_look_); }

  // Without `lifetime` the same content has the same expiry: it would be due again at once, without end.
  Task<FetchedToken> fetch(FetchContext /*context*/) override {
    FileToken found = read();
    FetchedToken& token = found.token;
    if (token.expires_at <= timers_.clock().wall_now()) {
      throw SourceError(Kind::transient, config_->path.string() +
                                             " holds a token that has expired; its writer has not renewed it, or "
                                             "the clock of this host is wrong");
    }
    check_token(token, name_, capacity_, timers_.clock().wall_now());
    if (is_current(token) && !found.expiry_is_configured) {
      throw SourceError(Kind::transient,
                        config_->path.string() + " still holds the same token; its writer has not renewed it");
    }
    co_return std::move(token);
  }

  // The file may have changed while no agent ran, so there is a first look without an event.
  void on_change(std::function<void()> changed) override {
    changed_ = std::move(changed);
    first_look_ = timers_.schedule(timers_.clock().boot_now(), [this] { look(); });
  }

  [[nodiscard]] std::string describe() const override { return config_->path.string(); }

 private:
  // Throws SourceError, without any of the content: transient, unless response.error_rules say otherwise.
  [[nodiscard]] FileToken read() {
    if (watch_.being_written()) throw SourceError(Kind::transient, config_->path.string() + " is being written");
    const FileContent content = read_content(config_);
    if (watch_.being_written()) throw SourceError(Kind::transient, config_->path.string() + " is being written");
    const WallTime now = timers_.clock().wall_now();
    const bool json = config_->format == FileSourceConfig::Format::json;
    return json ? parse_json_file(content, config_, now) : parse_text_file(content, config_, now);
  }

  [[nodiscard]] bool is_current(const FetchedToken& token) const {
    const auto current = tokens_.token_value(name_);
    return current && *current == token.value;
  }

  void look() {
    if (!changed_) return;
    try {
      const FetchedToken token = read().token;
      if (token.expires_at > timers_.clock().wall_now() && !is_current(token)) changed_();
    } catch (const SourceError& e) {
      log::debug("a file has changed and holds no token yet", {{"token", name_}, {"error", e.what()}});
    }
  }

  const std::string name_;
  const Immutable<FileSourceConfig> config_;
  const std::size_t capacity_;
  Timers& timers_;
  const TokenValues& tokens_;  // also the current one of this token
  std::function<void()> changed_;
  Timers::Id first_look_ = 0;
  PathWatch watch_;
};

}  // namespace

std::unique_ptr<Source> make_source(const TokenConfig& token, const Immutable<FileSourceConfig>& config,
                                    const SourceParts& parts) {
  return std::make_unique<FileSource>(token, config, parts);
}

}  // namespace jeton::agent
