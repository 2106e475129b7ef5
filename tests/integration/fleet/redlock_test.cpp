// A fleet around several servers, of which some are lost while it runs, or their data.
#include <signal.h>

#include <array>

#include "tests/integration/fleet/fleet.hpp"
#include "tests/support/unix_http.hpp"

namespace jeton::test {
namespace {

struct FleetRedlock : FleetTest {
  std::array<RedisServer, 5> servers;
  TempDir dir;
};

TEST_F(FleetRedlock, OneFetchPerLifetimeThoughOneServerIsKilledAndOneFrozen) {
  FaultProvider provider({.lifetime = seconds(6)});
  AgentSettings settings{.token_url = provider.url()};
  for (const RedisServer& server : servers) settings.redlock_urls.push_back(server.tcp_url());
  const std::string key = (dir / "seal.key").string();
  Process keygen({JETON_AGENT_BINARY, "keygen", key});
  ASSERT_EQ(keygen.wait(), 0);
  settings.coordination_extra = "  seal: {key_files: [" + key + "]}\n";
  for (int i = 0; i < 3; ++i) add_agent(settings);
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  EXPECT_EQ(provider.counts().requests, 1U) << "a cold start is one fetch";
  std::vector<std::unique_ptr<ReaderProcess>> readers;
  for (const auto& agent : agents) readers.push_back(std::make_unique<ReaderProcess>(*agent, seconds(100)));

  for (const RedisServer& server : servers) {
    const std::string stored = server.cli({"HGET", "jeton:{api}:token", "record"});
    EXPECT_EQ(stored.find(provider.issued().front().value), std::string::npos) << "it is sealed on every server";
  }
  servers[1].kill();
  servers[3].signal(SIGSTOP);
  const auto all_have = [&](std::uint64_t tokens) {
    if (provider.counts().issued < tokens) return false;
    const auto generation = agents.front()->generation();
    return generation != 0 &&
           std::all_of(agents.begin(), agents.end(), [&](const auto& a) { return a->generation() == generation; });
  };
  ASSERT_TRUE(eventually([&] { return all_have(3); }));

  const auto counts = provider.counts();
  EXPECT_EQ(counts.requests, counts.issued);
  std::uint64_t publications = 0;
  for (const auto& agent : agents) publications += agent->token()["counters"]["publications"].get<std::uint64_t>();
  EXPECT_EQ(publications, counts.issued) << "more than one host fetched for a lifetime";
  const auto status = agents.front()->get("/ready");
  EXPECT_EQ(status, 200);
  for (const auto& reader : readers) {
    const auto report = reader->report(true);
    expect_undisturbed(report);
    EXPECT_GE(report["serials"].size(), 3U);
  }
  expect_no_secret_logged(provider);
  servers[3].signal(SIGCONT);
}

// What is lost, and how.
struct Loss {
  const char* name;
  std::vector<std::size_t> servers;
  bool restart;  // without data; otherwise FLUSHALL
};

struct FleetRedlockLoss : FleetTest, testing::WithParamInterface<Loss> {
  AgentSettings settings_for(const FaultProvider& provider) const {
    AgentSettings settings{.token_url = provider.url()};
    for (const RedisServer& server : servers) settings.redlock_urls.push_back(server.tcp_url());
    return settings;
  }
  [[nodiscard]] std::size_t have(std::uint64_t generation) const {
    return static_cast<std::size_t>(std::count_if(servers.begin(), servers.end(),
                                                  [&](const auto& s) { return stored_generation(s) == generation; }));
  }
  void lose() {
    for (const std::size_t i : GetParam().servers) {
      if (GetParam().restart) {
        servers[i].restart();
      } else {
        servers[i].cli({"FLUSHALL"});
      }
    }
  }

