#include "agent/fleet/backend/factory.hpp"

#include "agent/fleet/local/local_backend.hpp"
#include "agent/fleet/redis/client/cluster_runner.hpp"
#include "agent/fleet/redis/client/sentinel_resolver.hpp"
#include "agent/fleet/redis/redis_backend.hpp"
#include "agent/fleet/redlock/redlock_backend.hpp"

namespace jeton::agent {
namespace {

redis::Address address_of(const RedisEndpoint& endpoint) {
  const bool local = endpoint.kind == RedisEndpoint::Kind::unix_socket;
  return {.kind = local ? redis::Address::Kind::unix_socket : redis::Address::Kind::tcp,
          .host = endpoint.host,
          .port = endpoint.port,
          .tls = endpoint.tls,
          .path = endpoint.path};
}

redis::TlsOptions tls_options(const TlsConfig& config) {
  return {.ca_file = config.ca_file.string(),
          .cert_file = config.cert_file.string(),
          .key_file = config.key_file.string(),
          .server_name = config.server_name};
}

redis::ConnectOptions connect_options(const RedisAccessConfig& access, std::shared_ptr<ConnectionTally> tally) {
  redis::ConnectOptions options;
  options.tls = tls_options(access.tls);
  options.username = [reference = access.username] { return reference.resolve(); };
  options.password = [reference = access.password] { return reference.resolve(); };
  options.client_name = "jeton-agent";
  options.timeout = access.timeout;
  options.tally = std::move(tally);
  return options;
}

std::shared_ptr<redis::EndpointResolver> sentinel_resolver(const RedisSentinelConfig& config, const TlsConfig& tls,
                                                           Timers& timers, Random& random) {
  redis::SentinelOptions options;
  options.master = config.master;
  for (const RedisEndpoint& endpoint : config.endpoints) options.sentinels.push_back(address_of(endpoint));
  options.tls = tls_options(tls);
  options.username = [reference = config.username] { return reference.resolve(); };
  options.password = [reference = config.password] { return reference.resolve(); };
  return std::make_shared<redis::SentinelResolver>(timers, random, std::move(options));
}

// Commands go to the node that holds the key, messages come from any; the node of a key says when the key is lost.
void use_cluster(RedisOptions& options, const RedisClusterConfig& config, Timers& timers, Random& random) {
  redis::ClusterOptions cluster_options;
  for (const RedisEndpoint& endpoint : config.endpoints) cluster_options.endpoints.push_back(address_of(endpoint));
  options.connection.in_cluster = true;
  cluster_options.connection = options.connection;
  options.connection.address = cluster_options.endpoints.at(0);
  const auto cluster = std::make_shared<redis::Cluster>(timers, random, std::move(cluster_options));
  options.connection.endpoint_resolver = std::make_shared<redis::ClusterResolver>(cluster);
  options.runner = std::make_shared<redis::ClusterRunner>(cluster);
  options.cluster = cluster;
}

RedisOptions redis_options(const CoordinationConfig& config, const std::shared_ptr<ConnectionTally>& tally,
                           Timers& timers, Random& random) {
  const RedisConfig& redis = config.redis.value();
  RedisOptions options;
  options.prefix = config.prefix;
  options.codec = make_codec(config);
  options.replicas_acked = redis.replicas_acked;
  options.connection = connect_options(redis.access, tally);
  if (const auto* endpoint = std::get_if<RedisEndpoint>(&redis.servers)) {
    options.connection.address = address_of(*endpoint);
    options.connection.database = endpoint->database;
  } else if (const auto* sentinel = std::get_if<RedisSentinelConfig>(&redis.servers)) {
    // One for both connections: if one has learnt of a failover, the other need not ask again.
    options.connection.endpoint_resolver = sentinel_resolver(*sentinel, redis.access.tls, timers, random);
    options.connection.database = sentinel->database;
  } else if (const auto* cluster = std::get_if<RedisClusterConfig>(&redis.servers)) {
    use_cluster(options, *cluster, timers, random);
  }
  return options;
}

RedlockOptions redlock_options(const CoordinationConfig& config, const std::shared_ptr<ConnectionTally>& tally) {
  const RedlockConfig& redlock = config.redlock.value();
  RedlockOptions options;
  options.prefix = config.prefix;
  options.codec = make_codec(config);
  for (const RedisEndpoint& endpoint : redlock.endpoints) {
    options.servers.push_back(connect_options(redlock.access, tally));
    options.servers.back().address = address_of(endpoint);
    options.servers.back().database = endpoint.database;
  }
  return options;
}

}  // namespace

Backends make_backends(const CoordinationConfig& config, const std::filesystem::path& runtime_dir, Timers& timers,
                       Random& random) {
  const auto tally = std::make_shared<ConnectionTally>();
  Backends made;
  switch (config.backend) {
    case CoordinationConfig::Backend::redis:
      made = make_redis_backends(timers, random, redis_options(config, tally, timers, random));
      break;
    case CoordinationConfig::Backend::redlock:
      made = make_redlock_backends(timers, random, redlock_options(config, tally));
      break;
    case CoordinationConfig::Backend::local:
      return {make_local_coordinator(timers, random, runtime_dir / "coordination"),
              make_local_lock_store(timers, runtime_dir / "locks")};
  }
  made.connections = tally;
  return made;
}

FleetCodec make_codec(const CoordinationConfig& config) {
  if (config.seal_keys.empty()) return FleetCodec();
  std::vector<SecretString> keys;
  for (const SecretTemplate& key : config.seal_keys) keys.push_back(key.resolve());
  return FleetCodec(std::make_shared<const Seal>(keys));
}

std::unique_ptr<Coordinator> make_host_coordinator(const CoordinationConfig& config,
                                                   const std::filesystem::path& runtime_dir, Timers& timers,
                                                   Random& random) {
  if (config.backend == CoordinationConfig::Backend::local) return nullptr;
  return make_local_coordinator(timers, random, runtime_dir / "coordination");
}

}  // namespace jeton::agent
