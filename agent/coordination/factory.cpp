#include "agent/coordination/factory.hpp"

#include "agent/coordination/local_coordinator.hpp"
#include "agent/coordination/redis_coordinator.hpp"

namespace jeton::agent {
namespace {

redis::Address address_of(const RedisEndpoint& endpoint) {
  redis::Address address;
  address.kind =
      endpoint.kind == RedisEndpoint::Kind::unix_socket ? redis::Address::Kind::unix_socket : redis::Address::Kind::tcp;
  address.host = endpoint.host;
  address.port = endpoint.port;
  address.tls = endpoint.tls;
  address.path = endpoint.path;
  return address;
}

redis::ConnectOptions connect_options(const RedisAccessConfig& access) {
  redis::ConnectOptions options;
  options.username = [reference = access.username] { return reference.resolve(); };
  options.password = [reference = access.password] { return reference.resolve(); };
  options.client_name = "jeton-agent";
  options.timeout = access.timeout;
  return options;
}

FleetCodec make_codec(const CoordinationConfig& config) {
  if (config.seal_keys.empty()) return FleetCodec();
  std::vector<SecretString> keys;
  for (const SecretTemplate& key : config.seal_keys) keys.push_back(key.resolve());
  return FleetCodec(std::make_shared<const Seal>(keys));
}

std::unique_ptr<Coordinator> make_redis(const CoordinationConfig& config, Timers& timers, Random& random) {
  const RedisConfig& redis = config.redis.value();
  RedisCoordinatorOptions options;
  options.prefix = config.prefix;
  options.codec = make_codec(config);
  options.connection = connect_options(redis.access);
  if (const auto* endpoint = std::get_if<RedisEndpoint>(&redis.servers)) {
    options.connection.address = address_of(*endpoint);
    options.connection.database = endpoint->database;
  }
  return std::make_unique<RedisCoordinator>(timers, random, std::move(options));
}

}  // namespace

std::unique_ptr<Coordinator> make_coordinator(const CoordinationConfig& config,
                                              const std::filesystem::path& runtime_dir, Timers& timers,
                                              Random& random) {
  if (config.backend == CoordinationConfig::Backend::redis) {
    return make_redis(config, timers, random);
  }
  return std::make_unique<LocalCoordinator>(timers, random, runtime_dir / "coordination");
}

std::unique_ptr<Coordinator> make_alone_coordinator(const CoordinationConfig& config,
                                                    const std::filesystem::path& runtime_dir, Timers& timers,
                                                    Random& random) {
  if (!config.fetch_alone) return nullptr;
  return std::make_unique<LocalCoordinator>(timers, random, runtime_dir / "coordination");
}

}  // namespace jeton::agent
