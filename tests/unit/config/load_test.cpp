// A configuration that is right: every value where it belongs; and all that is wrong in one run.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "agent/config/schema/schema.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/dead_mount.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/config/broken_config.hpp"
#include "tests/unit/config/shipped_config.hpp"

namespace jeton::test {
namespace {

using namespace agent;
using namespace std::chrono_literals;

constexpr const char* full = R"(version: 1
agent:
  runtime_dir: /run/other/
  log: {level: trace, format: json}
  memory_lock: refuse
  disk_backed: refuse
  core_dumps: true
  http: {connections_per_host: 256}
  listen: "[::1]:9717"
coordination:
  backend: redis
  prefix: fleet-1
  redis:
    endpoint: rediss://[::1]:6380/2
    username: agent
    password: $${x}
    tls: {ca_file: TLS_FILES/ca, cert_file: TLS_FILES/cert, key_file: TLS_FILES/key, server_name: redis.example}
    timeout: 250ms
    replicas_acked: 1
  seal: {key_files: [SEAL_KEY]}
  lock: {ttl: 20s}
  outage: {fetch_alone: 30s}
tokens:
  a.b-c_1:
    source:
      type: http
      url: http://provider.example:8080/token
      method: POST
      query: {q: "1"}
      headers: {X-H: h}
      form: {f: v, e: ""}
      response:
        token: /t
        expires_in: /i
        default_lifetime: 2h
        type: /y
        error: /e
        error_message: /m
        attributes: {scope: /a~1b/0}
        max_body: 2KiB
      timeout: 3s
      connect_timeout: 2s
      allow_http: true
      max_redirects: 3
    refresh:
      grace: 1m
      spread: 5s
      min_interval: 30s
      overlap: 7m
      retry: {initial: 2s, max: 90s, permanent: 1h, retry_after_max: 10m}
    budget: {calls: 2000, per: 12h, reserve: 100, alone: 20}
    lock: {key: their-lock, protocol: getset}
    mirror_key: their-token
    access: {users: [root, "12"], groups: ["21"]}
    capacity: 16KiB
)";

TEST(Load, EveryKeyIsSet_EachValueIsInItsField) {
  const test::TempDir dir;
  const std::filesystem::path seal_key = dir.write("seal.key", test::seal_key_text);
  std::string text = full;
  text.replace(text.find("SEAL_KEY"), 8, seal_key.string());
  const IssuedCertificate own = Authority().issue({});
  const std::filesystem::path ca = dir.write("ca", Authority().pem());
  const std::filesystem::path cert = dir.write("cert", own.certificate);
  const std::filesystem::path key = dir.write("key", own.key);
  for (auto at = text.find("TLS_FILES"); at != std::string::npos; at = text.find("TLS_FILES")) {
    text.replace(at, 9, dir.path().string());
  }
  const LoadResult result = load_text(text);
  ASSERT_TRUE(result.config) << all_texts(result.problems);

  Config expected;
  expected.agent.runtime_dir = "/run/other";
  expected.agent.log = {log::Level::trace, log::Format::json};
  expected.agent.memory_lock = Policy::refuse;
  expected.agent.disk_backed = Policy::refuse;
  expected.agent.core_dumps = true;
  expected.agent.connections_per_host = 256;
  expected.agent.listen = ListenAddress{"::1", 9717};
  expected.coordination.backend = CoordinationConfig::Backend::redis;
  expected.coordination.prefix = "fleet-1";
  expected.coordination.lock_ttl = 20s;
  RedisConfig& redis = expected.coordination.redis.emplace();
  redis.servers = RedisEndpoint{RedisEndpoint::Kind::tcp, "::1", 6380, true, "", 2};
  redis.access.username = SecretTemplate::literal("agent");
  redis.access.password = SecretTemplate::literal("${x}");
  redis.access.timeout = 250ms;
  redis.access.tls = {{ca, cert, key}, "redis.example"};
  redis.replicas_acked = 1;
  expected.coordination.seal_keys = {SecretTemplate::parse("${file:" + seal_key.string() + "}")};
  expected.coordination.fetch_alone = 30s;

  TokenConfig& token = expected.tokens["a.b-c_1"];
  token.name = "a.b-c_1";
  HttpSourceConfig source;
  source.url = SecretTemplate::literal("http://provider.example:8080/token");
  source.method = "POST";
  source.query = {{"q", {SecretTemplate::literal("1")}}};
  source.headers = {{"X-H", SecretTemplate::literal("h")}};
  source.form = {{"f", {SecretTemplate::literal("v")}}, {"e", {SecretTemplate()}}};
  source.response.token = "/t";
  source.response.expires_in = "/i";
  source.response.default_lifetime = 2h;
  source.response.type = "/y";
  source.response.error = "/e";
  source.response.error_message = "/m";
  source.response.attributes = {{"scope", "/a~1b/0"}};
  source.response.max_body = 2048;
  source.egress.timeout = 3s;
  source.egress.connect_timeout = 2s;
  source.egress.allow_http = true;
  source.egress.max_redirects = 3;
  token.source = source;
  token.refresh = {1min, 5s, 30s, 7min, 2s, 90s, 1h, 10min};
  token.budget = {2000, 12h, 100, 20};
  token.lock = {"their-lock", TokenLockConfig::Protocol::getset};
  token.mirror_key = "their-token";
  token.access = {{"root", "12"}, {"21"}};
  token.capacity = 16 * 1024;
  EXPECT_EQ(*result.config, expected);
}

TEST(Load, OnlyRequiredKeysAreSet_OthersHaveTheirDefaults) {
  const LoadResult result = load_text("version: 1\ntokens: {t: {source: {type: http, url: 'https://h/'}}}\n");
  ASSERT_TRUE(result.config) << all_texts(result.problems);
  EXPECT_TRUE(result.problems.empty()) << all_texts(result.problems);
  Config expected;
  expected.tokens["t"].name = "t";
  HttpSourceConfig source;
  source.url = SecretTemplate::literal("https://h/");
  expected.tokens["t"].source = source;
  EXPECT_EQ(*result.config, expected);
}

TEST(Load, OtherKeysAreSet_DefaultsAreDerivedFromThem) {
  const LoadResult result = load_text(R"(version: 1
tokens:
  json: {source: {type: http, url: "https://h/", json: {a: b}, response: {expires_at: /at}, timeout: 1s}}
  form: {source: {type: http, url: "https://h/", form: {a: b}}}
)");
  ASSERT_TRUE(result.config) << all_texts(result.problems);
  const auto& json = *source_as<HttpSourceConfig>(result.config->tokens.at("json").source);
  EXPECT_EQ(json.method, "POST");
  EXPECT_EQ(json.response.expires_in, "");
  EXPECT_EQ(json.response.expires_at, "/at");
  EXPECT_EQ(json.egress.connect_timeout, 1s);
  EXPECT_EQ(source_as<HttpSourceConfig>(result.config->tokens.at("form").source)->method, "POST");
}

TEST(Load, ResponsePlaces_AreInTheBodyTheHeadersOrTheCookies) {
  using In = AnswerPlace::In;
  const LoadResult result = load_text(R"(version: 1
tokens:
  t:
    source:
      type: http
      url: https://h/
      response:
        token: cookie SID
        expires_in: /ttl
        expires_at: header Expires
        expiry_unit: ms
        type: /info json /kind
        error: /code
        error_rules: {success: [200, SUCCESS], permanent: [1], transient_status: [404, 410], permanent_status: [503]}
        attributes: {region: header X-Region}
  h: {source: {type: http, url: "https://h/", response: {header: X-Token, default_lifetime: 1h}}}
  f: {source: {type: http, url: "https://h/", response: {format: form}}}
)");
  ASSERT_TRUE(result.config) << all_texts(result.problems);
  ResponseConfig wanted;
  wanted.token = {In::cookie, "SID"};
  wanted.expires_in = "/ttl";
  wanted.expires_at = {In::header, "Expires"};
  wanted.expiry_unit = 1ms;
  wanted.type = "/info";
  wanted.type.inner_json = "/kind";
  wanted.error = "/code";
  wanted.error_rules = {{"1"}, {}, {"200", "SUCCESS"}, {503}, {404, 410}};
  wanted.attributes.emplace("region", AnswerPlace(In::header, "X-Region"));
  const auto response = [&](const char* name) {
    return source_as<HttpSourceConfig>(result.config->tokens.at(name).source)->response;
  };
  EXPECT_EQ(response("t"), wanted);
  EXPECT_EQ(response("t").type.text(), "/info json /kind");
  EXPECT_EQ(response("h").token, AnswerPlace(In::header, "X-Token"));
  EXPECT_TRUE(response("h").expires_in.empty());
  EXPECT_EQ(response("f").format, ResponseConfig::Format::form);
}

TEST(Load, TextHasCarriageReturnsAndAByteOrderMark_IsLoaded) {
  const LoadResult result =
      load_text("\xEF\xBB\xBFversion: 1\r\ntokens:\r\n  t: {source: {type: http, url: 'https://h/'}}\r\n");
  EXPECT_TRUE(result.config) << all_texts(result.problems);
  const LoadResult broken = load_text("\xEF\xBB\xBFversion: 1\r\nagent: {colour: red}\r\n");
  ASSERT_EQ(broken.problems.size(), 1U);
  EXPECT_EQ(broken.problems[0].text().substr(0, 28), "agent.yaml:2:9: error: unkno");
}

// A block of text in YAML (|) has a line end at its end, like a file.
TEST(Load, CredentialIsABlockOfText_HasNoLineEndAtItsEnd) {
  const LoadResult result = load_text(R"(version: 1
tokens:
  t:
    source:
      type: oauth2
      token_url: |
        https://auth.example.com/token
      client_id: |
        me
      client_secret: >
        s3cret
      params:
        text: |
          line
)");
  ASSERT_TRUE(result.config) << all_texts(result.problems);
  const auto* const source = source_as<OAuth2SourceConfig>(result.config->tokens.at("t").source);
  ASSERT_NE(source, nullptr);
  EXPECT_EQ(source->token_url, SecretTemplate::literal("https://auth.example.com/token"));
  EXPECT_EQ(source->client_id, SecretTemplate::literal("me"));
  EXPECT_EQ(source->client_secret, SecretTemplate::literal("s3cret"));
  EXPECT_EQ(source->params.at("text").front(), SecretTemplate::literal("line\n")) << "it may be meant";
}

TEST(Load, ThereIsNoToken_IsWarnedOf) {
  const LoadResult result = load_text("version: 1\ntokens:\n");
  ASSERT_TRUE(result.config);
  EXPECT_EQ(all_texts(result.problems),
            "agent.yaml:2:1: warning: no token is configured; the agent has nothing to do\n");
}

TEST(Load, RedisIsNotUsed_IsWarnedOf) {
  const LoadResult result = load_text(
      "version: 1\ncoordination:\n  redis: {endpoint: 'redis://h'}\n"
      "tokens: {t: {source: {type: http, url: 'https://h/'}}}\n");
  ASSERT_TRUE(result.config);
  EXPECT_FALSE(result.config->coordination.redis);
  EXPECT_NE(all_texts(result.problems).find("agent.yaml:3:10: warning: coordination.redis is not used"),
            std::string::npos)
      << all_texts(result.problems);
}

TEST(Load, SeveralErrors_AllAreReportedInOrder) {
  const LoadResult result = load_text(R"(version: 2
agent:
  log: {level: loud}
  log_level: info
coordination:
  lock: {ttl: 5}
tokens:
  T:
    source:
      type: http
      url: http://h/
      query: {k: "${env:JETON_TEST_NOT_SET}"}
    refresh: {graze: 5m}
  u: {source: {type: http}, capacity: 1}
)");
  EXPECT_FALSE(result.config);
  std::vector<int> lines;
  for (const Problem& problem : result.problems) lines.push_back(problem.line);
  EXPECT_EQ(lines, (std::vector<int>{1, 3, 4, 6, 8, 11, 12, 13, 14, 14})) << all_texts(result.problems);
}

TEST(Load, ThereAreNoFiles_IsAnError) {
  const LoadResult result = load_config_files(read_config_files({}));
  EXPECT_FALSE(result.config);
  EXPECT_EQ(result.problems.size(), 1U);
}

// The folder of a configuration: agent.yaml and agent.d.
struct DefaultFiles : testing::Test {
  DefaultFiles() { (void)dir.write("agent.yaml", "version: 1\n"); }
  std::string problems() { return all_texts(load_config_files(read_default_files(dir.path())).problems); }
  TempDir dir;
  std::filesystem::path drop_ins = dir / "agent.d";
};

TEST_F(DefaultFiles, FolderIsNotThere_PassesSilently) { EXPECT_EQ(problems().find("agent.d"), std::string::npos); }

TEST_F(DefaultFiles, FolderCannotBeRead_IsAnErrorThatSaysWhatWouldBeGone) {
  (void)dir.write("agent.d", "no folder");
  EXPECT_EQ(problems(), drop_ins.string() +
                            ": error: cannot read the folder; without it, its tokens would be removed: " +
                            drop_ins.string() + ": Not a directory\n");
}

TEST_F(DefaultFiles, FolderIsALinkToNothing_IsAnError) {
  std::filesystem::create_symlink(dir / "nothing", drop_ins);
  EXPECT_NE(problems().find("agent.d: No such file or directory"), std::string::npos) << problems();
}

TEST_F(DefaultFiles, FolderIsOnADeadMount_IsAnError) {
  DeadMount mount;
  if (!mount.works()) GTEST_SKIP() << "needs root and /dev/fuse";
  std::filesystem::create_symlink(mount.path(), drop_ins);
  EXPECT_NE(problems().find("does not answer"), std::string::npos) << problems();
}

TEST_F(DefaultFiles, FileIsNotReadByItsName_IsWarnedOf) {
  std::filesystem::create_directory(drop_ins);
  for (const char* name : {"a.yml", "b.YAML", "c.json", ".d.yaml", "e.yaml~", "README"}) {
    (void)dir.write(std::string("agent.d/") + name, "tokens: {x: {}}\n");
  }
  const std::string found = problems();
  for (const char* name : {"a.yml", "b.YAML", "c.json"}) {
    EXPECT_NE(found.find((drop_ins / name).string() + ": warning: is not read"), std::string::npos) << found;
  }
  for (const char* name : {".d.yaml", "e.yaml~", "README"}) EXPECT_EQ(found.find(name), std::string::npos) << found;
}

TEST_F(DefaultFiles, FileIsANamedPipe_IsAnErrorAndNotWaitedFor) {
  std::filesystem::create_directory(drop_ins);
  ASSERT_EQ(::mkfifo((drop_ins / "a.yaml").c_str(), 0600), 0);
  EXPECT_NE(problems().find("a.yaml: error: cannot read the configuration file: it is not a regular file"),
            std::string::npos)
      << problems();
}

TEST(LoadOfAToken, SecretOfAnotherTokenIsMissing_IsNoHindrance) {
  const TempDir dir;
  const auto file = dir.write("agent.yaml", R"(version: 1
coordination: {backend: redis, redis: {endpoint: "redis://h", password: "${credential:redis}"}}
tokens:
  key: {source: {type: http, url: "https://h/", form: {secret: "${file:/nonexistent/key}"}}}
  user: {source: {type: http, url: "https://h/", form: {by: "${token:key}"}}}
  other: {source: {type: http, url: "https://h/"}}
)");
  EXPECT_TRUE(load_config_files(read_config_files({file}), "other").config);
  const LoadResult chained = load_config_files(read_config_files({file}), "user");
  ASSERT_EQ(chained.problems.size(), 1U) << all_texts(chained.problems);
  EXPECT_NE(chained.problems.front().message.find("/nonexistent/key"), std::string::npos);
}

// A template of a deployment that has no value.
TEST(Load, LoginOfRedisIsEmpty_IsNone) {
  for (const char* login : {"username: '', password: ''", "password: ''", "username: u, password: ''"}) {
    const std::string text = login;
    const LoadResult result = load_text("version: 1\ncoordination:\n  backend: redis\n  redis: {" + text +
                                        ", sentinel: {master: m, endpoints: ['redis://h:1'], " + text + "}}\n");
    ASSERT_TRUE(result.config) << all_texts(result.problems);
    EXPECT_TRUE(result.config->coordination.redis->access.password.empty()) << text;
    const auto& sentinel = std::get<RedisSentinelConfig>(result.config->coordination.redis->servers);
    EXPECT_TRUE(sentinel.password.empty()) << text;
  }
  const LoadResult by_password = load_text(
      "version: 1\ncoordination: {backend: redis, redis: {endpoint: 'redis://h', username: '', password: "
      "'${env:PATH}'}}\n");
  ASSERT_TRUE(by_password.config) << all_texts(by_password.problems);
  EXPECT_TRUE(by_password.config->coordination.redis->access.username.empty());
}

TEST(Load, ClientIdIsEmptyAndNoneIsNeeded_IsNotSent) {
  const TempDir dir;
  const IssuedCertificate own = Authority().issue({});
  const std::string pem = dir.write("client.pem", own.certificate + own.key).string();
  for (const std::string& client :
       {std::string("client_id: ''"), std::string("client_id: '', client_auth: none"),
        "client_id: '', client_auth: tls_client_auth, tls: {cert_file: " + pem + ", key_file: " + pem + "}"}) {
    const LoadResult result = load_text(
        "version: 1\ntokens:\n  t:\n    source: {type: oauth2, token_url: 'https://h/', grant: token_exchange, "
        "token_exchange: {subject_token: '${env:PATH}', subject_token_type: jwt}, " +
        client + "}\n");
    ASSERT_TRUE(result.config) << all_texts(result.problems);
    EXPECT_TRUE(std::get<Immutable<OAuth2SourceConfig>>(result.config->tokens.at("t").source)->client_id.empty())
        << client;
  }
}

TEST(Load, DefaultFiles_MainFileIsFirst) {
  ASSERT_FALSE(read_default_files().names.empty());
  EXPECT_EQ(read_default_files().names.front(), "/etc/jeton/agent.yaml");
}

TEST(Schema, PathsAreListed_AreSortedAndUnique) {
  const std::vector<std::string> paths = schema_paths();
  EXPECT_TRUE(std::is_sorted(paths.begin(), paths.end()));
  EXPECT_EQ(std::adjacent_find(paths.begin(), paths.end()), paths.end()) << "a key is asked for twice";
  for (const char* path : {"version", "agent.log.level", "coordination.redis.endpoint", "tokens.*.source.url",
                           "tokens.*.source.form.*", "tokens.*.refresh.retry.permanent", "tokens.*.access.groups"}) {
    EXPECT_TRUE(std::binary_search(paths.begin(), paths.end(), path)) << path;
  }
}

}  // namespace
}  // namespace jeton::test
