#include "tests/support/redis_server.hpp"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

#include "tests/support/eventually.hpp"
#include "tests/support/redis_command.hpp"

namespace jeton::test {

std::string redis_server_program() {
  const char* chosen = std::getenv("JETON_TEST_REDIS_SERVER");
  return chosen == nullptr || *chosen == '\0' ? "redis-server" : chosen;
}

std::string redis_cli_program() {
  std::string program = redis_server_program();
  constexpr std::string_view ending = "-server";
  if (!program.ends_with(ending))
    throw std::runtime_error("JETON_TEST_REDIS_SERVER does not end in -server: " + program);
  return program.replace(program.size() - ending.size(), ending.size(), "-cli");
}

std::vector<std::string> ServerTls::arguments() const {
  return {"--tls-ca-cert-file", ca_file, "--tls-cert-file",   cert_file, "--tls-key-file", key_file,
          "--tls-auth-clients", "no",    "--tls-replication", "yes",     "--tls-cluster",  "yes"};
}

RedisServer::RedisServer(std::vector<std::string> extra, std::map<std::string, std::string> env,
                         std::optional<ServerTls> tls)
    : extra_(std::move(extra)), tls_(std::move(tls)) {
  options_.env = std::move(env);
  const auto password = std::find(extra_.begin(), extra_.end(), "--requirepass");
  if (password != extra_.end()) password_ = *std::next(password);
  start();
}

void RedisServer::start(const std::vector<std::string>& more) {
  const std::string port = std::to_string(port_.port());
  std::vector<std::string> argv{
      redis_server_program(), "--port", tls_ ? "0" : port, "--bind", "127.0.0.1",    "--unixsocket", socket(),
      "--unixsocketperm",     "777",    "--save",          "",       "--appendonly", "no",           "--dir",
      dir_.path().string()};
  argv.insert(argv.end(), extra_.begin(), extra_.end());
  argv.insert(argv.end(), more.begin(), more.end());
  // Without it the server wants the port that is 10,000 above its own, which need not exist.
  if (std::ranges::find(extra_, "--cluster-enabled") != extra_.end()) {
    argv.insert(argv.end(), {"--cluster-port", std::to_string(bus_port_.port())});
  }
  if (tls_) {
    const auto speak_tls = tls_->arguments();
    argv.insert(argv.end(), speak_tls.begin(), speak_tls.end());
    argv.insert(argv.end(), {"--tls-port", port});
  }
  process_ = std::make_unique<Process>(argv, options_);
  if (eventually([this] { return !process_->running() || cli({"PING"}) == "PONG"; }) && process_->running()) return;
  throw std::runtime_error(redis_server_program() + " does not start: " + process_->out() + process_->err());
}

void RedisServer::restart(const std::vector<std::string>& more) {
  kill();
  earlier_log_ = log();
  start(more);
}

std::string RedisServer::cli(const std::vector<std::string>& arguments) const {
  return redis_command(socket(), arguments, password_);
}

}  // namespace jeton::test
