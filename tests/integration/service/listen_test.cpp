// agent.listen of a real agent: metrics and health over TCP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/agent_process.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/fault_provider.hpp"
#include "tests/support/reserved_port.hpp"
#include "tests/unit/api/http_client.hpp"

namespace jeton::test {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

class Listen : public testing::Test {
 protected:
  [[nodiscard]] AgentSettings listening_on(std::uint16_t port) const {
    return {.token_url = provider_.url(), .agent_extra = "  listen: 127.0.0.1:" + std::to_string(port) + "\n"};
  }
  const FaultProvider provider_{{.lifetime = seconds(600)}};
  const ReservedPort port_;
};

TEST_F(Listen, AddressIsSet_HealthAndMetricsAreServedOverTcp) {
  AgentProcess agent{listening_on(port_.port())};
  agent.start();
  HttpClient client(port_.port());
  EXPECT_EQ(client.get("/live").status, 200);
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  EXPECT_EQ(client.get("/ready").status, 200);
  const HttpAnswer page = client.get("/metrics");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.headers.at("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(page.body, HasSubstr("\njeton_token_valid{token=\"api\"} 1\n"));
  EXPECT_THAT(page.body, HasSubstr("\njeton_api_requests_total{server=\"listen\",path=\"live\",code=\"200\"} 1\n"));
  EXPECT_THAT(page.body, HasSubstr("\njeton_token_segment_bytes{token=\"api\"} " +
                                   std::to_string(std::filesystem::file_size(agent.segment())) + "\n"));
  EXPECT_EQ(client.get("/v1/status").status, 404);
  EXPECT_EQ(agent.stop(), 0);
  EXPECT_THROW(HttpClient{port_.port()}, std::runtime_error) << "nobody listens any more";
}

TEST_F(Listen, AddressIsNotSet_OnlyTheSocketHasMetrics) {
  AgentProcess agent{{.token_url = provider_.url()}};
  agent.start();
  EXPECT_EQ(agent.get("/metrics"), 200);
  EXPECT_THAT(agent.log(), Not(HasSubstr("over the network")));
}

TEST_F(Listen, PortIsInUse_TokensAreServedAndEachViewSaysWhy) {
  AgentProcess first{listening_on(port_.port())};
  first.start();
  AgentProcess second{listening_on(port_.port())};
  second.start();
  EXPECT_TRUE(eventually([&] { return second.valid(); }));
  EXPECT_EQ(second.get("/ready"), 200);
  const std::string reason =
      "the address 127.0.0.1:" + std::to_string(port_.port()) + " of agent.listen is in use by another program";
  EXPECT_TRUE(second.logs(reason));
  const auto shown = [&](const char* command) {
    return run({JETONCTL, "--dir", second.runtime_dir().string(), command});
  };
  const RunResult status = shown("status");
  EXPECT_EQ(status.status, 0);
  EXPECT_THAT(status.out, HasSubstr(reason));
  EXPECT_THAT(status.out, HasSubstr("sudo ss -ltnp"));
  const RunResult doctor = shown("doctor");
  EXPECT_EQ(doctor.status, 6);
  EXPECT_THAT(doctor.out, HasSubstr("listen: "));
  EXPECT_THAT(doctor.out, HasSubstr("sudo ss -ltnp"));
}

TEST_F(Listen, AddressIsChangedAtReload_IsRefusedWithTheReason) {
  AgentProcess agent{listening_on(port_.port())};
  agent.start();
  const ReservedPort other;
  agent.configure(listening_on(other.port()));
  const RunResult result = run({JETON_AGENT_BINARY, "reload", "--dir", agent.runtime_dir().string()});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("a restart is needed to change agent.listen"));
  EXPECT_EQ(HttpClient(port_.port()).get("/live").status, 200) << "the old address is still served";
}

TEST_F(Listen, AgentIsRestarted_ListensAgainAtOnce) {
  AgentProcess agent{listening_on(port_.port())};
  agent.start();
  HttpClient client(port_.port());
  EXPECT_EQ(client.get("/live").status, 200);
  EXPECT_EQ(agent.stop(), 0);  // closes first, so its side of the connection is left in TIME_WAIT
  agent.start();
  EXPECT_EQ(HttpClient(port_.port()).get("/live").status, 200);
}

}  // namespace
}  // namespace jeton::test
