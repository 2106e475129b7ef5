// FenceInvariants: what a host serves was fetched under the highest fence of its time. Hears of calls to the provider
// and of what hosts show. One thread: the loop's.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/world.hpp"

namespace jeton::sim {

class FenceInvariants {
 public:
  explicit FenceInvariants(World& world) : world_(world) {}

  // A call has begun, or ended.
  void heard(const test::ProviderCall& call);
  void published(std::size_t host);

 private:
  struct Fetch {
    BootTime asked_at;
    std::uint64_t highest_fence;  // then
  };

  [[nodiscard]] std::uint64_t highest_fence(std::size_t host) const;
  [[nodiscard]] bool is_lawful(const Fetch& fetch, agent::Generation generation) const;
  [[nodiscard]] bool is_promised(const Fetch& fetch) const;

  World& world_;
  std::map<std::pair<std::string, BootTime>, std::uint64_t> begun_;  // calls: the highest fence then
  std::map<std::string, std::vector<Fetch>> fetches_;                // of each value
  std::set<std::pair<std::string, agent::Generation>> looked_at_;
};

}  // namespace jeton::sim
