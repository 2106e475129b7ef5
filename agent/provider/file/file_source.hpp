// The source of type `file`: another program writes the token, such as the kubelet or the sink of another agent.
//
// New content is noticed at once. Content that is empty, half-written or not a token is ignored until the next write.
// Unchanged content is ignored too, so it is never published twice. One thread: the loop's.
//
// The only line of a text, without a byte order mark, is the token; its expiry is the `exp` of a JWT or the time of the
// reading plus source.lifetime. In JSON, a lifetime counts from the time when the file was written,
// response.default_lifetime from the reading, and `exp` of a JWT counts if it is earlier than either.
#pragma once

#include <functional>
#include <string>

#include "agent/base/timers.hpp"
#include "agent/config/model/config.hpp"
#include "agent/provider/path_watch.hpp"
#include "agent/provider/source.hpp"

namespace jeton::agent {

struct FileToken;

class FileSource final : public Source {
 public:
  // `tokens` also has the current token `name`. Timers and tokens outlive the source.
  FileSource(std::string name, const Immutable<FileSourceConfig>& config, std::size_t capacity, Timers& timers,
             const TokenValues& tokens);
  ~FileSource() override;

  Task<FetchedToken> fetch(FetchContext context) override;
  void on_change(std::function<void()> changed) override;
  [[nodiscard]] std::string describe() const override { return config_->path.string(); }

 private:
  // Throws SourceError, without any of the content: transient, unless response.error_rules say otherwise.
  [[nodiscard]] FileToken read();
  [[nodiscard]] bool is_current(const FetchedToken& token) const;
  void look();

  const std::string name_;
  const Immutable<FileSourceConfig> config_;
  const std::size_t capacity_;
  Timers& timers_;
  const TokenValues& tokens_;
  std::function<void()> changed_;
  Timers::Id first_look_ = 0;
  PathWatch watch_;
};

}  // namespace jeton::agent
