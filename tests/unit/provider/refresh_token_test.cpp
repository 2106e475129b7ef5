// Rotation of refresh tokens at a real HTTP server that rotates them: what is presented, and what a lost answer costs.
#include "agent/http/http_client.hpp"
#include "agent/provider/refresh_chain.hpp"
#include "tests/support/rotating_provider.hpp"
#include "tests/unit/provider/oauth2_fixture.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::RotatingProvider;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = SourceError::Kind;

std::vector<std::string> texts(const std::vector<SecretString>& secrets) {
  std::vector<std::string> out;
  for (const SecretString& secret : secrets) out.emplace_back(secret.reveal());
  return out;
}

using Texts = std::vector<std::string>;

TEST(RefreshChain, TokenIsRotated_PreviousIsKeptUntilTheNewOneIsAccepted) {
  const SecretString r0("r0");
  const RefreshChain start(SecretString(), r0);
  EXPECT_EQ(texts(start.candidates()), Texts{"r0"});
  const RefreshChain one(start.after(r0, SecretString("r1")), r0);
  EXPECT_EQ(texts(one.candidates()), (Texts{"r1", "r0"}));
  const RefreshChain two(one.after(SecretString("r1"), SecretString("r2")), r0);
  EXPECT_EQ(texts(two.candidates()), (Texts{"r2", "r1"}));
  // Proved, and not replaced.
  const RefreshChain three(two.after(SecretString("r2"), std::nullopt), r0);
  EXPECT_EQ(texts(three.candidates()), Texts{"r2"});
  // The previous one was what the provider took.
  const RefreshChain back(two.after(SecretString("r1"), SecretString("r9")), r0);
  EXPECT_EQ(texts(back.candidates()), (Texts{"r9", "r1"}));
}

TEST(RefreshChain, ConfiguredTokenChanged_IsUsedAndItsReturnContinues) {
  const SecretString r0("r0");
  const SecretString state = RefreshChain(SecretString(), r0).after(r0, SecretString("r1"));
  EXPECT_EQ(texts(RefreshChain(state, SecretString("new")).candidates()), Texts{"new"});
  EXPECT_EQ(texts(RefreshChain(state, r0).candidates()), (Texts{"r1", "r0"}));
}

TEST(RefreshChain, StateIsInvalid_StartsWithTheConfiguredToken) {
  for (const char* state : {"", "x", "{", "[]", "7", "{}", R"({"v":2,"configured":"a","current":"b"})",
                            R"({"v":1,"configured":7,"current":"b"})", R"({"v":"1"})", R"({"v":1,"current":null})"}) {
    EXPECT_EQ(texts(RefreshChain(SecretString(state), SecretString("r0")).candidates()), Texts{"r0"}) << state;
  }
}

class RefreshToken : public OAuth2Fixture {
 protected:
  void start(RotatingProvider::Options options = {}) {
    provider = std::make_unique<RotatingProvider>(options);
    file = dir.write("refresh", provider->first_refresh_token());
    config = client();
    config.token_url = SecretTemplate::literal(provider->token_url());
    config.grant = Grant::refresh_token;
    config.refresh_token = SecretTemplate::parse("${file:" + file.string() + "}");
  }
  std::unique_ptr<Source> source_at_provider() {
    return make_source(test::token_by(config), {http, timers, tokens, loop.random});
  }
  // As the refresh loop: what a fetch left is there for the next.
  FetchedToken turn() {
    FetchedToken token = loop.run(source_at_provider()->fetch({state}));
    state = token.state;
    return token;
  }
  SourceError failed_turn() {
    try {
      static_cast<void>(turn());
    } catch (const SourceError& e) {
      return e;
    }
    ADD_FAILURE() << "the fetch did not fail";
    return {Kind::transient, ""};
  }

  HttpClient http;
  std::unique_ptr<RotatingProvider> provider;
  std::filesystem::path file;
  OAuth2SourceConfig config;
  SecretString state;
};

TEST_F(RefreshToken, ProviderRotates_EachFetchSendsThePreviousAnswersToken) {
  start();
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(provider->accepts(std::string(turn().value.reveal())));
  EXPECT_EQ(provider->counts().issued, 5);
  EXPECT_EQ(provider->counts().replays, 0);
}

TEST_F(RefreshToken, AnswerHasNoNewToken_OldOneIsKept) {
  start({.rotates = false});
  for (int i = 0; i < 3; ++i) static_cast<void>(turn());
  EXPECT_EQ(provider->counts().issued, 3);
  EXPECT_EQ(provider->counts().replays, 0);
}

TEST_F(RefreshToken, AnswerIsLostWithinTheReuseInterval_NextFetchSucceeds) {
  start({.reuse = 1h});
  static_cast<void>(turn());
  provider->lose_answers(1);
  EXPECT_EQ(failed_turn().kind(), Kind::transient);
  EXPECT_TRUE(provider->accepts(std::string(turn().value.reveal())));
  EXPECT_TRUE(provider->accepts(std::string(turn().value.reveal())));
  EXPECT_FALSE(provider->family_revoked());
}

TEST_F(RefreshToken, RequestIsLost_NextFetchSucceeds) {
  start();
  static_cast<void>(turn());
  provider->lose_requests(1);
  EXPECT_EQ(failed_turn().kind(), Kind::transient);
  EXPECT_TRUE(provider->accepts(std::string(turn().value.reveal())));
  EXPECT_EQ(provider->counts().replays, 0);
}

// The provider's own rollback: it does not know what it gave out last.
TEST_F(RefreshToken, CurrentTokenIsUnknown_PreviousOneIsTriedOnce) {
  start();
  static_cast<void>(turn());
  static_cast<void>(turn());
  provider->forget_last_rotation();
  EXPECT_TRUE(provider->accepts(std::string(turn().value.reveal())));
  EXPECT_TRUE(provider->accepts(std::string(turn().value.reveal())));
  EXPECT_EQ(provider->counts().replays, 0);
}

TEST_F(RefreshToken, AnswerIsLostAtAStrictProvider_ErrorNamesTheRemedy) {
  start();
  static_cast<void>(turn());
  provider->lose_answers(1);
  static_cast<void>(failed_turn());
  const SourceError e = failed_turn();
  EXPECT_EQ(e.kind(), Kind::permanent);
  EXPECT_THAT(e.what(), HasSubstr("put a new one into ${file:" + file.string() + "}"));
  EXPECT_THAT(e.what(), Not(HasSubstr(provider->first_refresh_token())));
  EXPECT_TRUE(provider->family_revoked());
  const std::string& refused = e.request();

  // A person signs in again. The new token is in another file content, so the pause of the loop ends too.
  dir.write("refresh", provider->sign_in_again());
  EXPECT_NE(source_at_provider()->fingerprint(), refused);
  EXPECT_TRUE(provider->accepts(std::string(turn().value.reveal())));
  EXPECT_TRUE(provider->accepts(std::string(turn().value.reveal())));
}

TEST_F(RefreshToken, FileIsMissing_IsNamedAndNothingIsSent) {
  start();
  std::filesystem::remove(file);
  const SourceError e = failed_turn();
  EXPECT_EQ(e.kind(), Kind::transient);
  EXPECT_THAT(e.what(), HasSubstr(file.string()));
  EXPECT_EQ(provider->counts().requests, 0);
}

}  // namespace
}  // namespace jeton::agent
