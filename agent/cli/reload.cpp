// The command reload.
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>

#include "agent/base/environment.hpp"
#include "agent/base/error.hpp"
#include "agent/base/json.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/cli/command_line.hpp"

namespace jeton::agent {
namespace {

// HTTP/1.0: the answer ends with the connection.
constexpr std::string_view request =
    "POST /v1/reload HTTP/1.0\r\nHost: jeton\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n";
constexpr std::size_t longest_answer = 4 * 1024 * 1024;

UniqueFd connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw Error(path + ": too long for the path of a socket; use the agent.runtime_dir of the running agent");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw errno_error(path);
  }
  return fd;
}

// However long the agent takes: it waits for a fetch that may bring a refresh token, and the service manager has a
// timeout of its own.
std::string answer_of(const std::string& path) {
  const UniqueFd fd = connect_to(path);
  if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) {
    throw errno_error(path);
  }
  SecretString answer;
  if (!read_to_end(fd.get(), longest_answer, answer)) throw errno_error(path);
  return std::string(answer.reveal());
}

// Where the agent of this host, or of the unit that runs the command, has its socket.
std::string usual_runtime_dir() {
  // RUNTIME_DIRECTORY has the directories of RuntimeDirectory= of the unit, separated by colons.
  for (const char* name : {"JETON_DIR", "RUNTIME_DIRECTORY"}) {
    const char* value = environment_variable(name);
    if (value != nullptr && *value == '/') return std::string(value, std::strcspn(value, ":"));
  }
  return "/run/jeton";
}

}  // namespace

int run_reload(const ReloadOptions& options) {
  const std::filesystem::path runtime_dir(options.runtime_dir.empty() ? usual_runtime_dir() : options.runtime_dir);
  const std::string socket = runtime_dir / "agent.sock";
  std::string answer;
  try {
    answer = answer_of(socket);
  } catch (const Error& e) {
    std::cerr << "jeton-agent reload: no agent answers: " << e.what()
              << "; if agent.runtime_dir is another directory, name it with --dir" << std::endl;
    return 2;
  }
  const std::size_t body = answer.find("\r\n\r\n");
  const Json json = body == std::string::npos ? Json() : try_parse_json(answer.substr(body + 4));
  if (!json.is_object()) {
    std::cerr << "jeton-agent reload: the agent ended, or does not know this request; look at its log" << std::endl;
    return 2;
  }
  if (const auto problems = json.find("problems"); problems != json.end() && problems->is_array()) {
    for (const Json& problem : *problems) {
      if (problem.is_string()) std::cerr << problem.get<std::string>() << '\n';
    }
  }
  if (json.value("reloaded", false)) {
    std::cout << "the configuration was applied" << std::endl;
    return 0;
  }
  const Json error = json.value("error", Json::object());
  std::cerr << "jeton-agent reload: refused, the old configuration stays in force: "
            << error.value("message", std::string()) << std::endl;
  return 1;
}

}  // namespace jeton::agent
