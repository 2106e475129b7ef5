// Refresh tokens that the provider rotates: the chain of them is never lost, wherever the agent or Redis dies. The
// provider here detects replays: one use of an old refresh token and the whole chain is dead.
#include <fstream>

#include "tests/integration/fleet/fleet.hpp"
#include "tests/support/rotating_provider.hpp"
#include "tests/support/unix_http.hpp"

namespace jeton::test {
namespace {

struct RefreshTokenTest : FleetTest {
  RedisServer redis;
  TempDir dir;

  void use(RotatingProvider& provider) { provider_ = &provider; }
  // Of hosts that are added from here on; otherwise they use `redis`.
  void use_backend(const std::string& name) {
    backend_ = name;
    while (name == "redlock" && others_.size() < 2) others_.push_back(std::make_unique<RedisServer>());
  }

  AgentProcess& add_host(
      const std::string& refresh = "{min_interval: 10ms, retry: {initial: 50ms, permanent: 300ms}}") {
    if (!std::filesystem::exists(dir / "seal.key")) {
      Process keygen({JETON_AGENT_BINARY, "keygen", (dir / "seal.key").string()});
      EXPECT_EQ(keygen.wait(), 0) << keygen.err();
      dir.write("refresh", provider_->first_refresh_token());
      std::filesystem::permissions(dir / "refresh", std::filesystem::perms::owner_read);
    }
    AgentProcess& agent = add_agent({});
    agent.write_config(
        "version: 1\nagent:\n  runtime_dir: " + agent.runtime_dir().string() +
        "\n  state_dir: " + state_dir(agent).string() + "\n  log: {level: trace, format: text}\n" + coordination() +
        "  lock: {ttl: 6s}\n  seal: {key_files: [" + (dir / "seal.key").string() +
        "]}\ntokens:\n  api:\n    source:\n      type: oauth2\n      token_url: " + provider_->token_url() +
        "\n      grant: refresh_token\n      client_id: jeton\n      client_auth: none\n"
        "      refresh_token: ${file:" +
        (dir / "refresh").string() + "}\n    refresh: " + refresh + "\n");
    return agent;
  }
  static std::filesystem::path state_dir(const AgentProcess& agent) {
    return agent.runtime_dir().parent_path() / "state";
  }

  // The same agent, killed where the failpoint is.
  static std::unique_ptr<AgentProcess> double_of(const AgentProcess& agent, const std::string& failpoint) {
    ProcessOptions options;
    options.env["JETON_FAILPOINTS"] = failpoint;
    auto other = std::make_unique<AgentProcess>(AgentSettings{}, options);
    std::ifstream config(agent.config_file());
    other->write_config({std::istreambuf_iterator<char>(config), {}});
    return other;
  }

  // Asks for a new token and waits for it.
  [[nodiscard]] static bool refreshed(const AgentProcess& agent) {
    const std::uint64_t before = agent.generation();
    ask(agent);
    return eventually([&] { return agent.generation() > before; });
  }
  static void ask(const AgentProcess& agent) {
    Process refresh({JETONCTL, "--dir", agent.runtime_dir().string(), "refresh", "api"});
    static_cast<void>(refresh.wait());
  }
  void expect_alive(const AgentProcess& agent) const {
    EXPECT_FALSE(provider_->family_revoked()) << agent.log();
    EXPECT_TRUE(eventually([&] { return agent.valid(); })) << agent.log();
    EXPECT_TRUE(refreshed(agent)) << agent.log();
    EXPECT_TRUE(refreshed(agent)) << agent.log();
    EXPECT_FALSE(provider_->family_revoked()) << agent.log();
  }

  [[nodiscard]] std::string coordination() const {
    std::string backend = "coordination:\n  backend: " + backend_ + "\n";
    if (backend_ == "local") return backend;
    if (backend_ == "redis") return backend + "  redis: {endpoint: '" + redis.tcp_url() + "'}\n";
    std::string urls = "'" + redis.tcp_url() + "'";
    for (const auto& other : others_) urls += ", '" + other->tcp_url() + "'";
    return backend + "  redlock: {endpoints: [" + urls + "]}\n";
  }

