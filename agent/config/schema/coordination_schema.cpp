// coordination: the backend of the fleet.
#include <algorithm>
#include <chrono>

#include "agent/base/ascii.hpp"
#include "agent/config/schema/schema.hpp"
#include "agent/config/text/values.hpp"

namespace jeton::agent {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t max_prefix = 64;
constexpr std::uint64_t max_replicas_acked = 16;
constexpr std::size_t min_redlock_servers = 3;

bool is_key_prefix(const std::string& text) {
  return text.size() <= max_prefix && std::all_of(text.begin(), text.end(), [](char c) {
           return is_ascii_alphanumeric(c) || c == '.' || c == '_' || c == ':' || c == '-';
         });
}

// The same server, whatever the database.
bool is_same_server(const RedisEndpoint& a, RedisEndpoint b) {
  b.database = a.database;
  return a == b;
}

// Several servers: over TCP, since each may be on another host, and all with TLS or none.
std::vector<RedisEndpoint> read_endpoints(const ValueReader& value, bool tcp_only) {
  std::vector<RedisEndpoint> endpoints;
  for (const std::string& text : value.list()) {
    const auto endpoint = value.parsed(text, RedisEndpoint::parse);
    if (!endpoint) continue;
    if (tcp_only && endpoint->kind != RedisEndpoint::Kind::tcp) {
      value.refuse(": a unix socket is not allowed here; expected redis://host:port or rediss://host:port");
    } else if (tcp_only && endpoint->database != 0) {
      value.refuse(": a database number is not allowed here");
    } else if (std::any_of(endpoints.begin(), endpoints.end(),
                           [&](const RedisEndpoint& other) { return is_same_server(other, *endpoint); })) {
      value.refuse(" lists " + endpoint->display() + " twice");
    } else if (tcp_only && !endpoints.empty() && endpoints.front().tls != endpoint->tls) {
      value.refuse(" mixes redis:// and rediss://; all servers use TLS or none does");
    } else {
      endpoints.push_back(*endpoint);
    }
  }
  const Node* node = value.raw();
  if (node != nullptr && node->kind == Node::Kind::sequence && node->items.empty()) {
    value.refuse(" lists no server");
  }
  return endpoints;
}

// Both or none; a user goes with a password only. An empty one is none: a template of a deployment may have no value.
void read_login(const ValueReader& username, const ValueReader& password, SecretTemplate& user, SecretTemplate& word) {
  assign(user, username.secret(SecretUse::credential));
  assign(word, password.secret(SecretUse::credential));
  if (username.present() && !password.present()) {
    username.refuse(" without " + password.path() + "; Redis takes a user only with a password");
  }
}

// The keys of the connections to `servers`. The caller calls finish() of the section.
RedisAccessConfig read_access(ObjectReader& section, const std::vector<RedisEndpoint>& servers) {
  RedisAccessConfig access;
  read_login(section.at("username"), section.at("password"), access.username, access.password);
  const ValueReader tls = section.at("tls");
  ObjectReader keys = tls.object();
  access.tls = {read_client_tls(keys), {}};
  assign(access.tls.server_name, keys.at("server_name").text());
  keys.finish();
  assign(access.timeout, section.at("timeout").duration(10ms, 30s));
  const bool any_tls = std::any_of(servers.begin(), servers.end(), [](const RedisEndpoint& e) { return e.tls; });
  if (access.tls != TlsConfig{} && !any_tls) {
    tls.refuse(" is not used: no endpoint is rediss://; write rediss:// to use TLS");
  }
  return access;
}

RedisSentinelConfig read_sentinel(ObjectReader sentinel) {
  RedisSentinelConfig config;
  assign(config.master, sentinel.required("master").text());
  config.endpoints = read_endpoints(sentinel.required("endpoints"), true);
  if (const auto database = sentinel.at("database").integer(0, max_redis_database)) {
    config.database = static_cast<int>(*database);
  }
  read_login(sentinel.at("username"), sentinel.at("password"), config.username, config.password);
  sentinel.finish();
  return config;
}

RedisClusterConfig read_cluster(ObjectReader cluster) {
  RedisClusterConfig config;
  config.endpoints = read_endpoints(cluster.required("endpoints"), true);
  cluster.finish();
  return config;
}

RedisConfig read_redis(ObjectReader redis, const ValueReader& section) {
  RedisConfig config;
  const ValueReader sentinel = redis.at("sentinel");
  const ValueReader cluster = redis.at("cluster");
  const bool one_server = !sentinel.present() && !cluster.present();
  const ValueReader endpoint = one_server ? redis.required("endpoint") : redis.at("endpoint");
  std::vector<RedisEndpoint> servers;
  if (const auto text = endpoint.text()) {
    if (const auto parsed = endpoint.parsed(*text, RedisEndpoint::parse)) {
      config.servers = *parsed;
      servers = {*parsed};
    }
  }
  const RedisSentinelConfig sentinels = read_sentinel(sentinel.object());
  const RedisClusterConfig nodes = read_cluster(cluster.object());
  if (sentinel.present()) {
    config.servers = sentinels;
    servers = sentinels.endpoints;
  }
  if (cluster.present()) {
    config.servers = nodes;
    servers = nodes.endpoints;
  }
  const int ways = int{endpoint.present()} + int{sentinel.present()} + int{cluster.present()};
  if (ways > 1) {
    section.error("coordination.redis: endpoint, sentinel and cluster exclude each other; keep one");
  }
  config.access = read_access(redis, servers);
  if (const auto replicas = redis.at("replicas_acked").integer(0, max_replicas_acked)) {
    config.replicas_acked = static_cast<int>(*replicas);
    if (*replicas > 0 && cluster.present()) {
      section.error(
          "coordination.redis.replicas_acked is not for a Cluster; use min-replicas-to-write of Redis itself");
    }
  }
  redis.finish();
  return config;
}

RedlockConfig read_redlock(ObjectReader redlock) {
  RedlockConfig config;
  const ValueReader endpoints = redlock.required("endpoints");
  config.endpoints = read_endpoints(endpoints, false);
  if (endpoints.present() && config.endpoints.size() < min_redlock_servers) {
    endpoints.refuse(": expected three servers or more, each independent of the others");
  } else if (config.endpoints.size() % 2 == 0 && endpoints.present()) {
    endpoints.warn(": an even number of servers survives no more failures than one less");
  }
  config.access = read_access(redlock, config.endpoints);
  redlock.finish();
  return config;
}

void check_lock_ttl(Milliseconds lock_ttl, Milliseconds timeout, const ValueReader& ttl, const ValueReader& section) {
  if (timeout < lock_ttl) return;
  (ttl.present() ? ttl : section)
      .error("coordination.lock.ttl (" + format_duration(lock_ttl) + ") must be longer than " + section.path() +
             ".timeout (" + format_duration(timeout) + ")");
}

std::vector<SecretTemplate> read_seal(ObjectReader seal) {
  std::vector<SecretTemplate> keys;
  const ValueReader key_files = seal.required("key_files");
  const std::vector<std::string> files = key_files.list();
  for (const std::string& file : files) {
    const std::string text = file.starts_with("${") ? file : "${file:" + file + "}";
    if (auto key = key_files.parsed(text, SecretTemplate::parse)) {
      key_files.refer(*key, SecretUse::seal_key);
      keys.push_back(std::move(*key));
    }
  }
  if (key_files.present() && files.empty()) {
    key_files.refuse(" names no file; make one with jeton-agent keygen");
  }
  seal.finish();
  return keys;
}

// "never" or a time before the expiry.
std::optional<Milliseconds> read_outage(ObjectReader outage) {
  const ValueReader value = outage.at("fetch_alone");
  std::optional<Milliseconds> fetch_alone;
  const Node* node = value.raw();
  if (node != nullptr && !(node->kind == Node::Kind::scalar && node->scalar == "never")) {
    fetch_alone = value.duration(100ms, 24h);
  }
  outage.finish();
  return fetch_alone;
}

}  // namespace

