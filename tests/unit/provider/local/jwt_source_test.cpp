// The content of a minted token, and the time of the next one.
#include <nlohmann/json.hpp>

#include "agent/jwt/jwt_claims.hpp"
#include "tests/unit/jwt/jwt_keys.hpp"
#include "tests/unit/provider/local/local_source.hpp"

namespace jeton::test {
namespace {

using agent::JwtAlgorithm;
using agent::SecretTemplate;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Kind = SourceError::Kind;

nlohmann::json part_of(const agent::FetchedToken& token, int part) {
  std::string_view text = token.value.reveal();
  for (int i = 0; i < part; ++i) text.remove_prefix(text.find('.') + 1);
  return nlohmann::json::parse(agent::base64url_decode(text.substr(0, text.find('.'))).value().reveal());
}

agent::JsonTemplate literal(const char* text) { return agent::JsonTemplate(SecretTemplate::literal(text)); }

class JwtSourceTest : public LocalSourceTest {
 protected:
  agent::JwtSourceConfig config(JwtAlgorithm algorithm = JwtAlgorithm::es256) {
    agent::JwtSourceConfig config;
    config.algorithm = algorithm;
    config.key = SecretTemplate::parse("${file:" + dir.write("key.pem", keys.private_key(algorithm)).string() + "}");
    config.lifetime = 1h;
    return config;
  }

  JwtKeys keys;
};

TEST_F(JwtSourceTest, AlgorithmIsSet_TokenIsVerifiedByPyjwt) {
  for (const JwtAlgorithm algorithm :
       {JwtAlgorithm::hs256, JwtAlgorithm::rs256, JwtAlgorithm::ps256, JwtAlgorithm::es256, JwtAlgorithm::eddsa}) {
    const auto token = fetch_by(config(algorithm));
    const auto verified = keys.verify_by_pyjwt(algorithm, token.value.reveal());
    EXPECT_EQ(verified.status, 0) << name_of(algorithm) << verified.err;
    EXPECT_EQ(part_of(token, 0)["alg"], std::string(name_of(algorithm)));
  }
}

TEST_F(JwtSourceTest, ExpIsOneOfTheClaims_TokenEndsThen) {
  auto wanted = config();
  const auto end = std::chrono::floor<std::chrono::seconds>(loop.clock.wall_now()) + 60s;
  wanted.expires_at = false;
  wanted.claims = {
      {"exp", agent::JsonTemplate(agent::JsonTemplate::Number{std::to_string(end.time_since_epoch().count())})}};
  EXPECT_EQ(fetch_by(wanted).expires_at, end);
}

TEST_F(JwtSourceTest, HeaderClaimsAndTimesAreConfigured_TokenHasThem) {
  auto wanted = config();
  wanted.key_id = "KEY1";
  wanted.header = {{"cty", literal("x")}};
  wanted.claims = {{"iss", literal("TEAM")}, {"admin", agent::JsonTemplate(true)}};
  wanted.backdate = 1min;
  const auto token = fetch_by(wanted);
  EXPECT_EQ(part_of(token, 0), nlohmann::json::parse(R"({"alg":"ES256","typ":"JWT","kid":"KEY1","cty":"x"})"));
  const auto claims = part_of(token, 1);
  EXPECT_EQ(claims["iss"], "TEAM");
  EXPECT_EQ(claims["admin"], true);
  EXPECT_EQ(claims["jti"].get<std::string>().size(), 32U);
  EXPECT_EQ(claims["exp"].get<std::int64_t>() - claims["iat"].get<std::int64_t>(), 3660);
  EXPECT_EQ(agent::jwt_expiry(token.value.reveal()), token.expires_at);
  EXPECT_NE(claims["jti"], part_of(fetch_by(wanted), 1)["jti"]);
}

TEST_F(JwtSourceTest, ExpiryAndTokenIdAreOff_OnlyIatIsSet) {
  auto wanted = config();
  wanted.expires_at = false;
  wanted.token_id = false;
  const auto claims = part_of(fetch_by(wanted), 1);
  EXPECT_EQ(claims.size(), 1U);
  EXPECT_TRUE(claims["iat"].is_number_integer());
}

TEST_F(JwtSourceTest, ClaimIsAReference_IsResolved) {
  auto wanted = config();
  wanted.claims = {{"nonce", agent::JsonTemplate(SecretTemplate::parse("${token:other}"))}};
  const auto by = source_by(wanted);
  EXPECT_EQ(failure(*by).kind(), Kind::transient);
  tokens.values["other"] = "from \"another\" token";
  EXPECT_EQ(part_of(fetch(*by), 1)["nonce"], "from \"another\" token");
}

TEST_F(JwtSourceTest, KeyFileIsReplaced_NewKeyIsUsedAndChangeIsReported) {
  const auto by = source_by(config());
  int told = 0;
  by->on_change([&] { ++told; });
  EXPECT_EQ(keys.verify_by_pyjwt(JwtAlgorithm::es256, fetch(*by).value.reveal()).status, 0);
  dir.write("key.pem", keys.private_key(JwtAlgorithm::es256));  // the same again is no change
  const JwtKeys others("another");
  dir.write("new.pem", others.private_key(JwtAlgorithm::es256));
  std::filesystem::rename(dir / "new.pem", dir / "key.pem");
  ASSERT_TRUE(loop.turn_until([&] { return told > 0; }));
  const auto token = fetch(*by);
  EXPECT_EQ(others.verify_by_pyjwt(JwtAlgorithm::es256, token.value.reveal()).status, 0);
  EXPECT_EQ(told, 1);
}

TEST_F(JwtSourceTest, KeyIsUnsuitable_IsPermanentUntilItIsReplaced) {
  auto wanted = config();
  const auto by = source_by(wanted);
  dir.write("key.pem", keys.private_key(JwtAlgorithm::rs256));
  const auto e = failure(*by);
  EXPECT_EQ(e.kind(), Kind::permanent);
  EXPECT_THAT(e.what(), AllOf(HasSubstr("source.key cannot be used"), HasSubstr("of type RSA")));
  EXPECT_EQ(e.request(), by->fingerprint());
  dir.write("key.pem", keys.private_key(JwtAlgorithm::es256));
  EXPECT_NE(e.request(), by->fingerprint());
  std::filesystem::remove(dir / "key.pem");
  EXPECT_EQ(failure(*by).kind(), Kind::transient);
}

TEST_F(JwtSourceTest, TokenExceedsTheCapacity_IsPermanentUntilThatIsRaised) {
  const auto wanted = config();
  const auto small = source_by(wanted, 64);
  const auto e = failure(*small);
  EXPECT_EQ(e.kind(), Kind::permanent);
  EXPECT_FALSE(e.request().empty());
  EXPECT_EQ(e.request(), small->fingerprint());
  EXPECT_NE(e.request(), source_by(wanted)->fingerprint());
}

TEST_F(JwtSourceTest, KeyIsTooShort_ErrorDoesNotShowIt) {
  auto wanted = config(JwtAlgorithm::hs256);
  dir.write("key.pem", "short-s3cret");
  const auto by = source_by(wanted);
  EXPECT_THAT(failure(*by).what(), Not(HasSubstr("s3cret")));
  EXPECT_EQ(by->describe(), "jwt HS256");
}

}  // namespace
}  // namespace jeton::test
