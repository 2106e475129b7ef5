// RefreshParts: the parts of a refresh loop without the loop, in virtual time, between a fleet and a source that answer
// as a test says. A suite takes the part that it is about and makes its inputs with the others.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/refresh/fleet_fetch.hpp"
#include "agent/refresh/refresh_request.hpp"
#include "tests/support/virtual_loop.hpp"
#include "tests/unit/refresh/fake_fleet.hpp"
#include "tests/virtual/refresh/model_segment.hpp"

namespace jeton::test {

class FakeSource final : public agent::Source {
 public:
  agent::Task<agent::FetchedToken> fetch(agent::FetchContext context) override {
    ++fetches;
    last = std::move(context);
    before_answer();
    if (failure) throw agent::SourceError(*failure);
    co_return token;
  }
  [[nodiscard]] std::string fingerprint() const override { return request; }
  [[nodiscard]] std::string describe() const override { return "fake"; }

  std::string request = "request";
  std::optional<agent::SourceError> failure;
  agent::FetchedToken token;
  agent::FetchContext last;
  std::function<void()> before_answer = [] {};
  int fetches = 0;
};

struct RefreshParts {
  explicit RefreshParts(agent::TokenConfig token = default_token()) : config(std::move(token)) {}

  static agent::TokenConfig default_token() {
    agent::TokenConfig token;
    token.name = "api";
    return token;
  }
  // Its provider gives a new refresh token with each token.
  static agent::TokenConfig token_with_state() {
    agent::TokenConfig token = default_token();
    agent::OAuth2SourceConfig source;
    source.grant = agent::OAuth2SourceConfig::Grant::refresh_token;
    token.source = source;
    return token;
  }
  static agent::TokenConfig token_with_budget(std::uint64_t calls, std::uint64_t reserve = 0) {
    agent::TokenConfig token = default_token();
    token.budget = {.calls = calls, .per = std::chrono::hours(1), .reserve = reserve};
    return token;
  }

  [[nodiscard]] agent::BootTime now() const { return loop.clock.boot_now(); }
  [[nodiscard]] agent::Record record(agent::Generation generation,
                                     agent::Milliseconds lifetime = std::chrono::minutes(10)) const {
    agent::Record made;
    made.generation = generation;
    made.value = agent::SecretString("token-" + std::to_string(generation));
    made.issued_at = loop.clock.wall_now();
    made.expires_at = made.issued_at + lifetime;
    made.fetched_by = "other";
    return made;
  }
  [[nodiscard]] agent::Lease lease(std::uint64_t fence = 100) const {
    return {"owner", fence, lock_ttl, now() + lock_ttl};
  }
  void take(agent::Record made) { current.accept(std::move(made)); }
  void fail(agent::Outage::Step step) { outage.failed(step, "ask", agent::TransportError("out of reach")); }

  static constexpr agent::Milliseconds lock_ttl{15'000};
  static constexpr agent::Milliseconds fetch_alone{30'000};

  VirtualLoop loop;
  agent::TokenConfig config;
  FakeFleet fleet;
  FakeFleet own;  // of this host, for an outage
  FakeSource source;
  ModelSegment segment;
  ModelStore store{segment};
  agent::Event changed{loop.timers};
  agent::Event wake{loop.timers};
  std::vector<agent::Generation> taken;         // by the paths and the repair, in order
  std::vector<agent::Generation> taken_stored;  // of these, records that the fleet has

  std::function<void(agent::Record)> taker = [this](agent::Record made) {
    taken.push_back(made.generation);
    take(std::move(made));
  };
  std::function<void(agent::Record)> stored_taker = [this](agent::Record made) {
    taken_stored.push_back(made.generation);
    repair.note_stored(made.generation);
    taker(std::move(made));
  };

  agent::RefreshTally tally;
  agent::TokenHistory history;
  agent::RefreshJournal journal{config, source, loop.clock, changed, "host", {&tally, &history}};
  agent::CurrentToken current{config, store, loop.timers, loop.random, [] {}};
  agent::RefreshRequest request{config.refresh, loop.clock, loop.random};
  agent::FleetView view{config, lock_ttl, loop.clock, loop.random, current, true};
  agent::Outage outage{loop.clock, loop.random, journal};
  agent::StandaloneFetch standalone{config,
                                    lock_ttl,
                                    fetch_alone,
                                    {loop.clock, own, own, own, own, current, outage, journal, taker,
                                     [this](const agent::Pause& pause) { pauses.begin_own(pause); }}};
  agent::RefreshTiming timing{config, {loop.clock, loop.random, current, request, view, outage, &standalone, nullptr}};
  agent::PausePolicy pauses{
      config, {loop.clock, loop.random, fleet, &standalone, source, current, view, outage, journal, wake}};
  agent::StoreRepair repair{
      config,
      {loop.clock, loop.random, fleet, fleet, fleet, current, view, pauses, outage, journal, wake, stored_taker}};
  agent::Rejections rejections{config, loop.clock, fleet, current, request, journal};
  agent::FleetFetch path{config,
                         lock_ttl,
                         {loop.timers, fleet, fleet, fleet, fleet, current, timing, view, pauses, repair, outage,
                          journal, taker, stored_taker}};
};

}  // namespace jeton::test
