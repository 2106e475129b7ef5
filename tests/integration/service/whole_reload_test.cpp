// A reload is applied as a whole or refused as a whole, and what runs is what is recorded.
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/agent_process.hpp"
#include "tests/support/dead_mount.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/fault_provider.hpp"
#include "tests/support/rotating_provider.hpp"
#include "tests/support/unix_http.hpp"

namespace jeton::test {
namespace {

using std::chrono::seconds;

class WholeReload : public testing::Test {
 protected:
  WholeReload() {
    Process keygen({JETON_AGENT_BINARY, "keygen", (files_ / "seal.key").string()});
    EXPECT_EQ(keygen.wait(), 0);
    settings_.token_url = provider_.url();
    settings_.agent_extra = "  state_dir: " + (files_ / "state").string() + "\n";
    settings_.coordination_extra = "  seal: {key_files: [" + (files_ / "seal.key").string() + "]}\n";
  }
  ~WholeReload() override {
    if (HasFailure()) std::fprintf(stderr, "%s\n", agent_.log().c_str());
  }
  void start() {
    agent_.configure(settings_);
    agent_.start();
  }
  // Lines of a token by a refresh token from `url`.
  [[nodiscard]] std::string rotating(const std::string& name, const std::string& url,
                                     const std::string& timeout = "3s") const {
    return "  " + name + ":\n    source:\n      type: oauth2\n      token_url: " + url +
           "\n      grant: refresh_token\n      client_id: jeton\n      client_auth: none\n      timeout: " + timeout +
           "\n      refresh_token: ${file:" + files_.write("refresh", "refresh-1").string() + "}\n";
  }
  [[nodiscard]] std::string plain(const std::string& name, const std::string& more = {}) const {
    return "  " + name + ":\n    source: {type: http, url: " + provider_.url() + "}\n" + more;
  }
  void reload(const std::string& tokens) {
    settings_.token_extra = tokens;
    agent_.configure(settings_);
    agent_.signal(SIGHUP);
  }
  void replace_state_directory() {
    std::filesystem::remove_all(files_ / "state");  // it has the history of tokens
    files_.write("state", "a file in place of the folder");
  }
  [[nodiscard]] std::size_t logged(const std::string& text) const {
    std::size_t count = 0;
    const std::string log = agent_.log();
    for (std::size_t at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) ++count;
    return count;
  }
  [[nodiscard]] bool comes(const std::string& text, std::size_t times = 1) const {
    return eventually([&] { return logged(text) == times; });
  }
  [[nodiscard]] std::string source_of(const std::string& token) const {
    const auto answer = unix_http_get(agent_.runtime_dir() / "agent.sock", "/v1/tokens/" + token);
    return answer.status == 200 ? nlohmann::json::parse(answer.body).value("source", "") : "";
  }
  [[nodiscard]] bool is_valid(const std::string& token) const {
    const auto answer = unix_http_get(agent_.runtime_dir() / "agent.sock", "/v1/tokens/" + token);
    return answer.status == 200 && nlohmann::json::parse(answer.body).value("state", "") == "valid";
  }
  [[nodiscard]] int post(const std::string& target) const {
    return unix_http_post(agent_.runtime_dir() / "agent.sock", target, "").status;
  }
  [[nodiscard]] std::uintmax_t size_of_segment(const std::string& token) const {
    return std::filesystem::file_size(agent_.runtime_dir() / "segments" / token);
  }

