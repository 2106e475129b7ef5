// A provider that demands DPoP (RFC 9449): the reason of its refusal is named.
#include "tests/unit/provider/oauth2_fixture.hpp"

namespace jeton::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Kind = SourceError::Kind;

struct Dpop : OAuth2Fixture {
  // With an issuer whose metadata has this beside its names and endpoint.
  SourceError failure_at_issuer(const std::string& metadata, int status, const std::string& body) {
    OAuth2SourceConfig config = client();
    config.token_url = SecretTemplate();
    config.issuer = "https://id.example.com";
    transport.answer = [=](const HttpRequest& request) {
      if (request.url.reveal().find(".well-known") == std::string_view::npos) return response(status, body);
      return response(200, R"({"issuer":"https://id.example.com","token_endpoint":"https://id.example.com/token")" +
                               metadata + "}");
    };
    return failure(config);
  }
};

TEST_F(Dpop, ProviderAsksForAProof_IsNamedAsTheReason) {
  for (const char* body : {R"({"error":"use_dpop_nonce"})", R"({"error":"invalid_dpop_proof"})",
                           R"({"error":"invalid_request","error_description":"DPoP proof is missing"})"}) {
    answer(400, body);
    const SourceError e = failure(client());
    EXPECT_EQ(e.kind(), Kind::permanent) << body;
    EXPECT_THAT(e.what(), HasSubstr("https://auth.example.com/token answered 400 and demands DPoP"));
    EXPECT_THAT(e.what(), HasSubstr("ask the provider to issue bearer tokens"));
  }
}

TEST_F(Dpop, ChallengeStandsInAHeader_IsNamedAsTheReason) {
  transport.answer = [](const HttpRequest&) {
    HttpResponse refused = response(401, "");
    refused.headers.push_back({"www-authenticate", SecretString("DPoP algs=\"ES256\"")});
    return refused;
  };
  EXPECT_THAT(failure(client()).what(), HasSubstr("demands DPoP (WWW-Authenticate: DPoP)"));
}

TEST_F(Dpop, RefusalHasAnotherReason_IsNotNamed) {
  answer(400, R"({"error":"invalid_request","error_description":"no scope"})");
  EXPECT_THAT(failure(client()).what(), Not(HasSubstr("DPoP")));
  answer(401, "");
  EXPECT_THAT(failure(client()).what(), Not(HasSubstr("DPoP")));
}

TEST_F(Dpop, MetadataDemandsIt_IsRefusedBeforeASecretIsSent) {
  const SourceError e = failure_at_issuer(R"(,"dpop_bound_access_tokens":true)", 200, good_body);
  EXPECT_EQ(e.kind(), Kind::permanent);
  EXPECT_THAT(e.what(), HasSubstr("demands DPoP (dpop_bound_access_tokens)"));
  EXPECT_THAT(transport.requests.back().url.reveal(), HasSubstr(".well-known"));
}

TEST_F(Dpop, MetadataOnlyOffersIt_IsNamedWhereTheRequestIsCalledInvalid) {
  const std::string offer = R"(,"dpop_signing_alg_values_supported":["ES256"])";
  const std::string invalid = R"({"error":"invalid_request","error_description":"my words"})";
  EXPECT_THAT(failure_at_issuer(offer, 400, invalid).what(), HasSubstr("my words"));
  EXPECT_THAT(failure_at_issuer(offer, 400, invalid).what(), HasSubstr("metadata offers DPoP"));
  EXPECT_THAT(failure_at_issuer("", 400, invalid).what(), Not(HasSubstr("DPoP")));
  EXPECT_THAT(failure_at_issuer(offer, 401, R"({"error":"invalid_client"})").what(), Not(HasSubstr("DPoP")));
}

}  // namespace
}  // namespace jeton::agent
