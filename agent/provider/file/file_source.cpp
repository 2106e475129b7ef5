#include "agent/provider/file/file_source.hpp"

#include "agent/base/log.hpp"
#include "agent/provider/answer.hpp"
#include "agent/provider/file/file_content.hpp"

namespace jeton::agent {
namespace {

using Kind = SourceError::Kind;

}  // namespace

FileSource::FileSource(std::string name, FileSourceConfig config, std::size_t capacity, Timers& timers,
                       const TokenValues& tokens)
    : name_(std::move(name)),
      config_(std::move(config)),
      capacity_(capacity),
      timers_(timers),
      tokens_(tokens),
      watch_(timers, {config_.path.string()}, [this] { look(); }) {}

FileSource::~FileSource() { timers_.cancel(first_look_); }

// Without `lifetime` the same content has the same expiry: it would be due again at once, without end.
Task<FetchedToken> FileSource::fetch(FetchContext /*context*/) {
  FileToken found = read();
  FetchedToken& token = found.token;
  if (token.expires_at <= timers_.clock().wall_now()) {
    throw SourceError(Kind::transient, config_.path.string() +
                                           " holds a token that has expired; its writer has not renewed it, or "
                                           "the clock of this host is wrong");
  }
  check_token(token, name_, capacity_, timers_.clock().wall_now());
  if (is_current(token) && !found.expiry_is_configured) {
    throw SourceError(Kind::transient,
                      config_.path.string() + " still holds the same token; its writer has not renewed it");
  }
  co_return std::move(token);
}

FileToken FileSource::read() {
  if (watch_.being_written()) throw SourceError(Kind::transient, config_.path.string() + " is being written");
  const FileContent content = read_content(config_);
  if (watch_.being_written()) throw SourceError(Kind::transient, config_.path.string() + " is being written");
  return parse_content(content, config_, timers_.clock().wall_now());
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
