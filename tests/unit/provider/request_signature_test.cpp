// Signed requests: the examples that providers publish, with their inputs and their outcome, and which parts of a
// request a signature can be made over.
#include "tests/unit/jwt/jwt_keys.hpp"
#include "tests/unit/provider/http_request_fixture.hpp"

namespace jeton::agent {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

using RequestSignature = HttpRequestFixture;

// "Sign Requests", https://developer.tuya.com/en/docs/iot/new-singnature?id=Kbw0q34cs2e5g: the example of the token
// management API.
TEST_F(RequestSignature, OfTuyasExample_IsTheOnePublished) {
  random.hex = "5138cc3a9033d69856923fd07b491173";
  ::setenv("TUYA_ID", "1KAD46OrT9HafiKdsXeg", 1);
  const auto config = source(
      "      url: https://openapi.tuyacn.com/v1.0/token\n"
      "      query: {grant_type: 1}\n"
      "      values:\n"
      "        nonce: ${nonce:hex32}\n"
      "        body: {function: sha256, of: '${request:body}'}\n"
      "        text: \"${request:method}\\n${value:body}\\narea_id:29a33e8796834b1efa6\\n"
      "call_id:8afdb70ab2ed11eb85290242ac130003\\n\\n${request:path}?${request:query}\"\n"
      "        sign:\n"
      "          function: hmac_sha256\n"
      "          of: 1KAD46OrT9HafiKdsXeg${now:unix_ms}${value:nonce}${value:text}\n"
      "          key: " +
      secret("tuya", "4OHBOnWOqaEC1mWXOpVL3yV50s0qGSRC\n") +
      "\n"
      "          as: HEX\n"
      "      headers: {t: '${now:unix_ms}', nonce: '${value:nonce}', sign: '${value:sign}'}\n");
  const BuiltRequest request = built(config);
  EXPECT_EQ(header(request, "t"), "1588925778000");
  EXPECT_EQ(header(request, "nonce"), "5138cc3a9033d69856923fd07b491173");
  EXPECT_EQ(header(request, "sign"), "9E48A3E93B302EEECC803C7241985D0A34EB944F40FB573C7B5C2A82158AF13E");
}

// The complete example of Signature Version 4 in the AWS General Reference (IAM ListUsers, 2015-08-30), and its signing
// key, which is made of keys that are bytes.
TEST_F(RequestSignature, OfTheAwsExample_IsTheOnePublished) {
  now = from_unix_ms(1'440'938'160'000);
  const auto config = source(
      "      url: https://iam.amazonaws.com/\n"
      "      query: {Version: 2010-05-08, Action: ListUsers}\n"
      "      values:\n"
      "        time: ${now:%Y%m%dT%H%M%SZ}\n"
      "        scope: ${now:%Y%m%d}/us-east-1/iam/aws4_request\n"
      "        signed: content-type;host;x-amz-date\n"
      "        body: {function: sha256, of: '${request:body}'}\n"
      "        request: \"${request:method}\\n${request:path}\\n${request:query}\\n"
      "content-type:application/x-www-form-urlencoded; charset=utf-8\\nhost:${request:host}\\n"
      "x-amz-date:${value:time}\\n\\n${value:signed}\\n${value:body}\"\n"
      "        hash: {function: sha256, of: '${value:request}'}\n"
      "        date_key: {function: hmac_sha256, of: '${now:%Y%m%d}', key: 'AWS4" +
      secret("aws", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY") +
      "', as: bytes}\n"
      "        region_key: {function: hmac_sha256, of: us-east-1, key: '${value:date_key}', as: bytes}\n"
      "        service_key: {function: hmac_sha256, of: iam, key: '${value:region_key}', as: bytes}\n"
      "        signing_key: {function: hmac_sha256, of: aws4_request, key: '${value:service_key}', as: bytes}\n"
      "        text: \"AWS4-HMAC-SHA256\\n${value:time}\\n${value:scope}\\n${value:hash}\"\n"
      "        signature: {function: hmac_sha256, of: '${value:text}', key: '${value:signing_key}'}\n"
      "      headers:\n"
      "        Content-Type: application/x-www-form-urlencoded; charset=utf-8\n"
      "        X-Amz-Date: ${value:time}\n"
      "        Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/${value:scope}, "
      "SignedHeaders=${value:signed}, Signature=${value:signature}\n");
  const BuiltRequest request = built(config);
  EXPECT_EQ(request.request.url.reveal(), "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08");
  EXPECT_EQ(value(request, "hash"), "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59");
  EXPECT_EQ(header(request, "Authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-date, "
            "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

TEST_F(RequestSignature, ByAnRsaKey_IsAcceptedByOpenssl) {
  const test::JwtKeys keys;
  const auto config = source(
      "      url: https://api.example.com/token\n"
      "      json: {at: '${now:unix}'}\n"
      "      values:\n"
      "        sign: {function: rsa_sha256, of: '${request:method}.${request:body}', key: '${file:" +
      keys.private_file(JwtAlgorithm::rs256) +
      "}', as: base64url}\n"
      "      headers: {sign: '${value:sign}'}\n");
  const std::string token = R"(POST.{"at":"1588925778"}.)" + header(built(config), "sign");
  EXPECT_EQ(keys.verify_by_openssl(JwtAlgorithm::rs256, token).status, 0) << token;
}

TEST_F(RequestSignature, PartsOfTheRequest_AreWhatIsSent) {
  const auto config = source(
      "      url: https://api.example.com:8443/v1/token?v=1\n"
      "      query: {scope: [read, 'write all'], app: x}\n"
      "      form: {b: '1&2', a: '0'}\n"
      "      method: PUT\n"
      "      headers: {parts: '${request:method} ${request:host} ${request:path} ${request:query} ${request:body}'}\n");
  const BuiltRequest request = built(config);
  EXPECT_EQ(request.request.url.reveal(),
            "https://api.example.com:8443/v1/token?v=1&app=x&scope=read&scope=write%20all");
  EXPECT_EQ(request.request.body.reveal(), "a=0&b=1%262");
  EXPECT_EQ(header(request, "parts"),
            "PUT api.example.com:8443 /v1/token v=1&app=x&scope=read&scope=write%20all a=0&b=1%262");
}

TEST_F(RequestSignature, StandsInTheQueryOrFormItself_IsMadeOfTheOtherParameters) {
  const auto config = source(
      "      url: https://api.example.com/token\n"
      "      query: {b: 2, a: 1, sign: '${value:query}'}\n"
      "      form: {d: 4, c: 3, sign: '${value:body}'}\n"
      "      values: {query: '<${request:query}>', body: '<${request:body}>'}\n");
  const BuiltRequest request = built(config);
  EXPECT_THAT(std::string(request.request.url.reveal()), EndsWith("?a=1&b=2&sign=%3Ca%3D1%26b%3D2%3E"));
  EXPECT_EQ(request.request.body.reveal(), "c=3&d=4&sign=%3Cc%3D3%26d%3D4%3E");
}

// Without a name each nonce is another one; what is signed is what is sent all the same.
TEST_F(RequestSignature, BodyHasANonce_IsMadeOfTheBodyThatIsSent) {
  random.changes = true;
  for (const char* body : {"      json: {nonce: '${nonce:hex8}'}\n", "      form: {nonce: '${nonce:hex8}'}\n",
                           "      method: POST\n      body: 'nonce ${nonce:hex8}'\n"}) {
    const auto config = source(std::string("      url: https://api.example.com/token\n"
                                           "      headers: {body: '${request:body}', Content-Type: text/plain}\n") +
                               body);
    const BuiltRequest request = built(config);
    EXPECT_EQ(header(request, "body"), request.request.body.reveal());
  }
}

TEST_F(RequestSignature, SecretsAndWhatIsMadeOfThem_AreNeverShown) {
  const auto config = source(
      "      url: https://api.example.com/token\n"
      "      values:\n"
      "        text: user ${now:unix}\n"
      "        hash: {function: sha256, of: '${value:text}'}\n"
      "        sign: {function: hmac_sha1, of: '${value:text}', key: '" +
      secret("key", "s3cr3t") +
      "'}\n"
      "        of_body: {function: md5, of: '${request:body}'}\n"
      "      json: {password: '" +
      secret("password", "p4ssw0rd") +
      "'}\n"
      "      headers: {a: '${value:hash}', b: '${value:sign}', c: '${value:of_body}'}\n");
  const BuiltRequest request = built(config);
  EXPECT_TRUE(hides(request, "s3cr3t"));
  EXPECT_TRUE(hides(request, "p4ssw0rd"));
  EXPECT_TRUE(hides(request, header(request, "b")));
  EXPECT_TRUE(hides(request, header(request, "c")));
  EXPECT_FALSE(hides(request, header(request, "a"))) << "nothing secret is in it";
  EXPECT_FALSE(hides(request, "1588925778"));
}

TEST_F(RequestSignature, KeyDoesNotSuit_IsNamedWithoutItsText) {
  const std::string key = secret("key", test::JwtKeys().private_key(JwtAlgorithm::rs256));
  const auto config = source(
      "      url: https://api.example.com/token\n"
      "      values:\n"
      "        sign: {function: rsa_sha256, of: x, key: '" +
      key +
      "'}\n"
      "      headers: {sign: '${value:sign}'}\n");
  dir.write("key", "s3cr3t-no-pem");
  std::string said;
  try {
    static_cast<void>(built(config));
  } catch (const Error& e) {
    said = e.what();
  }
  EXPECT_THAT(said, HasSubstr("values.sign"));
  EXPECT_THAT(said, HasSubstr("not in PEM form"));
  EXPECT_THAT(said, Not(HasSubstr("s3cr3t")));
}

// RFC 1321 appendix A.5, FIPS 180-4, RFC 2202 section 3 and RFC 4231 section 4.3, of "abc" or of the key "Jefe".
TEST_F(RequestSignature, Functions_GiveWhatTheirStandardsSay) {
  const auto config = source(
      "      url: https://api.example.com/token\n"
      "      values:\n"
      "        md5: {function: md5, of: abc}\n"
      "        sha1: {function: sha1, of: abc, as: HEX}\n"
      "        sha512: {function: sha512, of: abc, as: base64}\n"
      "        hmac_md5: {function: hmac_md5, of: 'what do ya want for nothing?', key: '" +
      secret("k", "Jefe") +
      "'}\n"
      "        hmac_sha1: {function: hmac_sha1, of: 'what do ya want for nothing?', key: '" +
      secret("k", "Jefe") +
      "'}\n"
      "        hmac_sha512:\n"
      "          {function: hmac_sha512, of: 'what do ya want for nothing?', key: '" +
      secret("k", "Jefe") +
      "'}\n"
      "        base64: {function: base64, of: 'id:pa ss'}\n"
      "        percent: {function: percent_encode, of: 'a b/c~d*e'}\n"
      "        xml: {function: xml_escape, of: '<a b=\"c\">&''</a>'}\n"
      "        url64: {function: md5, of: abc, as: base64url}\n"
      "      headers:\n"
      "        all: ${value:md5}${value:sha1}${value:sha512}${value:hmac_md5}${value:hmac_sha1}${value:hmac_sha512}"
      "${value:base64}${value:percent}${value:xml}${value:url64}\n");
  const BuiltRequest request = built(config);
  EXPECT_EQ(value(request, "md5"), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(value(request, "sha1"), "A9993E364706816ABA3E25717850C26C9CD0D89D");
  EXPECT_EQ(value(request, "sha512"),
            "3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==");
  EXPECT_EQ(value(request, "hmac_md5"), "750c783e6ab0b503eaa86e310a5db738");
  EXPECT_EQ(value(request, "hmac_sha1"), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  EXPECT_THAT(value(request, "hmac_sha512"), ::testing::StartsWith("164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd6"));
  EXPECT_EQ(value(request, "base64"), "aWQ6cGEgc3M=");
  EXPECT_EQ(value(request, "percent"), "a%20b%2Fc~d%2Ae");
  EXPECT_EQ(value(request, "xml"), "&lt;a b=&quot;c&quot;&gt;&amp;&apos;&lt;/a&gt;");
  EXPECT_EQ(value(request, "url64"), "kAFQmDzST7DWlj99KOF_cg");
}

// As Azure Communication Services has it.
TEST_F(RequestSignature, KeyIsWrittenInBase64_ItsBytesAreTheKey) {
  for (const char* key : {"AP5qZXRvbi1rZXmA", "AP5qZXRvbi1rZXmA\n"}) {
    const BuiltRequest request =
        built(source("      url: https://api.example.com/\n"
                     "      values:\n"
                     "        key: {function: base64_decode, of: '" +
                     secret("key", key) +
                     "'}\n"
                     "        sign: {function: hmac_sha256, of: hello, key: '${value:key}', "
                     "as: base64}\n"
                     "      headers: {sign: '${value:sign}'}\n"));
    EXPECT_EQ(header(request, "sign"), "RTSEu/cZWx4woajE6h1bwePrzW9g6gxsuVFJzuo+u7M=");
  }
  const auto config = source(
      "      url: https://api.example.com/\n"
      "      values: {key: {function: base64_decode, of: 'no base64!'}}\n"
      "      headers: {key: '${value:key}'}\n");
  EXPECT_THROW(static_cast<void>(built(config)), Error);
}

TEST_F(RequestSignature, TimeStandsUnquotedInJson_IsANumber) {
  const auto config = source(
      "      url: https://api.example.com/token\n"
      "      json:\n"
      "        number: ${now:unix_ms}\n"
      "        text: '${now:unix}'\n"
      "        also: t${now:unix}\n");
  EXPECT_EQ(built(config).request.body.reveal(),
            R"({"number":1588925778000,"text":"1588925778","also":"t1588925778"})");
}

// RFC 9864 gives the algorithm a name of its own.
TEST(Ed25519, IsWrittenAsAnAlgorithm_IsThatOfEverySourceThatSigns) {
  const test::JwtKeys keys;
  const std::string key = "'${file:" + keys.private_file(JwtAlgorithm::ed25519) + "}'";
  const LoadResult loaded = test::load_text(
      "version: 1\n"
      "tokens:\n"
      "  minted:\n"
      "    source: {type: jwt, algorithm: Ed25519, lifetime: 1h, key: " +
      key +
      "}\n"
      "  asserted:\n"
      "    source:\n"
      "      type: oauth2\n"
      "      token_url: https://auth.example.com/token\n"
      "      client_id: me\n"
      "      client_auth: private_key_jwt\n"
      "      client_assertion: {algorithm: Ed25519, key: " +
      key + "}\n");
  ASSERT_TRUE(loaded.config) << test::all_texts(loaded.problems);
  const auto& tokens = loaded.config->tokens;
  EXPECT_EQ(source_as<JwtSourceConfig>(tokens.at("minted").source)->algorithm, JwtAlgorithm::ed25519);
  EXPECT_EQ(source_as<OAuth2SourceConfig>(tokens.at("asserted").source)->client_assertion.algorithm,
            JwtAlgorithm::ed25519);
}

}  // namespace
}  // namespace jeton::agent
