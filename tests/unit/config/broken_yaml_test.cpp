// Mistakes in the text itself, in the sections agent and coordination, and in keys and types in general.
#include "tests/unit/config/broken_config.hpp"

namespace jeton::test {
namespace {

class BrokenYaml : public testing::TestWithParam<BrokenConfig> {};

TEST_P(BrokenYaml, YamlHasAnError_IsRefusedAtItsPlace) { expect_refused(GetParam()); }

INSTANTIATE_TEST_SUITE_P(
    Text, BrokenYaml,
    testing::Values(BrokenConfig{"ColonMissing", R"(
version: 1
agent
coordination: {}
)",
                                 3, "unexpected ':'"},
                    BrokenConfig{"IndentedTooDeep", R"(
version: 1
agent:
  runtime_dir: /run/jeton
    memory_lock: warn
)",
                                 4, "wrong indentation"},
                    BrokenConfig{"IndentedTooLittle", R"(
version: 1
agent:
    runtime_dir: /run/jeton
  memory_lock: warn
)",
                                 4, "the indentation does not match"},
                    BrokenConfig{"TabIndents", "version: 1\nagent:\n  log:\n\t\tlevel: info\n", 4, "a tab"},
                    BrokenConfig{"TabAfterBlanks", "version: 1\nagent:\n  log:\n  \tlevel: info\n", 4, "a tab"},
                    BrokenConfig{"QuoteNeverCloses", R"(
version: 1
agent:
  runtime_dir: "/run/jeton
  memory_lock: warn
)",
                                 3, "is not closed"},
                    BrokenConfig{"QuoteInBracesNeverCloses", R"(
version: 1
agent: {runtime_dir: "/run/jeton, memory_lock: warn}
coordination:
  backend: local
)",
                                 2, "the quote that opens here"},
                    BrokenConfig{"QuoteClosesWhereTheNextOneOpens", R"(
version: 1
agent:
  runtime_dir: "/run/jeton
  state_dir: "/var/lib/jeton"
  memory_lock: warn
)",
                                 3, "the quote that opens here"},
                    BrokenConfig{"ApostropheBeforeTheQuote", R"(
version: 1  # it's "quoted" here
agent:
  runtime_dir: /run/o'neil
  state_dir: '/var/lib/jeton
  memory_lock: 'warn'
)",
                                 4, "the quote that opens here"},
                    BrokenConfig{"SingleQuoteNeverCloses", "version: 1\nagent: {runtime_dir: 'it''s}\n", 2,
                                 "is not closed"},
                    BrokenConfig{"BraceNeverCloses", R"(
version: 1
agent: {runtime_dir: /run/jeton
)",
                                 3, "'{'"},
                    BrokenConfig{"BracketNeverCloses", "version: 1\nagent: [a, b\n", 3, "'['"},
                    BrokenConfig{"BraceTooMany", "version: 1\nagent: }\n", 2, "flow end"},
                    BrokenConfig{"ReservedCharacter", "version: 1\nagent:\n  runtime_dir: @home\n", 3, "quotes"},
                    BrokenConfig{"UnknownEscape", "version: 1\nagent:\n  runtime_dir: \"\\q\"\n", 3, "escape"},
                    BrokenConfig{"TwoDocuments", "version: 1\n---\nversion: 1\n", 2, "second document"},
                    BrokenConfig{"StrayComma", ",\n", 1, "second document"},
                    BrokenConfig{"ControlCharacter", "\nversion: 1\nagent: {}\n\x01", 3, "control character"},
                    BrokenConfig{"Latin1", "\nversion: 1\n# caf\xe9\n", 2, "UTF-8"},
                    BrokenConfig{"LoneCarriageReturn", "version: 1\nagent: {}\rtokens: {}\n", 2, "carriage return"},
                    BrokenConfig{"Anchor", "version: 1\nagent: &a {}\n", 2, "anchors"},
                    BrokenConfig{"AliasWithoutAnchor", "version: 1\nagent: *a\n", 2, "aliases"},
                    BrokenConfig{"MergeKey", "version: 1\n<<: {agent: {}}\n", 2, "merge keys"},
                    BrokenConfig{"Tag", "version: 1\nagent:\n  runtime_dir: !!str /run\n", 3, "tags"},
                    BrokenConfig{"KeyIsAList", "version: 1\n? [a, b]\n: 1\n", 2, "a key must be text"},
                    BrokenConfig{"KeyIsNothing", "version: 1\n~: 1\n", 2, "a key must be text"},
                    BrokenConfig{"KeyTwice", R"(
version: 1
agent:
  memory_lock: warn
  core_dumps: false
  memory_lock: refuse
)",
                                 5, "key 'memory_lock' is set twice; first at line 3"},
                    BrokenConfig{"TokenTwice", R"(
version: 1
tokens:
  a: {source: {type: http, url: https://x.example/}}
  b: {source: {type: http, url: https://x.example/}}
  a: {source: {type: http, url: https://x.example/}}
)",
                                 5, "key 'a' is set twice; first at line 3"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Section, BrokenYaml,
    testing::Values(
        BrokenConfig{"NoMap", "just text\n", 1, "expected a map of keys; got text"},
        BrokenConfig{"NoBlankAfterTheColon", "version: 1\nagent:\n  runtime_dir:/run/jeton\n", 3,
                     "agent: expected a map of keys; got text; a blank must follow the ':' of a key"},
        BrokenConfig{"RootIsAList", "- version: 1\n", 1,
                     "the document: expected a map of keys; got a list, whose items begin with '- '; write the keys, "
                     "such as version: and tokens:, without the '-'"},
        BrokenConfig{"TokensAreAList", "version: 1\ntokens:\n  - name: a\n", 3, "write each item as a key"},
        BrokenConfig{"TypographicQuotes", "version: 1\nagent: {runtime_dir: \u201C/run/jeton\u201D}\n", 2,
                     "begins or ends with a typographic quote"},
        BrokenConfig{"TypographicQuotesAroundAKey", "version: 1\n\u2018agent\u2019: {}\n", 2,
                     "begins or ends with a typographic quote"},
        BrokenConfig{"NoBreakSpace", "version: 1\nagent: {memory_lock: warn\u00A0}\n", 2, "a no-break space"},
        BrokenConfig{"Empty", "# nothing\n", 1, "missing required key 'version'"},
        BrokenConfig{"VersionMissing", "agent: {}\n", 1, "missing required key 'version'"},
        BrokenConfig{"VersionUnknown", "\n# next year\nversion: 2\n", 2, "does not know version 2"},
        BrokenConfig{"VersionIsText", "version: one\n", 1, "expected a whole number"},
        BrokenConfig{"NegativeVersion", "version: -1\n", 1, "expected a whole number"},
        BrokenConfig{"UnknownTopKey", "version: 1\ntoken: {}\n", 2, "unknown key 'token'; did you mean 'tokens'?"},
        BrokenConfig{"UnknownKeyNearNothing", "version: 1\nagent:\n  colour: red\n", 3, "known keys: runtime_dir, "},
        BrokenConfig{"SectionIsText", "version: 1\nagent: yes\n", 2, "agent: expected a map of keys; got text"},
        BrokenConfig{"SectionIsAList", "version: 1\nagent:\n  - log\n", 3, "agent: expected a map of keys; got a list"},
        BrokenConfig{"RelativeRuntimeDir", "version: 1\nagent: {runtime_dir: run}\n", 2, "absolute path"},
        BrokenConfig{"RuntimeDirClimbs", "version: 1\nagent: {runtime_dir: ../run}\n", 2, "absolute path"},
        BrokenConfig{"RuntimeDirIsRoot", "version: 1\nagent: {runtime_dir: /a/..}\n", 2, "absolute path"},
        BrokenConfig{
            "RuntimeDirTooLong",
            "version: 1\nagent:\n  runtime_dir: "
            "/run/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890\n",
            3, "longer than 90 bytes"},
        BrokenConfig{"EmptyText", "version: 1\nagent: {runtime_dir: ''}\n", 2, "agent.runtime_dir is empty"},
        BrokenConfig{"NullValue", "version: 1\nagent:\n  runtime_dir:\n  memory_lock: warn\n", 3, "got nothing"},
        BrokenConfig{"LineBreakInText", "version: 1\nagent: {runtime_dir: \"/run\\n/x\"}\n", 2, "line break"},
        BrokenConfig{"LogLevelMisspelt", "version: 1\nagent: {log: {level: inof}}\n", 2, "did you mean 'info'?"},
        BrokenConfig{"LogFormatUnknown", "version: 1\nagent: {log: {format: xml}}\n", 2,
                     "expected one of auto, text, json, journal"},
        BrokenConfig{"NoConnectionToAHost", "version: 1\nagent:\n  http: {connections_per_host: 0}\n", 3,
                     "agent.http.connections_per_host is out of range: 0 is not in 1 to 256"},
        BrokenConfig{"TooManyConnectionsToAHost", "version: 1\nagent:\n  http: {connections_per_host: 257}\n", 3,
                     "agent.http.connections_per_host is out of range: 257 is not in 1 to 256"},
        BrokenConfig{"ListenNamesAHost", "version: 1\nagent:\n  listen: localhost:9717\n", 3, "not a numeric address"},
        BrokenConfig{"ListenHasNoPort", "version: 1\nagent:\n  listen: 127.0.0.1\n", 3, "the port is missing"},
        BrokenConfig{"ListenHasAnImpossiblePort", "version: 1\nagent:\n  listen: 70000\n", 3,
                     "agent.listen: not a port between 1 and 65535"},
        BrokenConfig{"BooleanIsYes", "version: 1\nagent: {core_dumps: yes}\n", 2, "expected true or false; got 'yes'"},
        BrokenConfig{"BooleanInQuotes", "version: 1\nagent: {core_dumps: \"true\"}\n", 2, "expected true or false"},
        BrokenConfig{"BooleanIsAMap", "version: 1\nagent: {core_dumps: {}}\n", 2,
                     "expected true or false; got a map of keys"},
        BrokenConfig{"PolicyUnknown", "version: 1\nagent: {memory_lock: ignore}\n", 2, "expected one of warn, refuse"},
        BrokenConfig{"BackendUnknown", "version: 1\ncoordination: {backend: reddis}\n", 2, "did you mean 'redis'?"},
        BrokenConfig{"BackendWithoutSection", "version: 1\ncoordination: {backend: redis}\n", 2,
                     "backend redis needs coordination.redis.endpoint"},
        BrokenConfig{"PrefixWithBraces", "version: 1\ncoordination: {prefix: 'je{ton}'}\n", 2, "letters, digits"},
        BrokenConfig{"LockTtlTooShort", "version: 1\ncoordination: {lock: {ttl: 500ms}}\n", 2, "not in 1s to 10m"},
        BrokenConfig{"LockTtlTooLong", "version: 1\ncoordination: {lock: {ttl: 1h}}\n", 2, "not in 1s to 10m"},
        BrokenConfig{"DurationWithoutUnit", "version: 1\ncoordination: {lock: {ttl: 15}}\n", 2,
                     "expected a duration like 500ms, 30s, 5m, 24h or 7d; got '15'"},
        BrokenConfig{"DurationWithBadUnit", "version: 1\ncoordination: {lock: {ttl: 15sec}}\n", 2, "got '15sec'"},
        BrokenConfig{"DurationWithFraction", "version: 1\ncoordination: {lock: {ttl: 1.5s}}\n", 2, "got '1.5s'"},
        BrokenConfig{"DurationOverflows", "version: 1\ncoordination: {lock: {ttl: 99999999999999999999d}}\n", 2,
                     "expected a duration"},
        BrokenConfig{"DurationIsAList", "version: 1\ncoordination: {lock: {ttl: [1s]}}\n", 2,
                     "expected a duration like 500ms, 30s, 5m, 24h or 7d; got a list"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Redis, BrokenYaml,
    testing::Values(
        BrokenConfig{"EndpointMissing", R"(
version: 1
coordination:
  backend: redis
  redis:
    timeout: 1s
)",
                     4, "missing required key 'endpoint' in coordination.redis"},
        BrokenConfig{"EndpointMisspelt", R"(
version: 1
coordination:
  backend: redis
  redis:
    endpoint: redis://127.0.0.1
    endpont: redis://127.0.0.1
)",
                     6, "did you mean 'endpoint'?"},
        BrokenConfig{"TwoWaysToTheServer", R"(
version: 1
coordination:
  backend: redis
  redis:
    endpoint: redis://h
    cluster: {endpoints: ["redis://h"]}
)",
                     5, "exclude each other"},
        BrokenConfig{"SentinelWithoutMaster", R"(
version: 1
coordination:
  backend: redis
  redis:
    sentinel: {endpoints: ["redis://h:26379"]}
)",
                     5, "missing required key 'master'"},
        BrokenConfig{"TlsOnlyForSomeNodes", R"(
version: 1
coordination:
  backend: redis
  redis:
    cluster: {endpoints: ["redis://a", "rediss://b"]}
)",
                     5, "mixes redis:// and rediss://"},
        BrokenConfig{"TlsWithoutRediss", R"(
version: 1
coordination:
  backend: redis
  redis:
    endpoint: redis://h
    tls: {ca_file: PEM_FILE}
)",
                     6, "write rediss://"},
        BrokenConfig{"CertificateWithoutKey", R"(
version: 1
coordination: {backend: redis, redis: {endpoint: "rediss://h", tls: {cert_file: PEM_FILE}}}
)",
                     2, "cert_file and key_file go together"},
        BrokenConfig{"RedlockOfTwo", R"(
version: 1
coordination: {backend: redlock, redlock: {endpoints: ["redis://a", "redis://b"]}}
)",
                     2, "expected three servers or more"},
        BrokenConfig{"RedlockWithOneServerTwice", R"(
version: 1
coordination: {backend: redlock, redlock: {endpoints: ["redis://a", "redis://b", "redis://c", "redis://a:6379/0"]}}
)",
                     2, "lists redis://a:6379/0 twice"},
        BrokenConfig{"CertificateIsMissing", R"(
version: 1
coordination: {backend: redis, redis: {endpoint: "rediss://h", tls: {ca_file: /nonexistent/ca.pem}}}
)",
                     2, "/nonexistent/ca.pem: No such file"},
        BrokenConfig{"RedlockWithTwoDatabasesOfOneServer", R"(
version: 1
coordination: {backend: redlock, redlock: {endpoints: ["redis://a", "redis://b", "redis://c", "redis://a:6379/1"]}}
)",
                     2, "lists redis://a:6379/1 twice"},
        BrokenConfig{"MirrorInAnotherSlot", R"(
version: 1
coordination: {backend: redis, redis: {cluster: {endpoints: ["redis://h"]}}}
tokens:
  t: {source: {type: http, url: "https://h/"}, mirror_key: theirs}
)",
                     4, "must contain {t}"},
        BrokenConfig{"MirrorOverJetonsOwnKey", R"(
version: 1
coordination: {backend: redis, redis: {endpoint: "redis://h"}}
tokens:
  t: {source: {type: http, url: "https://h/"}, mirror_key: "jeton:{t}:pause"}
)",
                     4, "jeton's own keys"},
        BrokenConfig{"OneMirrorForTwoTokens", R"(
version: 1
coordination: {backend: redis, redis: {endpoint: "redis://h"}}
tokens:
  a: {source: {type: http, url: "https://h/"}, mirror_key: theirs}
  b: {source: {type: http, url: "https://h/"}, lock: {key: theirs}}
)",
                     5, "is already the key of tokens.a.mirror_key"},
        BrokenConfig{"LockOfATokenIsOneOfTheBroker", R"(
version: 1
coordination: {backend: redis, redis: {endpoint: "redis://h"}}
tokens:
  t: {source: {type: http, url: "https://h/"}, lock: {key: "jeton:lock:{nightly}"}}
)",
                     4, "jeton's own keys"},
        BrokenConfig{"LockOfATokenIsOneOfAPattern", R"(
version: 1
coordination: {backend: redis, redis: {endpoint: "redis://h"}}
tokens:
  t: {source: {type: http, url: "https://h/"}, lock: {key: "app:nightly:lock"}}
locks:
  "night*": {key: "app:*:lock"}
)",
                     6, "may be the same key as 'app:nightly:lock' of tokens.t.lock"},
        BrokenConfig{"KeyOfAPatternWithoutAStar", R"(
version: 1
coordination: {backend: redis, redis: {endpoint: "redis://h"}}
locks:
  "night*":
    max_ttl: 1h
    key: theirs
)",
                     6, "locks.night*.key: 'theirs' would be the key of every lock"},
        BrokenConfig{"LockOfATokenIsThatOfALock", R"(
version: 1
coordination: {backend: redis, redis: {endpoint: "redis://h"}}
tokens:
  t: {source: {type: http, url: "https://h/"}, lock: {key: theirs}}
locks:
  nightly: {key: theirs}
)",
                     6, "is already the key of tokens.t.lock.key"},
        BrokenConfig{"GetsetOverRedlock", R"(
version: 1
coordination: {backend: redlock, redlock: {endpoints: ["redis://a", "redis://b", "redis://c"]}}
tokens:
  t: {source: {type: http, url: "https://h/"}, lock: {key: theirs, protocol: getset}}
)",
                     4, "getset is for one server"},
        BrokenConfig{"SealWithoutKey", R"(
version: 1
coordination: {backend: redis, redis: {endpoint: "redis://h"}, seal: {key_files: []}}
)",
                     2, "jeton-agent keygen"},
        BrokenConfig{"SealKeyIsMissing", R"(
version: 1
coordination: {backend: redis, redis: {endpoint: "redis://h"}, seal: {key_files: [/nonexistent/seal.key]}}
)",
                     2, "No such file"},
        BrokenConfig{"SealKeyIsSomethingElse", R"(
version: 1
coordination: {backend: redis, redis: {endpoint: "redis://h"}, seal: {key_files: [/etc/hostname]}}
)",
                     2, "holds no seal key"},
        BrokenConfig{"FetchAloneSometimes", R"(
version: 1
coordination: {backend: redis, redis: {endpoint: "redis://h"}, outage: {fetch_alone: sometimes}}
)",
                     2, "expected a duration"},
        BrokenConfig{"NoScheme", "version: 1\ncoordination: {backend: redis, redis: {endpoint: 'localhost:6379'}}\n", 2,
                     "expected redis://host:port/db"},
        BrokenConfig{"PasswordInUrl", R"(
version: 1
coordination:
  backend: redis
  redis:
    endpoint: redis://:hunter2@redis.example/0
)",
                     5, "use coordination.redis.username and coordination.redis.password"},
        BrokenConfig{"BadPort", "version: 1\ncoordination: {backend: redis, redis: {endpoint: 'redis://h:70000'}}\n", 2,
                     "port between 1 and 65535"},
        BrokenConfig{"BadDatabase", "version: 1\ncoordination: {backend: redis, redis: {endpoint: 'redis://h/x'}}\n", 2,
                     "database number"},
        BrokenConfig{"BareIpv6", "version: 1\ncoordination: {backend: redis, redis: {endpoint: 'redis://::1/0'}}\n", 2,
                     "in brackets"},
        BrokenConfig{"RelativeSocket",
                     "version: 1\ncoordination: {backend: redis, redis: {endpoint: 'unix://run/r'}}\n", 2,
                     "must be absolute"},
        BrokenConfig{"SocketOption",
                     "version: 1\ncoordination: {backend: redis, redis: {endpoint: 'unix:///run/r?database=1'}}\n", 2,
                     "only db=NUMBER"},
        BrokenConfig{"UserWithoutPassword", R"(
version: 1
coordination:
  backend: redis
  redis:
    endpoint: redis://h
    username: jeton
)",
                     6, "without coordination.redis.password"},
        BrokenConfig{"TimeoutAboveTtl", R"(
version: 1
coordination:
  backend: redis
  redis: {endpoint: redis://h, timeout: 5s}
  lock: {ttl: 2s}
)",
                     5, "must be longer than coordination.redis.timeout (5s)"}),
    name_of);

}  // namespace
}  // namespace jeton::test
