#include "agent/provider/file/file_source.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
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
#include "agent/record/record_check.hpp"

namespace jeton::agent {

struct FileToken {
  FetchedToken token;
  bool expiry_is_configured = false;  // not the content's own: the same content, read again, expires later
};

namespace {

using Kind = SourceError::Kind;

constexpr std::size_t max_text_file = 64 * 1024;  // bytes; as for secrets

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
  const auto times = read_jwt_times(text);
  if (times && times->expires_at) {
    found.token.expires_at = *times->expires_at;
    found.token.dated_end = times->expires_at;
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

}  // namespace

FileSource::FileSource(std::string name, const Immutable<FileSourceConfig>& config, std::size_t capacity,
                       Timers& timers, const TokenValues& tokens)
    : name_(std::move(name)),
      config_(config),
      capacity_(capacity),
      timers_(timers),
      tokens_(tokens),
      watch_(timers, {config_->path.string()}, [this] { look(); }) {}

FileSource::~FileSource() { timers_.cancel(first_look_); }

// Without `lifetime` the same content has the same expiry: it would be due again at once, without end.
Task<FetchedToken> FileSource::fetch(FetchContext /*context*/) {
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

FileToken FileSource::read() {
  if (watch_.being_written()) throw SourceError(Kind::transient, config_->path.string() + " is being written");
  const FileContent content = read_content(config_);
  if (watch_.being_written()) throw SourceError(Kind::transient, config_->path.string() + " is being written");
  const WallTime now = timers_.clock().wall_now();
  const bool json = config_->format == FileSourceConfig::Format::json;
  return json ? parse_json_file(content, config_, now) : parse_text_file(content, config_, now);
}

bool FileSource::is_current(const FetchedToken& token) const {
  const auto current = tokens_.token_value(name_);
  return current && *current == token.value;
}

// The file may have changed while no agent ran, so there is a first look without an event.
void FileSource::on_change(std::function<void()> changed) {
  changed_ = std::move(changed);
  first_look_ = timers_.schedule(timers_.clock().boot_now(), [this] { look(); });
}

void FileSource::look() {
  if (!changed_) return;
  try {
    const FetchedToken token = read().token;
    if (token.expires_at > timers_.clock().wall_now() && !is_current(token)) changed_();
  } catch (const SourceError& e) {
    log::debug("a file has changed and holds no token yet", {{"token", name_}, {"error", e.what()}});
  }
}

}  // namespace jeton::agent
