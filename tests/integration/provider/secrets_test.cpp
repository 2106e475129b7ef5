// No secret comes out: an agent with every type of source at level trace, its status and metrics, jetonctl and
// `jeton-agent fetch`, while all is well and while the provider sends back whatever it was sent. Every secret of the
// run is looked for in each form it is sent in.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <fstream>
#include <set>
#include <sstream>

#include "tests/support/agent_process.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/fault_provider.hpp"
#include "tests/support/network_process.hpp"
#include "tests/support/unix_http.hpp"

namespace jeton::test {
namespace {

// A source, and what of it is secret. FILE:name in `source` stands for a reference to the file that holds the secret.
struct SecretSource {
  std::string name;
  std::string source;  // YAML flow mapping
  bool once = true;    // fetch --once may try it
  bool asks = true;    // the provider for its token
};

const std::map<std::string, std::string>& secrets() {
  static const std::map<std::string, std::string> all{{"query", "Qu3ry/S3cr3t+1"},
                                                      {"header", "H3ad3rS3cr3t2"},
                                                      {"form", "F0rm S3cr3t&3"},
                                                      {"json", "Js0n\"S3cr3t\\4"},
                                                      {"basic", "dXNlcjpCNHMxY1MzY3IzdA"},
                                                      {"proxy", "Pr0xyS3cr3t6"},
                                                      {"client", "Cl13nt:S3cr3t/7+padding-for-a-key-of-HS256"},
                                                      {"refresh", "R3fr3sh/S3cr3t+8"},
                                                      {"subject", "Subj3ctS3cr3t9"},
                                                      {"revoke", "R3v0k3S3cr3t10"},
                                                      {"signing", "S1gn1ngS3cr3t+14"},
                                                      {"env", "Env0fACommandS3cr3t11"},
                                                      {"printed", "Pr1nt3dByACommand12"},
                                                      {"written", "Wr1tt3nT0Ak3nF1l313"},
                                                      {"pem", Authority().issue({}).key}};
  return all;
}

// A new type of source comes in here. PROVIDER is the URL of the provider, PROXY where the proxy listens.
std::vector<SecretSource> sources() {
  return {
      {"query", "{type: http, url: PROVIDER, query: {key: \"FILE:query\"}}"},
      {"header", "{type: http, url: PROVIDER, headers: {X-Key: \"Key FILE:header\"}}"},
      {"form", "{type: http, url: PROVIDER, form: {client_secret: \"FILE:form\"}}"},
      {"json", "{type: http, url: PROVIDER, json: {list: [\"FILE:json\"]}}"},
      {"basic", "{type: http, url: PROVIDER, headers: {Authorization: \"Basic FILE:basic\"}}"},
      {"proxied", "{type: http, url: PROVIDER, allow_http: true, proxy: \"http://user:FILE:proxy@PROXY\"}"},
      {"chained", "{type: http, url: PROVIDER, headers: {Authorization: \"Bearer ${token:query}\"}}"},
      {"revoked",
       "{type: http, url: PROVIDER, revocation: {url: PROVIDER, form: {key: \"FILE:revoke\", t: \"${revoked}\"}}}"},
      // The signature is not to be shown either, nor what else is made of a secret.
      {"signed",
       "{type: http, url: PROVIDER, values: {text: \"${now:unix} FILE:query\", sign: {function: hmac_sha256, of: "
       "\"${value:text}${request:body}\", key: \"FILE:signing\"}, basic: {function: base64, of: \"user:FILE:form\"}}, "
       "headers: {X-Sign: \"${value:sign}\", Authorization: \"Basic ${value:basic}\", X-Key: \"FILE:signing\"}, "
       "json: {key: \"FILE:json\"}}"},
      {"xml",
       "{type: http, url: PROVIDER, values: {key: {function: xml_escape, of: \"FILE:json\"}}, method: PUT, headers: "
       "{Content-Type: application/xml}, body: \"<a>${value:key}</a>\"}"},
      {"http-refresh",
       "{type: http, url: PROVIDER, refresh_token: \"FILE:refresh\", json: {token: \"${refresh_token}\"}}", false},
      {"oauth2-unencoded",
       "{type: oauth2, token_url: PROVIDER, client_id: me, client_secret: \"FILE:client\", client_auth: "
       "client_secret_basic_unencoded, headers: {X-Key: \"FILE:header\"}}"},
      {"oauth2-basic",
       "{type: oauth2, token_url: PROVIDER, client_id: me, client_secret: \"FILE:client\", "
       "client_auth: client_secret_basic}"},
      {"oauth2-post",
       "{type: oauth2, token_url: PROVIDER, client_id: me, client_secret: \"FILE:client\", "
       "client_auth: client_secret_post}"},
      {"oauth2-hs256",
       "{type: oauth2, token_url: PROVIDER, client_id: me, client_secret: \"FILE:client\", "
       "client_auth: client_secret_jwt}"},
      {"oauth2-es256",
       "{type: oauth2, token_url: PROVIDER, client_id: me, client_auth: private_key_jwt, "
       "client_assertion: {key: \"FILE:pem\", algorithm: ES256}}"},
      {"oauth2-refresh",
       "{type: oauth2, token_url: PROVIDER, client_id: me, grant: refresh_token, refresh_token: "
       "\"FILE:refresh\"}",
       false},
      {"oauth2-exchange",
       "{type: oauth2, token_url: PROVIDER, client_id: me, grant: token_exchange, token_exchange: "
       "{subject_token: \"FILE:subject\", subject_token_type: access_token}}"},
      // What a command is given it also writes to its stderr, which is logged.
      {"exec", "{type: exec, command: [/bin/sh, DIR/get-token], env: {KEY: \"FILE:env\", TOKEN: \"FILE:printed\"}}",
       true, false},
      {"file", "{type: file, path: DIR/written, lifetime: 1h}", true, false},
      {"jwt", "{type: jwt, algorithm: ES256, key: \"FILE:pem\", lifetime: 1h}", true, false},
  };
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string percent(const std::string& text, bool form) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string("-._~").find(c) != std::string::npos;
    char escaped[4];
    std::snprintf(escaped, sizeof escaped, "%%%02X", static_cast<unsigned char>(c));
    out += plain ? std::string(1, c) : form && c == ' ' ? "+" : escaped;
  }
  return out;
}

std::string base64(const std::string& text) {
  std::string out(4 * (text.size() / 3 + 1) + 1, '\0');
  const int size =
      ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                        reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

// Each form in which a secret may be on its way.
std::vector<std::string> forms_of(const std::string& secret) {
  if (secret.starts_with("-----BEGIN")) {
    std::vector<std::string> lines;
    std::istringstream stream(secret);
    for (std::string line; std::getline(stream, line);) {
      if (!line.starts_with("-----")) lines.push_back(line);
    }
    return lines;
  }
  return {secret,
          percent(secret, false),
          percent(secret, true),
          nlohmann::json(secret).dump().substr(1, secret.size()),
          base64(secret),
          base64("me:" + secret),
          base64("me:" + percent(secret, true)),
          base64("user:" + secret)};
}

// The headers and body a provider got, for it to send back and for the test to know that the secrets were used.
std::string everything_sent(const std::vector<SeenRequest>& seen) {
  std::string all;
  for (const SeenRequest& request : seen) {
    all += request.target + "\n" + request.body + "\n";
    for (const auto& [name, value] : request.headers) all += value + "\n";
  }
  return all;
}

std::string file_of_process(pid_t pid, const std::string& name) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Secrets : public testing::Test {
 protected:
  Secrets() {
    for (const auto& [name, value] : secrets()) dir_.write(name, value + "\n");
    dir_.write("get-token", "echo got $KEY >&2\nprintf '{\"access_token\":\"%s\",\"expires_in\":60}' \"$TOKEN\"\n");
    EXPECT_EQ(run({JETON_AGENT_BINARY, "keygen", (dir_ / "seal.key").string()}).status, 0);
    std::string yaml = "version: 1\nagent:\n  runtime_dir: " + agent_.runtime_dir().string() +
                       "\n  log: {level: trace, format: text}\ncoordination: {seal: {key_files: [" +
                       (dir_ / "seal.key").string() + "]}}\ntokens:\n";
    for (const SecretSource& source : sources()) {
      std::string text =
          replaced(replaced(source.source, "PROVIDER", "'" + provider_.url() + "'"), "PROXY", proxy_.at());
      text = replaced(text, "DIR", dir_.path().string());
      for (const auto& [name, value] : secrets()) {
        text = replaced(text, "FILE:" + name, "${file:" + (dir_ / name).string() + "}");
      }
      yaml += "  " + source.name + ": {source: " + text +
              ", refresh: {min_interval: 0ms, retry: {initial: 10ms, max: 100ms, permanent: 100ms}}}\n";
    }
    agent_.write_config(yaml);
  }

  void keep(const std::string& what, const std::string& text) { shown_ += "=== " + what + "\n" + text + "\n"; }
  void keep(const std::string& what, const RunResult& result) { keep(what, result.out + result.err); }

  RunResult fetch(const std::string& name, const std::string& mode) const {
    return run({JETON_AGENT_BINARY, "fetch", name, mode, "--user", "root", "--config", agent_.config_file()});
  }

  void look_around() {
    for (const char* target : {"/v1/status", "/metrics", "/ready", "/live"}) {
      keep(target, unix_http_get(agent_.runtime_dir() / "agent.sock", target).body);
    }
    for (const SecretSource& source : sources()) {
      keep(source.name, unix_http_get(agent_.runtime_dir() / "agent.sock", "/v1/tokens/" + source.name).body);
    }
    keep("jetonctl", run({JETONCTL, "--dir", agent_.runtime_dir(), "status"}));
    keep("jetonctl json", run({JETONCTL, "--dir", agent_.runtime_dir(), "--format", "json", "status"}));
  }

  [[nodiscard]] std::size_t tokens_that(const std::string& field, const std::string& value) const {
    const auto status =
        nlohmann::json::parse(unix_http_get(agent_.runtime_dir() / "agent.sock", "/v1/status").body, nullptr, false);
    std::size_t count = 0;
    if (status.is_discarded() || !status.contains("tokens")) return 0;
    for (const auto& token : status["tokens"]) count += token.value(field, "") == value ? 1U : 0U;
    return count;
  }

  void expect_nothing_shown() {
    const std::string seal_key = read_file(dir_ / "seal.key");
    EXPECT_EQ(shown_.find(seal_key.substr(seal_key.find(':') + 1, 40)), std::string::npos);
    for (const auto& [name, secret] : secrets()) {
      for (const std::string& form : forms_of(secret)) {
        const std::size_t at = shown_.find(form);
        EXPECT_EQ(at, std::string::npos) << "the secret " << name << " as " << form << " is shown in\n"
                                         << shown_.substr(at < 600 ? 0 : at - 600, 1200);
      }
    }
    for (const IssuedToken& token : provider_.issued()) {
      const std::size_t at = shown_.find(token.value);
      EXPECT_EQ(at, std::string::npos) << "a token is shown in\n" << shown_.substr(at < 600 ? 0 : at - 600, 1200);
    }
  }

  TempDir dir_;
  FaultProvider provider_;
  NetworkProcess proxy_{"proxy.mjs", {{"user", "user"}, {"password", secrets().at("proxy")}}};
  AgentProcess agent_{AgentSettings{}};
  std::string shown_;
};

TEST_F(Secrets, EverySourceIsUsed_NoOutputShowsASecret) {
  agent_.start();
  ASSERT_TRUE(eventually([&] { return tokens_that("state", "valid") == sources().size(); })) << agent_.log();
  look_around();
  for (const char* file : {"cmdline", "environ"}) keep(file, file_of_process(agent_.pid(), file));
  for (const SecretSource& source : sources()) {
    const RunResult dry = fetch(source.name, "--dry-run");
    EXPECT_EQ(dry.status, 0) << source.name << dry.err;
    keep("dry run of " + source.name, dry);
    const RunResult once = fetch(source.name, "--once");
    EXPECT_EQ(once.status, source.once ? 0 : 1) << source.name << once.out << once.err;
    keep("once of " + source.name, once);
  }

  // What the provider got it sends back as its error, whatever it was.
  const std::string sent = everything_sent(provider_.seen());
  for (const auto& [name, secret] : secrets()) {
    static const std::set<std::string> elsewhere{"pem", "proxy", "revoke", "env", "printed", "written"};
    if (elsewhere.contains(name)) continue;
    const std::vector<std::string> forms = forms_of(secret);
    const bool used = std::any_of(forms.begin(), forms.end(),
                                  [&](const std::string& form) { return sent.find(form) != std::string::npos; });
    EXPECT_TRUE(used) << "the secret " << name << " was never sent, so this test shows nothing";
  }
  keep("log", agent_.log());
  expect_nothing_shown();
}

TEST_F(Secrets, ErrorQuotesTheRequest_NoSecretIsShown) {
  // One source after the other, so that each has its own request quoted.
  for (const SecretSource& source : sources()) {
    if (!source.once || !source.asks || source.name == "chained") continue;
    provider_.behave(Behaviour::good());
    const RunResult good = fetch(source.name, "--once");
    ASSERT_EQ(good.status, 0) << source.name << good.out << good.err;
    const nlohmann::json echo{{"error", "invalid_request"},
                              {"error_description", everything_sent({provider_.seen().back()})}};
    for (const int status : {200, 400, 500}) {
      provider_.behave(Behaviour::text(echo.dump(), status));
      const RunResult result = fetch(source.name, "--once");
      EXPECT_EQ(result.status, 3) << source.name << result.out << result.err;
      keep("error of " + source.name, result);
    }
  }
  expect_nothing_shown();
}

}  // namespace
}  // namespace jeton::test