CoordinationConfig read_coordination(ObjectReader coordination) {
  using Backend = CoordinationConfig::Backend;
  CoordinationConfig config;
  const ValueReader backend = coordination.at("backend");
  assign(config.backend, backend.choice<Backend>(
                             {{"local", Backend::local}, {"redis", Backend::redis}, {"redlock", Backend::redlock}}));

  const ValueReader prefix = coordination.at("prefix");
  if (const auto text = prefix.text()) {
    if (is_key_prefix(*text)) {
      config.prefix = *text;
    } else {
      prefix.refuse(": expected at most 64 letters, digits and . _ : -; got " + in_quotes(*text));
    }
  }

  const ValueReader redis = coordination.at("redis");
  const ValueReader redlock = coordination.at("redlock");
  const RedisConfig redis_config = read_redis(redis.object(), redis);
  const RedlockConfig redlock_config = read_redlock(redlock.object());
  if (config.backend == Backend::redis) {
    if (!redis.present()) backend.error("backend redis needs coordination.redis.endpoint");
    config.redis = redis_config;
  } else if (redis.present()) {
    redis.warning("coordination.redis is not used: coordination.backend is " +
                  std::string(config.backend == Backend::local ? "local, so this host does not coordinate with others"
                                                               : "redlock"));
  }
  if (config.backend == Backend::redlock) {
    if (!redlock.present()) backend.error("backend redlock needs coordination.redlock.endpoints");
    config.redlock = redlock_config;
  } else if (redlock.present()) {
    redlock.warning("coordination.redlock is not used: coordination.backend is not redlock");
  }

  ObjectReader lock = coordination.at("lock").object();
  const ValueReader ttl = lock.at("ttl");
  assign(config.lock_ttl, ttl.duration(1s, 10min));
  lock.finish();
  if (config.redis) check_lock_ttl(config.lock_ttl, config.redis->access.timeout, ttl, redis);
  if (config.redlock) check_lock_ttl(config.lock_ttl, config.redlock->access.timeout, ttl, redlock);

  const ValueReader seal = coordination.at("seal");
  config.seal_keys = read_seal(seal.object());
  const ValueReader outage = coordination.at("outage");
  config.fetch_alone = read_outage(outage.object());
  if (config.backend == Backend::local) {
    if (outage.present()) outage.warning("coordination.outage is not used: backend local has no outage");
    config.fetch_alone.reset();
  }
  coordination.finish();
  return config;
}

}  // namespace jeton::agent
