#include "agent/provider/endpoint_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/base/error.hpp"
#include "agent/http/http_client.hpp"
#include "tests/support/fault_provider.hpp"
#include "tests/support/loop.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::Behaviour;
using ::testing::HasSubstr;
using ::testing::Not;

class EndpointCheck : public ::testing::Test {
 protected:
  struct NoOtherTokens final : TokenValues {
    [[nodiscard]] std::optional<SecretString> token_value(const std::string& /*name*/) const override {
      return std::nullopt;
    }
  };
  HttpSourceConfig source(const std::string& url) const {
    HttpSourceConfig config;
    config.url = SecretTemplate::parse(url);
    config.query["key"] = {SecretTemplate::literal("s3cret")};
    config.headers["Authorization"] = SecretTemplate::literal("Bearer s3cret");
    return config;
  }
  Findings examined(HttpRequest probe) {
    HttpClient client;
    Findings found = loop.run(examine_endpoint(std::move(probe), client, loop.clock));
    client.stop();
    return found;
  }
  Findings examined(const SourceConfig& config) { return examined(endpoint_probe(config, tokens).value()); }

  test::FaultProvider provider;
  test::Loop loop;
  NoOtherTokens tokens;
};

TEST_F(EndpointCheck, ServerAnswers_IsAskedForNothingAndKnowsNoSecret) {
  const Findings found = examined(source(provider.url("/token?appid=s3cret")));
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found[0].level, Finding::Level::ok);
  EXPECT_THAT(found[0].text, HasSubstr("without TLS"));
  const std::string subject = "provider http://127.0.0.1:" + std::to_string(provider.port()) + "/";
  for (const Finding& one : found) EXPECT_EQ(one.subject, subject);
  const auto seen = provider.seen();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].method, "HEAD");
  EXPECT_EQ(seen[0].target, "/");
  EXPECT_EQ(seen[0].headers.count("authorization"), 0U);
}

TEST_F(EndpointCheck, AnswerIsAnError_ServerIsReachableAllTheSame) {
  provider.behave(Behaviour::failure(503));
  EXPECT_EQ(examined(source(provider.url())).at(0).level, Finding::Level::ok);
}

TEST_F(EndpointCheck, ClockOfTheServerIsAnHourOff_IsAProblem) {
  Behaviour behaviour = Behaviour::text("", 404);
  behaviour.headers = {{"Date", "Sun, 06 Nov 1994 08:49:37 GMT"}};
  provider.behave(behaviour);
  const Findings found = examined(source(provider.url()));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[1].level, Finding::Level::problem);
  EXPECT_THAT(found[1].text, HasSubstr("behind this host's"));
}

TEST_F(EndpointCheck, NothingListens_IsAProblemWithACommand) {
  provider.stop_listening();
  const Findings found = examined(source(provider.url("/token?appid=s3cret")));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].level, Finding::Level::problem);
  EXPECT_THAT(found[0].text, HasSubstr("cannot connect"));
  EXPECT_THAT(found[0].remedy, HasSubstr("curl -sSI http://127.0.0.1"));
  EXPECT_THAT(found[0].text, Not(HasSubstr("s3cret")));
}

TEST_F(EndpointCheck, ServerHangs_EndsAtItsTimeout) {
  provider.behave(Behaviour::only(Behaviour::Kind::hang));
  HttpRequest probe = endpoint_probe(source(provider.url()), tokens).value();
  EXPECT_LE(probe.timeout, 5s);
  probe.timeout = 300ms;
  EXPECT_EQ(examined(std::move(probe)).at(0).level, Finding::Level::problem);
}

TEST_F(EndpointCheck, NameCannotBeResolved_CommandAsksForTheName) {
  const Findings found = examined(source("https://no-such-host.invalid/token"));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].remedy, "getent hosts no-such-host.invalid");
}

TEST_F(EndpointCheck, SourceIsOAuth2_IssuerOrTokenUrlIsAsked) {
  OAuth2SourceConfig config;
  config.issuer = "https://login.example.com:8443/tenant";
  EXPECT_EQ(endpoint_probe(config, tokens)->display, "https://login.example.com:8443/");
  config.issuer.clear();
  config.token_url = SecretTemplate::parse("https://login.example.com/token");
  EXPECT_EQ(endpoint_probe(config, tokens)->display, "https://login.example.com/");
}

TEST_F(EndpointCheck, SourceAsksNoServer_ThereIsNoProbe) {
  EXPECT_FALSE(endpoint_probe(FileSourceConfig{}, tokens));
  EXPECT_FALSE(endpoint_probe(ExecSourceConfig{}, tokens));
}

TEST_F(EndpointCheck, UrlCannotBeResolved_ThrowsTheReference) {
  EXPECT_THROW(static_cast<void>(endpoint_probe(source("https://${env:NO_SUCH_VARIABLE}/"), tokens)), Error);
}

TEST(ProviderClock, AnswerTookLong_IsNoSkew) {
  const WallTime sent = from_unix_ms(1'795'000'000'000);
  EXPECT_EQ(judge_provider_clock("p", sent, sent, sent + 50s).level, Finding::Level::ok);
  EXPECT_EQ(judge_provider_clock("p", sent + 50s, sent, sent + 50s).level, Finding::Level::ok);
  EXPECT_EQ(judge_provider_clock("p", sent + 100s, sent, sent + 50s).level, Finding::Level::warning);
  EXPECT_EQ(judge_provider_clock("p", sent - 10min, sent, sent + 50s).level, Finding::Level::problem);
}

}  // namespace
}  // namespace jeton::agent
