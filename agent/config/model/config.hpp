// The configuration as the rest of the agent sees it: parsed, validated, defaults filled in, immutable.
// config/agent.yaml explains every key of its text form. Compared with == at reload.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/base/environment.hpp"
#include "agent/base/log.hpp"
#include "agent/base/time.hpp"
#include "agent/config/model/sources/source_config.hpp"
#include "agent/config/secrets/secret_template.hpp"
#include "agent/config/text/http_url.hpp"
#include "agent/config/text/output_template.hpp"

namespace jeton::agent {

// The reaction to a protection that is not available (mlock limit, runtime_dir not on tmpfs).
enum class Policy { warn, refuse };

struct AccessConfig {
  std::vector<std::string> users;
  std::vector<std::string> groups;
  bool operator==(const AccessConfig&) const = default;
};

struct LogConfig {
  log::Level level = log::Level::info;
  log::Format format = log::Format::automatic;
  bool operator==(const LogConfig&) const = default;
};

struct AgentConfig {
  std::filesystem::path runtime_dir = "/run/jeton";
  LogConfig log;
  Policy memory_lock = Policy::warn;  // agent.memory_lock: segments cannot be locked into memory
  Policy disk_backed = Policy::warn;  // agent.disk_backed: runtime_dir is not on tmpfs
  AccessConfig admins;                // agent.admins: may ask for refreshes; root and the agent's own user always may
  std::filesystem::path state_dir;    // agent.state_dir; empty: $STATE_DIRECTORY, or /var/lib/jeton
  bool core_dumps = false;            // agent.core_dumps: allow them; they hold no heap and no stack
  std::size_t connections_per_host = 32;  // agent.http.connections_per_host, by scheme, host and port
  std::optional<ListenAddress> listen;    // agent.listen: metrics and health over TCP; none: on the socket only
  bool operator==(const AgentConfig&) const = default;
};

// agent.state_dir, or else $STATE_DIRECTORY, as systemd sets it, or /var/lib/jeton.
[[nodiscard]] inline std::filesystem::path state_dir_of(const AgentConfig& config) {
  if (!config.state_dir.empty()) return config.state_dir;
  const char* const of_unit = environment_variable("STATE_DIRECTORY");
  return of_unit != nullptr && *of_unit != '\0' ? of_unit : "/var/lib/jeton";
}

// Redis numbers its databases from 0; a server may have fewer.
constexpr std::uint64_t max_redis_database = 65'535;

struct RedisEndpoint {
  enum class Kind { tcp, unix_socket };
  Kind kind = Kind::tcp;
  std::string host;  // tcp; IPv6 without brackets
  std::uint16_t port = 6379;
  bool tls = false;  // tcp: rediss://
  std::string path;  // unix_socket
  int database = 0;
  // "redis://host:port/db", "rediss://host", "redis://[::1]", "unix:///path?db=0". Throws Error that does not show the
  // text.
  [[nodiscard]] static RedisEndpoint parse(std::string_view text);
  [[nodiscard]] std::string display() const;  // redis://host:port/db, rediss://... or unix:///path?db=0
  bool operator==(const RedisEndpoint&) const = default;
};

// Connections to Redis: the address of a server may not be a name in its certificate.
struct TlsConfig : ClientTlsConfig {
  std::string server_name;  // for SNI and the check of the certificate; empty: the host of the endpoint
  bool operator==(const TlsConfig&) const = default;
};

// Credentials and TLS of the connections; the same for every server of a backend.
struct RedisAccessConfig {
  SecretTemplate username;  // empty: none (AUTH password only)
  SecretTemplate password;  // empty: no AUTH
  TlsConfig tls;
  Milliseconds timeout{500};  // connect and every command
  bool operator==(const RedisAccessConfig&) const = default;
};

struct RedisSentinelConfig {
  std::string master;                    // the name the sentinels know it by
  std::vector<RedisEndpoint> endpoints;  // of the sentinels, all with TLS or none; the servers likewise
  int database = 0;
  SecretTemplate username;  // for the sentinels themselves
  SecretTemplate password;
  bool operator==(const RedisSentinelConfig&) const = default;
};

struct RedisClusterConfig {
  std::vector<RedisEndpoint> endpoints;  // where to ask first, all with TLS or none; the other nodes are learnt
  bool operator==(const RedisClusterConfig&) const = default;
};

struct RedisConfig {
  std::variant<RedisEndpoint, RedisSentinelConfig, RedisClusterConfig> servers;
  RedisAccessConfig access;
  int replicas_acked = 0;                     // a publication and a lock count only when so many replicas have them
  [[nodiscard]] std::string display() const;  // for an operator; no password
  bool operator==(const RedisConfig&) const = default;
};

struct RedlockConfig {
  std::vector<RedisEndpoint> endpoints;  // independent servers, an odd number, none twice
  RedisAccessConfig access;
  bool operator==(const RedlockConfig&) const = default;
};

struct CoordinationConfig {
  enum class Backend { local, redis, redlock };
  Backend backend = Backend::local;
  std::string prefix = "jeton";
  std::optional<RedisConfig> redis;       // set if backend is redis
  std::optional<RedlockConfig> redlock;   // set if backend is redlock
  std::vector<SecretTemplate> seal_keys;  // empty: records are not sealed; the first seals, all open
  Milliseconds lock_ttl{15'000};
  std::optional<Milliseconds> fetch_alone;  // so long before expiry this host fetches without the coordinator
  bool operator==(const CoordinationConfig&) const = default;
};

struct RefreshConfig {
  std::optional<Milliseconds> grace;        // default min(300 s, 20 % of the lifetime)
  std::optional<Milliseconds> spread;       // default min(10 s, grace / 4)
  Milliseconds min_interval{1'000};         // between the starts of two fetches in the fleet
  Milliseconds overlap{0};                  // the previous token stays acceptable so long
  Milliseconds retry_initial{1'000};        // upper bound of the first backoff after a transient failure
  Milliseconds retry_max{60'000};           // upper bound of every one
  Milliseconds retry_permanent{300'000};    // pause after a permanent failure
  Milliseconds retry_after_max{3'600'000};  // so much of a Retry-After is obeyed
  bool operator==(const RefreshConfig&) const = default;
};

struct BudgetConfig {
  std::uint64_t calls = 0;  // 0: unlimited
  Milliseconds per{86'400'000};
  std::uint64_t reserve = 0;  // of these, kept for forced refreshes
  std::uint64_t alone = 1;    // calls in a window that this host may make in standalone mode (outage.fetch_alone)
  bool operator==(const BudgetConfig&) const = default;
};

// The updater lock as other clients know it, so that they and jeton exclude each other.
struct TokenLockConfig {
  enum class Protocol {
    set_nx,  // SET NX PX, value = owner: jeton, redis-py, bsm/redislock, redsync, node-redlock
    getset   // SETNX, GET, GETSET, value = expiry in unix seconds
  };
  std::string key;  // empty: jeton's own, PREFIX:{NAME}:updater
  Protocol protocol = Protocol::set_nx;
  bool operator==(const TokenLockConfig&) const = default;
};

struct CommandHook {
  std::vector<std::string> argv;
  bool operator==(const CommandHook&) const = default;
};
struct ReloadHook {
  std::string unit;  // of systemd
  bool operator==(const ReloadHook&) const = default;
};
struct SignalHook {
  std::filesystem::path pid_file;
  int number = 0;
  std::string name;  // HUP
  bool operator==(const SignalHook&) const = default;
};

// tokens.NAME.outputs.on_change
struct HookConfig {
  std::variant<CommandHook, ReloadHook, SignalHook> action;
  Milliseconds timeout{30'000};
  Milliseconds min_interval{10'000};  // between the starts of two runs
  bool operator==(const HookConfig&) const = default;
};

// One item of tokens.NAME.outputs
struct OutputConfig {
  std::filesystem::path path;  // absolute
  OutputTemplate content;
  mode_t mode = 0600;
  std::string owner;            // empty: the agent's user
  std::string group;            // empty: the agent's, or that of a directory with the set-group-ID bit
  bool remove_expired = false;  // on_expiry: remove
  std::optional<HookConfig> on_change;
  bool operator==(const OutputConfig&) const = default;
};

// The hosts that share a token.
enum class Scope {
  fleet,  // one for all hosts, agreed through the coordinator
  host    // each host has its own
};

struct TokenConfig {
  std::string name;
  Scope scope = Scope::fleet;
  SourceConfig source;
  RefreshConfig refresh;
  BudgetConfig budget;
  AccessConfig access;
  TokenLockConfig lock;
  std::string mirror_key;           // empty: none; the bare value is also SET under this key
  std::size_t capacity = 8 * 1024;  // bytes of the token value
  std::set<std::string> uses;       // the tokens its source refers to: ${token:NAME}
  std::vector<OutputConfig> outputs;
  bool operator==(const TokenConfig&) const = default;
};

// The users of this host that may take the locks whose names match a pattern, and for how long.
struct LockRuleConfig {
  std::string pattern;  // '*' matches any characters
  AccessConfig access;
  Milliseconds max_ttl{3'600'000};
  bool outlives_agent = false;  // when_agent_stops: keep
  TokenLockConfig terms;        // '*' in its key is replaced by the name of the lock; key empty: PREFIX:lock:{NAME}
  bool operator==(const LockRuleConfig&) const = default;
};

struct Config {
  AgentConfig agent;
  CoordinationConfig coordination;
  std::map<std::string, TokenConfig> tokens;
  std::map<std::string, LockRuleConfig> locks;  // by pattern
  bool operator==(const Config&) const = default;
};

}  // namespace jeton::agent
