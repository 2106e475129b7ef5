// Mistakes in a source of type oauth2, and their corrections.
#include <cstdlib>

#include "agent/config/model/config.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/config/broken_config.hpp"
#include "tests/unit/config/shipped_config.hpp"

namespace jeton::test {
namespace {

// `own` is the rest of the source beside its type, from line 6 on.
std::string document(const std::string& own) {
  std::string text = "version: 1\ntokens:\n  t:\n    source:\n      type: oauth2\n";
  std::string line = "      ";
  for (const char c : own) {
    line += c;
    if (c == '\n') text += std::exchange(line, "      ");
  }
  return text;
}

// ${env:JETON_RSA_KEY} is a key.
void provide_key(const std::string& text) {
  if (text.find("JETON_RSA_KEY") == std::string::npos) return;
  ::setenv("JETON_RSA_KEY", rsa_key().c_str(), 1);
}

class BrokenOAuth2 : public testing::TestWithParam<BrokenConfig> {};

// With token_url as the last line, unless it says where to ask.
TEST_P(BrokenOAuth2, SourceHasAnError_IsRefusedAtItsPlace) {
  const BrokenConfig& broken = GetParam();
  std::string own = broken.text;
  provide_key(own);
  if (own.find("token_url:") == std::string::npos && own.find("issuer: ") != 0) own += "token_url: https://h/token\n";
  const std::string text = document(own);
  expect_refused({broken.name, text.c_str(), broken.line, broken.message});
}

constexpr const char* no_client = "grant client_credentials needs a client that authenticates";

INSTANTIATE_TEST_SUITE_P(
    Client, BrokenOAuth2,
    testing::Values(
        BrokenConfig{"None", "scope: a\n", 4, no_client}, BrokenConfig{"AuthNone", "client_auth: none\n", 6, no_client},
        BrokenConfig{"NoId", "client_secret: ${env:PATH}\n", 6, "needs source.client_id"},
        BrokenConfig{"EmptyId", "client_id: ''\nclient_secret: ''\n", 6, "client_id is empty"},
        BrokenConfig{"EmptyIdToSign",
                     "client_auth: private_key_jwt\nclient_id: ''\nclient_assertion: {key: '${env:JETON_RSA_KEY}'}\n",
                     7, "client_id is empty"},
        BrokenConfig{"EmptySecretToSign", "client_auth: client_secret_jwt\nclient_id: a\nclient_secret: ''\n", 8,
                     "HS256 needs a secret of at least 32 bytes"},
        BrokenConfig{"EmptySubject",
                     "grant: token_exchange\ntoken_exchange: {subject_token: '', subject_token_type: jwt}\n", 7,
                     "subject_token is empty"},
        BrokenConfig{"NoSecret", "client_auth: client_secret_post\nclient_id: a\n", 6, "needs source.client_secret"},
        BrokenConfig{"NoKey", "client_auth: private_key_jwt\nclient_id: a\n", 6, "needs source.client_assertion.key"},
        BrokenConfig{"SecretAndKey",
                     "client_auth: private_key_jwt\nclient_id: a\nclient_assertion: {key: '${env:JETON_RSA_KEY}'}\n"
                     "client_secret: ${env:PATH}\n",
                     9, "client_secret is not used with client_auth private_key_jwt"},
        BrokenConfig{"KeyForSecretJwt",
                     "client_auth: client_secret_jwt\nclient_id: a\nclient_assertion: {key: '${env:JETON_RSA_KEY}'}\n"
                     "client_secret: ${env:PATH}\n",
                     8, "signs with source.client_secret"},
        BrokenConfig{"SecretTooShortForJwt", "client_auth: client_secret_jwt\nclient_id: a\nclient_secret: short\n", 8,
                     "HS256 needs a secret of at least 32 bytes"},
        BrokenConfig{"ColonInUnencodedId",
                     "client_auth: client_secret_basic_unencoded\nclient_id: a:b\nclient_secret: ${env:PATH}\n", 7,
                     "holds a colon, which only client_auth client_secret_basic can send"},
        BrokenConfig{"AssertionWithoutItsAuth",
                     "client_id: a\nclient_assertion: {key: '${env:JETON_RSA_KEY}'}\nclient_secret: ${env:PATH}\n", 7,
                     "is for client_auth: private_key_jwt"},
        BrokenConfig{"NoCertificate", "client_auth: tls_client_auth\nclient_id: a\n", 6, "needs source.tls.cert_file"},
        BrokenConfig{"KeyThatIsNone",
                     "client_auth: private_key_jwt\nclient_id: a\nclient_assertion: {key: '${env:PATH}'}\n", 8,
                     "the key is not in PEM form"},
        BrokenConfig{"UnknownAuth", "client_auth: client_secret_basik\nclient_id: a\n", 6,
                     "did you mean 'client_secret_basic'?"},
        BrokenConfig{"KeyAndAssertion",
                     "client_auth: private_key_jwt\nclient_id: a\n"
                     "client_assertion: {assertion: '${env:PATH}', key: '${env:JETON_RSA_KEY}'}\n",
                     8, "key and assertion exclude each other"},
        BrokenConfig{"ClaimOfTheAgent",
                     "client_auth: private_key_jwt\nclient_id: a\n"
                     "client_assertion: {key: '${env:JETON_RSA_KEY}', claims: {exp: 1}}\n",
                     8, "claims.exp is set by the agent"},
        BrokenConfig{"HeaderOfTheAgent",
                     "client_auth: private_key_jwt\nclient_id: a\n"
                     "client_assertion: {key: '${env:JETON_RSA_KEY}', header: {kid: b}}\n",
                     8, "header.kid is set by the agent"},
        BrokenConfig{"HmacWithAKey",
                     "client_auth: private_key_jwt\nclient_id: a\n"
                     "client_assertion: {key: '${env:JETON_RSA_KEY}', algorithm: HS256}\n",
                     8, "unknown value 'HS256'"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Grant, BrokenOAuth2,
    testing::Values(
        BrokenConfig{"Unknown", "grant: password\n", 6, "expected one of client_credentials"},
        BrokenConfig{"NoAssertion", "grant: jwt_bearer\n", 6, "needs source.jwt_bearer"},
        BrokenConfig{"NoBearerKey", "grant: jwt_bearer\njwt_bearer: {issuer: a}\n", 7, "needs key"},
        BrokenConfig{"NoIssuer", "grant: jwt_bearer\njwt_bearer: {key: '${env:JETON_RSA_KEY}'}\n", 7,
                     "jwt_bearer needs issuer"},
        BrokenConfig{"BearerOfAnotherGrant",
                     "client_id: a\nclient_secret: ${env:PATH}\njwt_bearer: {key: '${env:JETON_RSA_KEY}', issuer: a}\n",
                     8, "is for grant: jwt_bearer"},
        BrokenConfig{"NoExchange", "grant: token_exchange\n", 6, "needs source.token_exchange"},
        BrokenConfig{"NoSubject", "grant: token_exchange\ntoken_exchange: {subject_token_type: jwt}\n", 7,
                     "missing required key 'subject_token'"},
        BrokenConfig{"SubjectOfNoType",
                     "grant: token_exchange\ntoken_exchange: {subject_token: '${env:PATH}', subject_token_type: jot}\n",
                     7, "expected access_token, refresh_token"},
        BrokenConfig{"ActorOfNoType",
                     "grant: token_exchange\ntoken_exchange: {subject_token: '${env:PATH}', subject_token_type: jwt, "
                     "actor_token: '${env:PATH}'}\n",
                     7, "actor_token and actor_token_type go together"},
        BrokenConfig{"RefreshTokenOfAnotherGrant",
                     "client_id: a\nclient_secret: ${env:PATH}\nrefresh_token: ${env:PATH}\n", 8,
                     "is for grant: refresh_token"},
        BrokenConfig{"NoSeal", "grant: refresh_token\nrefresh_token: ${env:PATH}\nclient_id: a\n", 5,
                     "made by jeton-agent keygen"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Request, BrokenOAuth2,
    testing::Values(
        BrokenConfig{"UrlOfHttp", "client_id: a\nclient_secret: ${env:PATH}\nurl: https://h/\n", 8,
                     "unknown key 'url' in tokens.t.source"},
        BrokenConfig{"BothEndpoints",
                     "issuer: https://h\ntoken_url: https://h/\nclient_id: a\nclient_secret: ${env:PATH}\n", 6,
                     "exclude each other"},
        BrokenConfig{"IssuerInTheClear", "issuer: http://h.example.com\nclient_id: a\nclient_secret: ${env:PATH}\n", 6,
                     "source.allow_http"},
        BrokenConfig{"IssuerInTheClearByProxy",
                     "issuer: http://localhost\nproxy: http://192.0.2.1:3128\nclient_id: a\n"
                     "client_secret: ${env:PATH}\n",
                     6,
                     "in the clear by source.proxy (set source.no_proxy: [localhost] to keep it on this host); or set "
                     "source.allow_http"},
        BrokenConfig{"TokenUrlInTheClearByResolve",
                     "token_url: http://localhost/\nresolve: {'localhost:80': 192.0.2.1}\nclient_id: a\n"
                     "client_secret: ${env:PATH}\n",
                     6, "in the clear to the address of source.resolve"},
        BrokenConfig{"IssuerWithQuery", "issuer: https://h/?a=b\nclient_id: a\nclient_secret: ${env:PATH}\n", 6,
                     "an issuer has no query"},
        BrokenConfig{"ParameterWithAKey", "client_id: a\nclient_secret: ${env:PATH}\nparams: {scope: b}\n", 8,
                     "params.scope is set by the agent"},
        BrokenConfig{"ResourceThatIsNoUri", "client_id: a\nclient_secret: ${env:PATH}\nresource: [b]\n", 8,
                     "expected absolute URIs"},
        BrokenConfig{"RefreshTokenShownToEverybody",
                     "client_id: a\nclient_secret: ${env:PATH}\nresponse: {attributes: {r: /refresh_token}}\n", 8,
                     "every user can see types and attributes"},
        BrokenConfig{"RefreshTokenWithoutTheGrant",
                     "client_id: a\nclient_secret: ${env:PATH}\nresponse: {refresh_token: /r}\n", 8,
                     "is for grant: refresh_token"},
        BrokenConfig{"BareText",
                     "client_id: a\nclient_secret: ${env:PATH}\nresponse: {format: text, default_lifetime: 1h}\n", 8,
                     "use type: http"},
        BrokenConfig{"RevokeNowhere", "client_id: a\nclient_secret: ${env:PATH}\nrevoke: true\n", 8,
                     "source.revoke needs revocation_url"},
        BrokenConfig{"RevokeNot",
                     "client_id: a\nclient_secret: ${env:PATH}\nrevoke: false\nrevocation_url: https://h/r\n", 9,
                     "is not used with revoke: false"}),
    name_of);

TEST(OAuth2Config, ThereIsNoTokenUrl_IsRefused) {
  const std::string text = document("client_id: a\nclient_secret: ${env:PATH}\n");
  expect_refused({"", text.c_str(), 4, "needs token_url"});
}

// With backend local the seal is for the refresh token only, and a warning where there is none.
TEST(OAuth2Config, ThereIsASeal_IsKeptForRefreshTokensOnly) {
  const TempDir dir;
  const std::string seal = "coordination: {seal: {key_files: [" + dir.write("key", seal_key_text).string() + "]}}\n";
  const auto kept = load_text(document("grant: refresh_token\nrefresh_token: ${env:PATH}\nclient_id: a\n"
                                       "token_url: https://h/token\n") +
                              seal);
  ASSERT_TRUE(kept.config) << all_texts(kept.problems);
  EXPECT_TRUE(kept.problems.empty()) << all_texts(kept.problems);
  EXPECT_EQ(kept.config->coordination.seal_keys.size(), 1U);
  const auto unused =
      load_text(document("client_id: a\nclient_secret: ${env:PATH}\ntoken_url: https://h/token\n") + seal);
  ASSERT_TRUE(unused.config);
  EXPECT_NE(all_texts(unused.problems).find("coordination.seal is not used"), std::string::npos);
}

TEST(OAuth2Config, ClientAuthIsNotSet_FollowsFromTheGrantAndTheSecret) {
  using agent::OAuth2SourceConfig;
  const auto read = [](const std::string& own) {
    provide_key(own);
    const auto result = load_text(document(own + "token_url: https://h/token\n"));
    EXPECT_TRUE(result.config) << all_texts(result.problems);
    return *source_as<OAuth2SourceConfig>(result.config->tokens.at("t").source);
  };
  const auto basic = read("client_id: a\nclient_secret: ${env:PATH}\n");
  EXPECT_EQ(basic.client_auth, OAuth2SourceConfig::ClientAuth::client_secret_basic);
  EXPECT_EQ(basic.response.error, "/error");
  EXPECT_EQ(basic.response.type, "/token_type");
  const auto bearer = read("grant: jwt_bearer\njwt_bearer: {key: '${env:JETON_RSA_KEY}', issuer: a}\n");
  EXPECT_EQ(bearer.client_auth, OAuth2SourceConfig::ClientAuth::none);
  const auto exchange = read(
      "grant: token_exchange\ntoken_exchange: {subject_token: '${env:PATH}', "
      "subject_token_type: jwt}\n");
  EXPECT_EQ(exchange.token_exchange.subject_token_type, "urn:ietf:params:oauth:token-type:jwt");
  const auto revoking = read("client_id: a\nclient_secret: ${env:PATH}\nrevocation_url: https://h/revoke\n");
  EXPECT_TRUE(revoking.revoke);
}

}  // namespace
}  // namespace jeton::test