  RotatingProvider* provider_ = nullptr;
  std::string backend_ = "redis";
  std::vector<std::unique_ptr<RedisServer>> others_;
};

// Where the updater is killed, and whether the provider has to allow a short reuse for it: only between its answer and
// the file of this host, where no program can help.
struct Kill {
  const char* at;
  bool reuse;
  const char* backend = "redis";
};

struct RefreshTokenKill : RefreshTokenTest, testing::WithParamInterface<Kill> {};

TEST_P(RefreshTokenKill, KilledAtAStep_NoRefreshTokenIsLost) {
  RotatingProvider provider({.reuse = GetParam().reuse ? seconds(60) : seconds(0)});
  use(provider);
  use_backend(GetParam().backend);
  AgentProcess& agent = add_host();
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); })) << agent.log();
  ASSERT_TRUE(refreshed(agent));
  EXPECT_EQ(agent.stop(), 0);

  const auto doomed = double_of(agent, std::string(GetParam().at) + "=kill");
  AgentProcess& victim = *doomed;
  victim.launch();
  ASSERT_TRUE(eventually([&] {
    if (victim.running()) ask(agent);  // it has the agent's runtime_dir
    return !victim.running();
  })) << victim.log();
  EXPECT_EQ(victim.wait(), 128 + SIGKILL) << victim.log();

  agent.start();
  expect_alive(agent);
}

std::string name_of_kill(const testing::TestParamInfo<Kill>& kill) {
  std::string name = kill.param.at;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '.'; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(AtEveryStep, RefreshTokenKill,
                         testing::Values(Kill{"redis.acquire.sending", false}, Kill{"redis.acquire.answered", false},
                                         Kill{"refresh.fetch", false}, Kill{"refresh.fetched", true},
                                         Kill{"private_file.written", true}, Kill{"private_file.renamed", false},
                                         Kill{"refresh.kept", false}, Kill{"redis.publish.sending", false},
                                         Kill{"redis.publish.answered", false}, Kill{"segment.publish.begin", false},
                                         Kill{"segment.publish.filled", false}, Kill{"segment.publish.stored", false},
                                         Kill{"segment.publish.woken", false}),
                         name_of_kill);

INSTANTIATE_TEST_SUITE_P(AtEveryStepOnThisHost, RefreshTokenKill,
                         testing::Values(Kill{"local.acquire.locked", false, "local"},
                                         Kill{"local.acquire.stored", false, "local"},
                                         Kill{"local.publish.writing", false, "local"},
                                         Kill{"local.publish.written", false, "local"}),
                         name_of_kill);

INSTANTIATE_TEST_SUITE_P(AtEveryStepOnAQuorum, RefreshTokenKill,
                         testing::Values(Kill{"redlock.acquire.won", false, "redlock"},
                                         Kill{"redlock.admit.read", false, "redlock"},
                                         Kill{"redlock.admit.written", false, "redlock"},
                                         Kill{"redlock.publish.sending", false, "redlock"},
                                         Kill{"redlock.publish.answered", false, "redlock"}),
                         name_of_kill);

TEST_F(RefreshTokenTest, Fetched_IsSealedInRedisAndKeptInAFile) {
  RotatingProvider provider;
  use(provider);
  AgentProcess& agent = add_host();
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); })) << agent.log();
  const std::string stored = redis.cli({"HGET", "jeton:{api}:token", "record"});
  EXPECT_NE(stored.find("sealed"), std::string::npos);
  EXPECT_EQ(stored.find("refresh"), std::string::npos);
  // It outlives the token by far.
  EXPECT_GT(std::stoll(redis.cli({"PTTL", "jeton:{api}:token"})), 300LL * 24 * 3600 * 1000);
  EXPECT_TRUE(std::filesystem::exists(state_dir(agent) / "api.record"));
}

// A person has signed in again: the file has another refresh token, and that one counts at once.
TEST_F(RefreshTokenTest, ConfiguredOneIsReplaced_NewChainIsStarted) {
  RotatingProvider provider;
  use(provider);
  AgentProcess& agent = add_host();
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  const std::string fresh = provider.sign_in_again();
  std::filesystem::remove(dir / "refresh");
  dir.write("refresh", fresh);
  expect_alive(agent);
}

}  // namespace
}  // namespace jeton::test
