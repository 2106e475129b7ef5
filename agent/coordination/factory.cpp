#include "agent/coordination/factory.hpp"

#include "agent/coordination/local_coordinator.hpp"
#include "agent/coordination/redis_coordinator.hpp"

namespace jeton::agent {
namespace {

redis::ConnectOptions connect_options(const RedisConfig& config) {
  redis::ConnectOptions options;
  const RedisEndpoint& endpoint = config.endpoint;
  options.kind = endpoint.kind == RedisEndpoint::Kind::unix_socket ? redis::ConnectOptions::Kind::unix_socket
                                                                   : redis::ConnectOptions::Kind::tcp;
  options.host = endpoint.host;
  options.port = endpoint.port;
  options.path = endpoint.path;
  options.database = endpoint.database;
  options.username = [reference = config.username] { return reference.resolve(); };
  options.password = [reference = config.password] { return reference.resolve(); };
  options.client_name = "jeton-agent";
  options.timeout = config.timeout;
  return options;
}

}  // namespace

std::unique_ptr<Coordinator> make_coordinator(const CoordinationConfig& config,
                                              const std::filesystem::path& runtime_dir, Timers& timers,
                                              Random& random) {
  if (config.backend == CoordinationConfig::Backend::redis) {
    RedisCoordinatorOptions options;
    options.connection = connect_options(config.redis.value());
    options.prefix = config.prefix;
    return std::make_unique<RedisCoordinator>(timers, random, std::move(options));
  }
  return std::make_unique<LocalCoordinator>(timers, random, runtime_dir / "coordination");
}

}  // namespace jeton::agent
