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

TEST_F(FleetRedlock, OneServerIsKilledAndOneFrozen_OneFetchPerLifetime) {
  FaultProvider provider({.lifetime = seconds(600)});
  AgentSettings settings{.token_url = provider.url(), .refresh = rotation};
  for (const RedisServer& server : servers) settings.redlock_urls.push_back(server.tcp_url());
  const std::string key = (dir / "seal.key").string();
  Process keygen({JETON_AGENT_BINARY, "keygen", key});
  ASSERT_EQ(keygen.wait(), 0);
  settings.coordination_extra = "  seal: {key_files: [" + key + "]}\n";
  for (int i = 0; i < 3; ++i) add_agent(settings);
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  EXPECT_EQ(provider.counts().requests, 1U) << "a cold start is one fetch";
  provider.set_lifetime(rotating_lifetime);  // from here on, and not before that could be counted
  ask_for_new_token(*agents.front());
  Readers readers;
  for (const auto& agent : agents) readers.push_back(std::make_unique<ReaderProcess>(*agent, seconds(300)));

  for (const RedisServer& server : servers) {
    const std::string stored = server.cli({"HGET", "jeton:{api}:token", "record"});
    EXPECT_EQ(stored.find(provider.issued().front().value), std::string::npos) << "it is sealed on every server";
  }
  servers[1].kill();
  servers[3].signal(SIGSTOP);
  const auto all_have = [&](std::uint64_t tokens) {
    if (publications() < tokens) return false;
    const auto generation = agents.front()->generation();
    return generation != 0 &&
           std::all_of(agents.begin(), agents.end(), [&](const auto& a) { return a->generation() == generation; });
  };
  // One more than the readers must have seen, which may begin late and end before they see the last.
  for (const std::uint64_t tokens : {2U, 3U, 4U}) ASSERT_TRUE(eventually([&] { return all_have(tokens); })) << tokens;

  EXPECT_TRUE(publishes_all_of(provider)) << "more than one host fetched for a lifetime";
  const auto status = agents.front()->get("/ready");
  EXPECT_EQ(status, 200);
  for (const auto& reader : readers) {
    const auto report = reader->report(true);
    expect_undisturbed(report);
    EXPECT_GE(report["serials"].size(), 2U);
  }
  expect_no_secret_logged(provider);
  servers[3].signal(SIGCONT);
}

TEST(ServerIdentities, ServerHasTwoNames_ErrorIsInLogAndStatus) {
  const RedisServer one;
  const RedisServer other;
  FaultProvider provider({.lifetime = seconds(600)});
  const std::string port = std::to_string(one.port());
  AgentProcess agent({.token_url = provider.url(),
                      .redlock_urls = {"redis://127.0.0.1:" + port, "redis://localhost:" + port, other.tcp_url()}});
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  ASSERT_TRUE(agent.logs("the same server as redis://"));
  const auto status = nlohmann::json::parse(unix_http_get(agent.runtime_dir() / "agent.sock", "/v1/status").body);
  const std::string error = status["coordinator"]["last_error"].get<std::string>();
  for (const char* name : {"127.0.0.1:", "localhost:"}) EXPECT_NE(error.find(name + port), std::string::npos) << error;
  EXPECT_EQ(agent.stop(), 0);
}

}  // namespace
}  // namespace jeton::test
