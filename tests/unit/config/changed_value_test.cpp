// A reload compares the configuration in force with the one of the files, and so does doctor. Each key counts in that
// comparison.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/config/schema/reference_check.hpp"
#include "tests/unit/config/broken_config.hpp"
#include "tests/unit/config/schema_walk.hpp"
#include "tests/unit/config/shipped_config.hpp"

namespace jeton::test {
namespace {

using agent::Config;
using agent::Node;

// Settings that agent.yaml shows as alternatives to others.
constexpr const char* alternatives[] = {
    R"(version: 1
coordination:
  backend: redis
  redis:
    sentinel: {master: m, endpoints: ["rediss://h:1"], database: 3, username: u, password: "${file:/a}"}
    tls: {ca_file: /ca, cert_file: /cert, key_file: /key, server_name: s}
)",
    R"(version: 1
coordination: {backend: redis, redis: {cluster: {endpoints: ["redis://h:1"]}}}
)",
    R"(version: 1
coordination:
  backend: redlock
  redlock:
    endpoints: ["rediss://a:1", "rediss://b:1", "rediss://c:1"]
    username: u
    password: ${file:/p}
    tls: {ca_file: /ca, cert_file: /cert, key_file: /key, server_name: s}
    timeout: 300ms
)",
    R"(version: 1
tokens:
  body:
    source:
      type: http
      url: https://h/
      method: POST
      headers: {Content-Type: text/plain}
      body: text
      revocation: {url: "https://h/", method: POST, json: {a: "${revoked}"}}
      response: {format: text, default_lifetime: 1h}
  revocation:
    source:
      type: http
      url: https://h/
      revocation: {url: "https://h/", method: POST, headers: {Content-Type: text/plain}, body: "${revoked}"}
  issued:
    source:
      type: oauth2
      issuer: https://a
      client_id: i
      client_auth: private_key_jwt
      client_assertion: {key: "${file:/k}", algorithm: RS256, key_id: k, issuer: i, subject: s, audience: a, lifetime: 2m,
        header: {x: y}, claims: {c: d}}
  asserted:
    source:
      type: oauth2
      token_url: https://a
      client_id: i
      client_auth: private_key_jwt
      client_assertion: {assertion: "${file:/k}"}
  bearer:
    source:
      type: oauth2
      token_url: https://a
      grant: jwt_bearer
      jwt_bearer: {key: "${file:/k}", algorithm: RS256, key_id: k, issuer: i, subject: s, audience: a, lifetime: 2m,
        header: {x: y}, claims: {c: d}}
  given_bearer:
    source: {type: oauth2, token_url: "https://a", grant: jwt_bearer, jwt_bearer: {assertion: "${file:/k}"}}
  exchanged:
    source:
      type: oauth2
      token_url: https://a
      grant: token_exchange
      token_exchange: {subject_token: "${file:/s}", subject_token_type: jwt, actor_token: "${file:/a}",
        actor_token_type: jwt, requested_token_type: jwt}
  revoked:
    source: {type: oauth2, issuer: "https://a", client_id: i, client_secret: "${file:/k}", revoke: true}
  in_a_header:
    source: {type: http, url: "https://h/", response: {header: X-Token, default_lifetime: 1h}}
  minted:
    source: {type: jwt, algorithm: RS256, key: "${file:/k}", lifetime: 1h, set: [exp]}
  computed:
    source:
      type: http
      url: https://h/${value:a}
      values: {a: {function: sha256, of: a, as: hex}}
      revocation: {url: "https://h/${revoked}/${value:a}", values: {a: {function: sha256, of: a, as: hex}}}
  hooks:
    source: {type: file, path: /t}
    outputs:
      - {path: /run/a, on_change: {reload: a.service}}
      - {path: /run/b, on_change: {signal: HUP, pid_file: /run/b.pid}}
)",
    R"(version: 1
