#include "agent/config/model/config.hpp"

#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/config/text/http_url.hpp"
#include "agent/config/text/values.hpp"

namespace jeton::agent {

namespace {

constexpr std::uint16_t redis_port = 6379;
constexpr std::size_t max_socket_path = 107;  // sun_path without its NUL

int parse_database(std::string_view text) {
  const auto number = parse_unsigned(text);
  if (!number || *number > max_redis_database) throw Error("not a database number between 0 and 65535");
  return static_cast<int>(*number);
}

RedisEndpoint parse_unix(std::string_view text) {
  RedisEndpoint endpoint;
  endpoint.kind = RedisEndpoint::Kind::unix_socket;
  const std::size_t question = text.find('?');
  endpoint.path = std::string(text.substr(0, question));
  if (!endpoint.path.starts_with('/')) {
    throw Error("the path of the socket must be absolute, as in unix:///run/redis/redis.sock?db=0");
  }
  if (endpoint.path.size() > max_socket_path) throw Error("the path of the socket is longer than 107 bytes");
  if (question == std::string_view::npos) return endpoint;
  const std::string_view query = text.substr(question + 1);
  if (!query.starts_with("db=")) throw Error("unknown option after '?'; only db=NUMBER is known");
  endpoint.database = parse_database(query.substr(3));
  return endpoint;
}

RedisEndpoint parse_tcp(std::string_view text) {
  RedisEndpoint endpoint;
  if (text.find_first_of("?#") != std::string_view::npos) {
    throw Error("nothing may follow the database number, as in redis://host:6379/0");
  }
  const std::size_t slash = std::min(text.find('/'), text.size());
  const HostPort where = parse_host_port(text.substr(0, slash), redis_port);
  endpoint.host = where.host;
  endpoint.port = where.port;
  if (slash + 1 < text.size()) endpoint.database = parse_database(text.substr(slash + 1));
  return endpoint;
}

}  // namespace

RedisEndpoint RedisEndpoint::parse(std::string_view text) {
  const std::size_t slashes = text.find("://");
  const std::string_view scheme = text.substr(0, slashes == std::string_view::npos ? 0 : slashes);
  const bool socket = scheme == "unix";
  if (!socket && scheme != "redis" && scheme != "rediss") {
    throw Error("not an endpoint; expected redis://host:port/db, rediss://host:port/db or unix:///path?db=0");
  }
  text.remove_prefix(slashes + 3);
  if (socket) return parse_unix(text);
  if (text.find('@') != std::string_view::npos) {
    throw Error("a user or password in the URL; use coordination.redis.username and coordination.redis.password");
  }
  RedisEndpoint endpoint = parse_tcp(text);
  endpoint.tls = scheme == "rediss";
  return endpoint;
}

std::string RedisEndpoint::display() const {
  if (kind == Kind::unix_socket) return "unix://" + path + "?db=" + std::to_string(database);
  return (tls ? "rediss://" : "redis://") + bracketed(host) + ":" + std::to_string(port) + "/" +
         std::to_string(database);
}

std::string RedisConfig::display() const {
  if (const auto* endpoint = std::get_if<RedisEndpoint>(&servers)) return endpoint->display();
  if (const auto* sentinel = std::get_if<RedisSentinelConfig>(&servers)) {
    return "the primary " + sentinel->master + " of " + std::to_string(sentinel->endpoints.size()) + " sentinels";
  }
  const auto& nodes = std::get<RedisClusterConfig>(servers).endpoints;
  return "the Cluster of " + (nodes.empty() ? "" : nodes.front().display());
}

}  // namespace jeton::agent