  TempDir files_;
  FaultProvider provider_{{.lifetime = seconds(600)}};
  AgentSettings settings_;
  // A thread that hangs in the kernel cannot be looked at for leaks.
  AgentProcess agent_{{}, {.env = {{"ASAN_OPTIONS", "detect_leaks=0:detect_stack_use_after_return=0"}}}};
};

TEST_F(WholeReload, StateOfATokenCannotBeKept_IsRefusedAndAppliedOnceThatIsMended) {
  settings_.token_extra = plain("second");
  start();
  ASSERT_TRUE(eventually([&] { return is_valid("second"); }));
  replace_state_directory();

  reload(rotating("second", provider_.url()));
  ASSERT_TRUE(comes("reload refused"));
  EXPECT_EQ(logged("the state directory cannot be used"), 1U);
  EXPECT_EQ(logged("configuration reloaded"), 0U);
  EXPECT_EQ(source_of("second"), provider_.url());

  std::filesystem::remove(files_ / "state");
  agent_.signal(SIGHUP);
  ASSERT_TRUE(comes("configuration reloaded"));
  EXPECT_EQ(logged("changed=second"), 1U);
  EXPECT_TRUE(std::filesystem::is_directory(files_ / "state"));
}

TEST_F(WholeReload, TokenThatIsAddedCannotBePrepared_OthersAreAsBefore) {
  start();
  ASSERT_TRUE(eventually([&] { return agent_.valid(); }));
  const auto size = size_of_segment("api");
  replace_state_directory();

  reload("    capacity: 64KiB\n" + plain("a-new-one") + rotating("z-new-one", provider_.url()));
  ASSERT_TRUE(comes("reload refused"));
  EXPECT_EQ(size_of_segment("api"), size) << "a part of a refused configuration was applied";
  EXPECT_FALSE(std::filesystem::exists(agent_.runtime_dir() / "segments" / "a-new-one"));
  EXPECT_EQ(agent_.get("/v1/tokens/a-new-one"), 404);

  std::filesystem::remove(files_ / "state");
  agent_.signal(SIGHUP);
  ASSERT_TRUE(comes("configuration reloaded"));
  EXPECT_GT(size_of_segment("api"), size);
  EXPECT_TRUE(eventually([&] { return is_valid("a-new-one"); }));
}

// The token that is waited for may bring a new refresh token; the other one is tried every few milliseconds.
TEST_F(WholeReload, TokenIsWaitedFor_OtherChangedTokensEndMeanwhile) {
  FaultProvider slow;
  slow.behave(Behaviour::only(Behaviour::Kind::hang));
  FaultProvider failing;
  failing.behave(Behaviour::failure(503));
  settings_.token_url = failing.url();
  settings_.refresh = "{min_interval: 0ms, retry: {initial: 10ms, max: 100ms}}";
  settings_.token_extra = rotating("a-rotating-one", slow.url());
  start();
  ASSERT_TRUE(eventually([&] { return slow.counts().requests >= 1 && failing.counts().requests > 1; }));

  settings_.token_url = provider_.url();
  reload(rotating("a-rotating-one", provider_.url()));
  ASSERT_TRUE(comes("removed and changed tokens end"));
  const auto before = failing.counts().requests;
  ASSERT_TRUE(comes("configuration reloaded"));
  EXPECT_LE(failing.counts().requests, before + 1);
  EXPECT_TRUE(eventually([&] { return agent_.valid(); }));
}

// The agent has the newest refresh token in memory and nowhere else: the disk was full, or the file was removed.
TEST_F(WholeReload, StateIsInMemoryOnly_ChainGoesOnAndIsKeptAgain) {
  RotatingProvider rotating_provider;
  const auto token = [&](const std::string& capacity) {
    return "  rotating:\n    source:\n      type: oauth2\n      token_url: " + rotating_provider.token_url() +
           "\n      grant: refresh_token\n      client_id: jeton\n      client_auth: none\n      refresh_token: "
           "${file:" +
           files_.write("first", rotating_provider.first_refresh_token()).string() +
           "}\n    refresh: {min_interval: 0ms}\n    capacity: " + capacity + "\n";
  };
  settings_.token_extra = token("4KiB");
  start();
  ASSERT_TRUE(eventually([&] { return is_valid("rotating"); }));
  std::filesystem::remove(files_ / "state" / "rotating.record");

  reload(token("8KiB"));
  ASSERT_TRUE(comes("configuration reloaded"));
  EXPECT_TRUE(eventually([&] { return std::filesystem::exists(files_ / "state" / "rotating.record"); }));
  std::filesystem::remove(files_ / "state" / "rotating.record");
  reload(token("16KiB"));
  ASSERT_TRUE(comes("configuration reloaded", 2));
  const auto before = rotating_provider.counts().issued;
  EXPECT_EQ(post("/v1/tokens/rotating/refresh"), 202);
  EXPECT_TRUE(eventually([&] { return rotating_provider.counts().issued > before; }));
  EXPECT_EQ(rotating_provider.counts().replays, 0) << "an old refresh token was used";
}

// min_interval holds it back; the loop that waits for its end is replaced meanwhile.
TEST_F(WholeReload, RefreshWasAskedFor_IsFetchedBehindTheReload) {
  settings_.refresh = "{min_interval: 6s}";
  start();
  ASSERT_TRUE(eventually([&] { return agent_.valid(); }));
  const auto generation = agent_.generation();
  EXPECT_EQ(post("/v1/tokens/api/refresh"), 202);
  reload("    capacity: 64KiB\n");
  ASSERT_TRUE(comes("changed=api"));
  EXPECT_TRUE(eventually([&] { return agent_.generation() > generation; }));
}

TEST_F(WholeReload, AgentIsStoppedMeanwhile_StopsAndTheReloadIsGivenUp) {
  FaultProvider slow;
  slow.behave(Behaviour::slow(seconds(60)));
  settings_.token_extra = rotating("a-rotating-one", slow.url(), "60s");
  start();
  ASSERT_TRUE(eventually([&] { return slow.counts().requests >= 1; }));
  reload(rotating("a-rotating-one", provider_.url()) + plain("another"));
  ASSERT_TRUE(comes("removed and changed tokens end"));
  agent_.signal(SIGTERM);
  ASSERT_TRUE(agent_.logs("stopping"));
  slow.end_delays();  // the reload waited for this answer until now
  EXPECT_EQ(agent_.wait(), 0);
  EXPECT_EQ(logged("configuration reloaded"), 0U);
  EXPECT_FALSE(std::filesystem::exists(agent_.runtime_dir() / "segments" / "another"));
}

TEST_F(WholeReload, ManySignalsComeAtOnce_TheLastFilesCount) {
  start();
  for (int i = 0; i < 20; ++i) reload(plain("token-" + std::to_string(i)));
  EXPECT_TRUE(eventually([&] { return agent_.get("/v1/tokens/token-19") == 200; }));
  for (int i = 0; i < 19; ++i) EXPECT_EQ(agent_.get("/v1/tokens/token-" + std::to_string(i)), 404);
}

TEST_F(WholeReload, SecretIsOnADeadMount_IsRefusedAndOtherTokensAreFetched) {
  DeadMount mount;
  if (!mount.works()) GTEST_SKIP() << "needs root and /dev/fuse";
  FaultProvider often{{.lifetime = seconds(2)}};
  settings_.token_url = often.url();
  start();
  ASSERT_TRUE(eventually([&] { return agent_.valid(); }));
  settings_.source_extra = "      form: {secret: '${file:" + (mount.path() / "secret").string() + "}'}\n";
  reload("");
  ASSERT_TRUE(comes("reload refused"));
  EXPECT_EQ(logged("the file system does not answer"), 1U);
  const auto before = often.counts().requests;
  EXPECT_TRUE(eventually([&] { return often.counts().requests > before; }));
  EXPECT_EQ(agent_.get("/live"), 200);
  EXPECT_EQ(agent_.stop(), 0);
}

}  // namespace
}  // namespace jeton::test
