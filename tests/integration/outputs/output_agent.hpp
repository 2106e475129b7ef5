// A real agent with a real provider, and the files that it writes.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/agent_process.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/fault_provider.hpp"
#include "tests/support/unix_http.hpp"

namespace jeton::test {

class OutputAgent : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directory(dir / "out"); }
  void TearDown() override {
    if (mounted) ::umount2((dir / "out").c_str(), MNT_DETACH);
    if (HasFailure()) std::fprintf(stderr, "%s\n", agent.log().c_str());
  }
  // `outputs`: items of the list, in lines.
  void configure(const std::string& outputs) {
    AgentSettings settings{.token_url = provider.url(), .refresh = "{min_interval: 0ms}"};
    settings.token_extra = "    outputs:\n" + outputs;
    agent.configure(settings);
  }
  // One output, and its hook, which notes the content that it finds.
  [[nodiscard]] std::string output_with_hook() const {
    const auto script = dir.write("hook", "cat \"$1\" >>\"$2\"\n");
    return "      - path: " + file().string() + "\n        on_change: {command: [/bin/sh, " + script.string() + ", " +
           file().string() + ", " + noted_file().string() + "], min_interval: 0ms}\n";
  }
  // Asks for a new token; does not wait for it.
  static void ask(const AgentProcess& of) {
    static_cast<void>(unix_http_post(of.runtime_dir() / "agent.sock", "/v1/tokens/api/refresh", "{}"));
  }
  // Also while no agent runs.
  [[nodiscard]] std::string value() const {
    const RunResult got = run({JETONCTL, "--dir", agent.runtime_dir().string(), "get", "api"});
    return got.status == 0 ? got.out.substr(0, got.out.find('\n')) : "";
  }
  // Asks for a new token and waits for it.
  [[nodiscard]] bool renew() const {
    const auto before = agent.generation();
    ask(agent);
    return eventually([&] { return agent.generation() > before; });
  }
  [[nodiscard]] std::filesystem::path file() const { return dir / "out" / "token"; }
  [[nodiscard]] std::filesystem::path noted_file() const { return dir / "noted"; }
  [[nodiscard]] std::string content() const { return std::filesystem::exists(file()) ? read_file(file()) : ""; }
  // What the hook found, each time.
  [[nodiscard]] std::vector<std::string> noted() const {
    std::vector<std::string> lines;
    std::ifstream in(noted_file());
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }
  [[nodiscard]] bool has(const std::string& token) const {
    return eventually([&] { return content() == token + "\n"; });
  }
  [[nodiscard]] bool hook_found(const std::string& token) const {
    return eventually([&] { return !noted().empty() && noted().back() == token; });
  }

  // Of the status of the token; empty if there is none.
  [[nodiscard]] nlohmann::json first_output() const {
    const auto token = agent.token();
    return token.is_object() && !token["outputs"].empty() ? token["outputs"][0] : nlohmann::json::object();
  }
  // Whether the hook has ended so often.
  [[nodiscard]] bool hook_ran(int times) const {
    return eventually([&] {
      const auto output = first_output();
      return output.contains("on_change") && output["on_change"].value("runs", 0) == times;
    });
  }

  bool mounted = false;  // a file system of the test at out
  FaultProvider provider{{.lifetime = std::chrono::seconds(600)}};
  TempDir dir;
  AgentProcess agent{AgentSettings{}};
};

}  // namespace jeton::test
