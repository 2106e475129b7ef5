// The systems between the agent and a provider in companies, as processes of node (tests/support/network/*.mjs).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/eventually.hpp"
#include "tests/support/process.hpp"

namespace jeton::test {

class NetworkProcess {
 public:
  // `script`: provider.mjs, proxy.mjs, flood.mjs or refuse.mjs, which say what the options are. Returns when it
  // listens.
  NetworkProcess(const std::string& script, const nlohmann::json& options)
      : process_({"node", std::string(JETON_NETWORK_SCRIPTS) + "/" + script, options.dump()}) {
    const bool up = eventually([this] { return !process_.running() || !lines().empty(); });
    if (!up || !process_.running()) throw std::runtime_error(script + " does not start: " + process_.err());
    port_ = static_cast<std::uint16_t>(std::stoi(lines().front()));
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string at() const { return "127.0.0.1:" + std::to_string(port_); }
  // The lines that it printed after its port.
  [[nodiscard]] std::vector<std::string> asked() const {
    std::vector<std::string> all = lines();
    all.erase(all.begin());
    return all;
  }

 private:
  // Whole lines only.
  [[nodiscard]] std::vector<std::string> lines() const {
    std::vector<std::string> result;
    std::string text = process_.out();
    text.erase(text.find_last_of('\n') == std::string::npos ? 0 : text.find_last_of('\n') + 1);
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) result.push_back(line);
    return result;
  }

  Process process_;
  std::uint16_t port_ = 0;
};

}  // namespace jeton::test