  std::array<RedisServer, 3> servers;
};

INSTANTIATE_TEST_SUITE_P(All, FleetRedlockLoss,
                         testing::Values(Loss{"one_flushed", {1}, false}, Loss{"majority_flushed", {0, 2}, false},
                                         Loss{"all_flushed", {0, 1, 2}, false}, Loss{"one_restarted", {1}, true},
                                         Loss{"majority_restarted", {0, 2}, true},
                                         Loss{"all_restarted", {0, 1, 2}, true}),
                         [](const testing::TestParamInfo<Loss>& loss) { return std::string(loss.param.name); });

TEST_P(FleetRedlockLoss, IsMadeGoodFromTheHostsLongBeforeAnyPollAndWithoutAFetch) {
  FaultProvider provider({.lifetime = seconds(600)});
  AgentSettings settings = settings_for(provider);
  settings.token_extra = "    budget: {calls: 10, per: 1h}\n";
  for (int i = 0; i < 3; ++i) add_agent(settings);
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  const std::uint64_t generation = agents.front()->generation();
  ASSERT_TRUE(eventually([&] { return have(generation) == 3; }));
  ASSERT_TRUE(eventually(
      [&] {
        return std::all_of(agents.begin(), agents.end(), [](const auto& agent) {
          return agent->token()["budget"]["used"].template get<std::uint64_t>() == 1;
        });
      },
      seconds(60)))
      << "every host knows the fleet's count, by its first poll if it missed the message";
  ReaderProcess reader(*agents.front(), seconds(60));
  // Twice: a repair must not stand in the way of the next one.
  for (int round = 0; round < 2; ++round) {
    SCOPED_TRACE(round);
    lose();
    const auto began = std::chrono::steady_clock::now();
    // The poll comes after half a minute.
    EXPECT_TRUE(eventually([&] { return have(generation) == 3; }, seconds(15)));
    const auto took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - began);
    RecordProperty("round_" + std::to_string(round) + "_ms", std::to_string(took.count()));
    for (const RedisServer& server : servers) {
      EXPECT_TRUE(eventually([&] { return server.cli({"HGET", "jeton:{api}:budget", "calls"}) == "1"; }, seconds(15)));
    }
  }
  EXPECT_EQ(provider.counts().requests, 1U);
  const auto report = reader.report(true);
  expect_undisturbed(report);
  EXPECT_EQ(report["serials"].size(), 1U);
}

struct FleetRedlockBudget : FleetRedlockLoss {};

INSTANTIATE_TEST_SUITE_P(All, FleetRedlockBudget,
                         testing::Values(Loss{"majority", {0, 2}, false}, Loss{"all", {0, 1, 2}, false}),
                         [](const testing::TestParamInfo<Loss>& loss) { return std::string(loss.param.name); });

TEST_P(FleetRedlockBudget, IsNotRefilledByAFlush) {
  FaultProvider provider({.lifetime = seconds(3)});
  AgentSettings settings = settings_for(provider);
  settings.token_extra = "    budget: {calls: 3, per: 1h}\n";
  for (int i = 0; i < 2; ++i) add_agent(settings);
  start_all();
  const auto used = [&](std::uint64_t calls) {
    return std::all_of(agents.begin(), agents.end(), [&](const auto& agent) {
      return agent->token()["budget"]["used"].template get<std::uint64_t>() == calls;
    });
  };
  ASSERT_TRUE(eventually([&] { return used(2); }));
  lose();
  ASSERT_TRUE(eventually([&] { return used(3); }));
  ASSERT_TRUE(eventually([&] { return agents.front()->token()["state"] == "expired"; }));
  lose();
  std::this_thread::sleep_for(seconds(3));  // in which nothing may happen
  EXPECT_EQ(provider.counts().requests, 3U);
}

TEST(FleetRedlockVotes, AServerUnderTwoNamesIsAnErrorInLogAndStatus) {
  const RedisServer one;
  const RedisServer other;
  FaultProvider provider({.lifetime = seconds(600)});
  const std::string port = std::to_string(one.port());
  AgentProcess agent({.token_url = provider.url(),
                      .redlock_urls = {"redis://127.0.0.1:" + port, "redis://localhost:" + port, other.tcp_url()}});
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  ASSERT_TRUE(eventually([&] { return agent.log().find("the same server as redis://") != std::string::npos; }));
  const auto status = nlohmann::json::parse(unix_http_get(agent.runtime_dir() / "agent.sock", "/v1/status").body);
  const std::string error = status["coordinator"]["last_error"].get<std::string>();
  for (const char* name : {"127.0.0.1:", "localhost:"}) EXPECT_NE(error.find(name + port), std::string::npos) << error;
  EXPECT_EQ(agent.stop(), 0);
}

}  // namespace
}  // namespace jeton::test