coordination: {backend: redis, redis: {endpoint: "redis://h"}, seal: {key_files: [/k]}}
tokens:
  rotating:
    source:
      type: oauth2
      token_url: https://a
      client_id: i
      client_secret: ${file:/k}
      grant: refresh_token
      refresh_token: ${file:/r}
      response: {refresh_token: /r}
)"};

Node tree_of(const std::string& text) {
  agent::Problems problems;
  auto tree = agent::parse_yaml("agent.yaml", text, problems);
  EXPECT_TRUE(tree && !problems.has_errors()) << all_texts(problems.take_sorted({})) << text;
  return tree.value_or(Node{});
}

// Without what the files say that it names.
std::optional<Config> config_of(const Node& tree, std::string* why = nullptr) {
  agent::Problems problems;
  agent::Reading reading{problems};
  Config config = agent::read_config(tree, reading);
  if (!problems.has_errors()) return config;
  if (why != nullptr) *why = all_texts(problems.take_sorted({}));
  return std::nullopt;
}

// Other texts for a value: one of them is usually another value that is permitted.
std::vector<std::string> others(const std::string& text) {
  std::vector<std::string> found;
  if (const auto digit = text.find_last_of("0123456789"); digit != std::string::npos) {
    for (const char other : {'1', '2', '8'}) {
      found.push_back(text);
      found.back()[digit] = other;
    }
  }
  for (const char* words : {"1", "x"}) found.push_back(text + words);
  found.push_back("1" + text);
  for (const char* word :
       {"true",     "false", "0600", "4",    "debug",   "text",   "json", "refuse", "local", "host",
        "getset",   "keep",  "PUT",  "1.1",  "ms",      "base64", "sha1", "RS384",  "PS256", "client_secret_post",
        "id_token", "iat",   "TERM", "/usr", "redlock", "set_nx"}) {
    found.emplace_back(word);
  }
  std::erase(found, text);
  return found;
}

void add_texts(Node& value, std::vector<Node*>& found) {
  if (value.kind == Node::Kind::scalar) found.push_back(&value);
  for (Node& item : value.items) add_texts(item, found);
  for (Node::Entry& entry : value.entries) add_texts(entry.value, found);
}

// The keys of the document of which one value could be changed alone; each change is one of the configuration.
void change_each(Node tree, const std::set<std::string>& schema, std::set<std::string>& changed) {
  std::string why;
  const std::optional<Config> before = config_of(tree, &why);
  ASSERT_TRUE(before) << why;
  EXPECT_EQ(*config_of(tree), *before) << "what is read twice is the same";
  walk(tree, "", schema, [&](const std::string& path, Node& value) {
    std::vector<Node*> texts;
    add_texts(value, texts);
    for (Node* const text : texts) {
      const std::string old = text->scalar;
      for (const std::string& other : others(old)) {
        text->scalar = other;
        const std::optional<Config> after = config_of(tree);
        if (!after) continue;
        EXPECT_NE(*after, *before) << path << ": " << old << " -> " << other;
        changed.insert(path);
        break;
      }
      text->scalar = old;
    }
  });
}

TEST(ConfigChange, OneValueOfAKeyIsChanged_IsAnotherConfiguration) {
  const std::set<std::string> schema = schema_keys();
  std::set<std::string> changed;
  change_each(tree_of(with_programs(switched_on(read_file(config_dir / "agent.yaml")))), schema, changed);
  for (const char* text : alternatives) change_each(tree_of(text), schema, changed);
  for (const std::string& path : changed) EXPECT_TRUE(schema.contains(path)) << path;
  std::set<std::string> never;
  std::set_difference(schema.begin(), schema.end(), changed.begin(), changed.end(), std::inserter(never, never.end()));
  // Another grant or type has other keys.
  EXPECT_THAT(never, testing::ElementsAre("tokens.*.source.grant", "tokens.*.source.type", "version"));
}

}  // namespace
}  // namespace jeton::test
