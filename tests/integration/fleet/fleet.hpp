// Helpers of the fleet tests: several real agents around one real redis-server and one provider, and real readers.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/agent_process.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/fault_provider.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/unix_http.hpp"

namespace jeton::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A token is refreshed after about 10 s and expires 10 s later; grace is at most half of the lifetime. On a busy
// machine a process may wait seconds for a processor; a token that expires or is missed meanwhile would say nothing
// about the agents. Where the clock need not cause a rotation, tokens live long: ask_for_new_token.
inline constexpr seconds rotating_lifetime{20};
inline constexpr const char* rotation = "{grace: 10s, spread: 250ms}";

// Of the source, where a test decides when a fetch ends.
inline constexpr const char* unhurried_source = "      timeout: 60s\n";

class ReaderProcess {
 public:
  // Returns when it has read its first token.
  ReaderProcess(const AgentProcess& agent, milliseconds duration, std::chrono::microseconds pause = milliseconds(1))
      : process_({JETON_READER_BINARY, agent.runtime_dir().string(), "api", std::to_string(duration.count()),
                  std::to_string(pause.count())}) {
    static_cast<void>(eventually([&] { return generation() != 0 || !process_.running(); }));
    if (generation() == 0) throw std::runtime_error("the reader does not begin: " + process_.err());
  }

  // The generation of the newest token that it has read.
  [[nodiscard]] std::uint64_t generation() const {
    const std::string lines = process_.err();
    const auto end = lines.rfind('\n');
    if (end == std::string::npos) return 0;
    const auto begin = lines.rfind("generation ", end);
    return begin == std::string::npos ? 0 : std::stoull(lines.substr(begin + 11));
  }

  // Waits for its end and returns what it saw. SIGTERM ends it early.
  nlohmann::json report(bool end_now = false) {
    if (end_now) process_.signal(SIGTERM);
    const int status = process_.wait(seconds(120));
    if (status != 0) throw std::runtime_error("reader failed: " + process_.err());
    return nlohmann::json::parse(process_.out());
  }

 private:
  Process process_;
};

// Nothing expired, torn, older or unreadable, and every token between the first and the last it saw.
inline void expect_undisturbed(const nlohmann::json& report) {
  SCOPED_TRACE(report.dump());
  EXPECT_GT(report["reads"].get<std::uint64_t>(), 0U);
  for (const char* count : {"torn", "expired", "older", "busy", "other"}) {
    EXPECT_EQ(report[count].get<std::uint64_t>(), 0U) << count;
  }
  const auto serials = report["serials"].get<std::vector<std::uint64_t>>();
  for (std::size_t i = 1; i < serials.size(); ++i) EXPECT_EQ(serials[i], serials[i - 1] + 1) << "a token was missed";
}

using Readers = std::vector<std::unique_ptr<ReaderProcess>>;

// Each has read a token newer than this one. Only then may the next one come, if none is to be missed.
[[nodiscard]] inline bool have_read_beyond(const Readers& readers, std::uint64_t generation) {
  return std::all_of(readers.begin(), readers.end(), [&](const auto& r) { return r->generation() > generation; });
}

class FleetTest : public testing::Test {
 protected:
  AgentProcess& add_agent(AgentSettings settings) {
    agents.push_back(std::make_unique<AgentProcess>(std::move(settings)));
    return *agents.back();
  }
  void start_all() {
    for (const auto& agent : agents) agent->launch();
    for (const auto& agent : agents) agent->await();
  }
  [[nodiscard]] bool all_valid(const std::string& token = "api") const {
    return std::all_of(agents.begin(), agents.end(), [&](const auto& a) { return a->valid(token); });
  }
  [[nodiscard]] std::uint64_t publications() const {
    std::uint64_t sum = 0;
    for (const auto& agent : agents) sum += agent->token()["counters"]["publications"].get<std::uint64_t>();
    return sum;
  }
  // No fetch was in vain: each brought a token, and each token was published. One may be under way for a moment.
  [[nodiscard]] bool publishes_all_of(const FaultProvider& provider) const {
    return eventually([&] {
      const FaultProvider::Counts counts = provider.counts();
      return counts.requests == counts.issued && publications() == counts.issued;
    });
  }
  // As an operator does. Tokens that live long and are asked for can be counted, however slow the machine is.
  static void ask_for_new_token(const AgentProcess& agent) {
    EXPECT_EQ(unix_http_post(agent.runtime_dir() / "agent.sock", "/v1/tokens/api/refresh", "").status, 202);
  }
  [[nodiscard]] static bool reaches_coordinator(const AgentProcess& agent) {
    const auto answer = unix_http_get(agent.runtime_dir() / "agent.sock", "/v1/status");
    return answer.status == 200 && nlohmann::json::parse(answer.body)["coordinator"]["reachable"].get<bool>();
  }
  // The agent that is asking the provider now; nullptr if none is.
  [[nodiscard]] AgentProcess* updater() const {
    for (const auto& agent : agents) {
      const auto status = agent->token();
      if (status.is_object() && status.value("phase", "") == "fetching") return agent.get();
    }
    return nullptr;
  }
  [[nodiscard]] std::uint64_t stored_generation(const RedisServer& redis) const {
    const std::string text = redis.cli({"HGET", "jeton:{api}:token", "generation"});
    return text.empty() ? 0 : std::stoull(text);
  }
  // In the log lines of all agents.
  [[nodiscard]] std::size_t times_logged(const std::string& text) const {
    std::size_t count = 0;
    for (const auto& agent : agents) {
      const std::string log = agent->log();
      for (auto at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) ++count;
    }
    return count;
  }
  // No log line of any agent, at trace level, holds a token.
  void expect_no_secret_logged(const FaultProvider& provider) const {
    for (const auto& agent : agents) {
      const std::string log = agent->log();
      for (const IssuedToken& token : provider.issued()) {
        ASSERT_EQ(log.find(token.value), std::string::npos) << "a token was logged";
      }
    }
  }
  void TearDown() override {
    if (HasFailure()) {
      for (const auto& agent : agents) std::fprintf(stderr, "--- agent log\n%s\n", agent->log().c_str());
    }
  }

  std::vector<std::unique_ptr<AgentProcess>> agents;
};

}  // namespace jeton::test
