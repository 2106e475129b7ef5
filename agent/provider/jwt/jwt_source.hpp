// The source of type `jwt`: the agent mints the token and signs it itself; no provider is called.
//
// The key is read again for every token. When a file that the key or a claim refers to is replaced, a new token is
// minted (within refresh.min_interval). One thread: the loop's.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/base/random.hpp"
#include "agent/base/timers.hpp"
#include "agent/config/model/config.hpp"
#include "agent/provider/path_watch.hpp"
#include "agent/provider/source.hpp"

namespace jeton::agent {

class JwtSource final : public Source {
 public:
  // Timers, tokens and random outlive the source.
  JwtSource(std::string name, const Immutable<JwtSourceConfig>& config, std::size_t capacity, Timers& timers,
            const TokenValues& tokens, Random& random);

  Task<FetchedToken> fetch(FetchContext context) override;
  // The fingerprint covers key, header, claims and capacity, but not the times.
  [[nodiscard]] std::string fingerprint() const override;
  void on_change(std::function<void()> changed) override;
  [[nodiscard]] std::string describe() const override;

 private:
  [[nodiscard]] FetchedToken mint() const;
  void look();

  const std::string name_;
  const Immutable<JwtSourceConfig> config_;
  const std::size_t capacity_;
  Timers& timers_;
  const TokenValues& tokens_;
  Random& random_;
  std::string last_request_;  // fingerprint() of the last attempt
  std::function<void()> changed_;
  std::unique_ptr<PathWatch> watch_;  // null: no file to watch
};

}  // namespace jeton::agent
