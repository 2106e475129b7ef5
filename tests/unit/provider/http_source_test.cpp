#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "agent/http/http_client.hpp"
#include "tests/support/fault_provider.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/provider/made_source.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::Behaviour;
using test::FaultProvider;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = SourceError::Kind;

// Answers as the test says, and counts the calls.
class FakeTransport final : public HttpTransport {
 public:
  Task<HttpResponse> perform(HttpRequest request) override {
    ++calls;
    last = request;
    co_return answer();
  }
  std::function<HttpResponse()> answer;
  int calls = 0;
  HttpRequest last;
};

struct NoTokens final : TokenValues {
  std::optional<SecretString> token_value(const std::string& /*name*/) const override { return std::nullopt; }
};

constexpr const char* good_body = R"({"access_token":"tok-1","expires_in":60})";

class HttpSourceTest : public ::testing::Test {
 protected:
  static HttpSourceConfig config(const std::string& url) {
    HttpSourceConfig config;
    config.url = SecretTemplate::parse(url);
    return config;
  }

  std::unique_ptr<Source> source_by(const HttpSourceConfig& config, HttpTransport& transport,
                                    std::size_t capacity = 8192) {
    return make_source(test::token_by(config, capacity), {transport, timers_, no_tokens_, loop_.random});
  }
  FetchedToken fetch(const HttpSourceConfig& config, HttpTransport& transport, std::size_t capacity = 8192) {
    return loop_.run(source_by(config, transport, capacity)->fetch({}));
  }

  SourceError failure(const HttpSourceConfig& config, HttpTransport& transport, std::size_t capacity = 8192) {
    try {
      static_cast<void>(fetch(config, transport, capacity));
    } catch (const SourceError& e) {
      return e;
    }
    ADD_FAILURE() << "the fetch did not fail";
    return {Kind::transient, ""};
  }

  void answer(int status, std::string body, std::string retry_after = {}) {
    fake_.answer = [=] { return HttpResponse{status, retry_after, SecretString(body)}; };
  }

  test::TempDir dir_;
  test::Loop loop_;
  test::SetTimers timers_{loop_.timers};
  test::SetTimers::SetClock& clock_ = timers_.set_clock;
  NoTokens no_tokens_;
  FakeTransport fake_;
  const HttpSourceConfig plain_ = config("https://api.example.com/token");
};

TEST_F(HttpSourceTest, CallTakesTime_LifetimeCountsFromTheRequest) {
  fake_.answer = [this] {
    clock_.pass(10s);
    return HttpResponse{200, {}, SecretString(good_body)};
  };
  const WallTime asked_at = clock_.wall;
  const FetchedToken token = fetch(plain_, fake_);
  EXPECT_EQ(token.value.reveal(), "tok-1");
  EXPECT_EQ(token.issued_at, asked_at);
  EXPECT_EQ(token.expires_at, asked_at + 60s);
}

TEST_F(HttpSourceTest, CallTakesTime_EveryKindOfLifetimeCountsFromTheRequest) {
  HttpSourceConfig cookie = plain_;
  cookie.response.token = {AnswerPlace::In::cookie, "SID"};
  HttpSourceConfig by_default = plain_;
  by_default.response.default_lifetime = 60s;
  const std::vector<HttpHeader> headers{{"Set-Cookie", SecretString("SID=tok-1; Max-Age=60")}};
  fake_.answer = [this, &headers] {
    clock_.pass(10s);
    return HttpResponse{200, {}, SecretString(R"({"access_token":"tok-1"})"), headers};
  };
  for (const HttpSourceConfig& one : {cookie, by_default}) {
    const WallTime asked_at = clock_.wall;
    EXPECT_EQ(fetch(one, fake_).expires_at, asked_at + 60s) << one.response.token.text();
  }
}

TEST_F(HttpSourceTest, WallClockIsSteppedDuringTheCall_LifetimeCountsFromTheRequestByTheNewTime) {
  for (const Milliseconds step : {Milliseconds(24h), Milliseconds(-24h)}) {
    fake_.answer = [this, step] {
      clock_.pass(10s);
      clock_.wall += step;
      return HttpResponse{200, {}, SecretString(good_body)};
    };
    const FetchedToken token = fetch(plain_, fake_);
    EXPECT_EQ(token.issued_at, clock_.wall - 10s);
    EXPECT_EQ(token.expires_at, clock_.wall + 50s);
  }
}

TEST_F(HttpSourceTest, TokenExpiresDuringTheCall_IsRefused) {
  fake_.answer = [this] {
    clock_.pass(60s);
    return HttpResponse{200, {}, SecretString(good_body)};
  };
  const SourceError e = failure(plain_, fake_);
  EXPECT_EQ(e.kind(), Kind::transient);
  EXPECT_THAT(e.what(), HasSubstr("expired before"));
}

TEST_F(HttpSourceTest, TokenExceedsTheCapacity_ErrorNamesTheSetting) {
  answer(200, R"({"expires_in":60,"access_token":")" + std::string(9000, 'x') + "\"}");
  const SourceError e = failure(plain_, fake_, 8192);
  EXPECT_EQ(e.kind(), Kind::permanent);
  EXPECT_STREQ(e.what(), "token of 9000 bytes exceeds capacity 8192; raise tokens.t.capacity");
  EXPECT_EQ(fetch(plain_, fake_, 9000).value.size(), 9000U);
}

TEST_F(HttpSourceTest, StatusIsAnError_DecidesBetweenTransientAndPermanent) {
  for (const int status : {408, 425, 429, 500, 502, 503, 504, 599}) {
    answer(status, "oops", "30");
    const SourceError e = failure(plain_, fake_);
    EXPECT_EQ(e.kind(), Kind::transient) << status;
    EXPECT_EQ(e.retry_after(), Duration{30s}) << status;
    EXPECT_THAT(e.what(), HasSubstr("https://api.example.com/token answered " + std::to_string(status)));
    EXPECT_THAT(e.what(), Not(HasSubstr("oops")));
  }
  for (const int status : {400, 401, 403, 404, 410, 422, 301, 302, 304, 307}) {
    answer(status, "oops");
    const SourceError e = failure(plain_, fake_);
    EXPECT_EQ(e.kind(), Kind::permanent) << status;
    EXPECT_EQ(e.retry_after(), std::nullopt) << status;
    EXPECT_EQ(e.status(), status);
    EXPECT_THAT(e.what(), HasSubstr("answered " + std::to_string(status)));
  }
}

TEST_F(HttpSourceTest, RetryAfterIsADate_IsConvertedToAPause) {
  answer(429, "", "Wed, 18 Nov 2026 11:08:40 GMT");
  EXPECT_EQ(failure(plain_, fake_).retry_after(), Duration{120s});
  answer(429, "", "whenever");
  EXPECT_EQ(failure(plain_, fake_).retry_after(), std::nullopt);
  answer(429, "");
  EXPECT_EQ(failure(plain_, fake_).retry_after(), std::nullopt);
}

TEST_F(HttpSourceTest, ErrorFieldIsSet_IsPermanentWith4xxOnly) {
  HttpSourceConfig with_error = plain_;
  with_error.response.error = "/error";
  with_error.response.error_message = "/error_description";
  const std::string body = R"({"error":"invalid_client","error_description":"no such app","other":"not shown"})";
  answer(401, body);
  SourceError e = failure(with_error, fake_);
  EXPECT_EQ(e.kind(), Kind::permanent);
  EXPECT_THAT(e.what(),
              HasSubstr(R"(answered 401 (/error invalid_client: "no such app"); check the client's credentials)"));
  EXPECT_THAT(e.what(), Not(HasSubstr("not shown")));
  EXPECT_EQ(e.code(), "invalid_client");
  answer(200, R"({"error":"odd"})");
  e = failure(with_error, fake_);
  EXPECT_EQ(e.kind(), Kind::transient);
  EXPECT_THAT(e.what(), HasSubstr("/error odd"));
}

TEST_F(HttpSourceTest, TransportFails_IsTransientUnlessRequestOrRedirectIsBad) {
  const auto kind = [this](HttpError::Reason reason) {
    fake_.answer = [reason]() -> HttpResponse { throw HttpError(reason, "why"); };
    return failure(plain_, fake_).kind();
  };
  using Reason = HttpError::Reason;
  for (const auto reason :
       {Reason::resolve, Reason::connect, Reason::tls, Reason::timeout, Reason::broken, Reason::too_large}) {
    EXPECT_EQ(kind(reason), Kind::transient);
  }
  EXPECT_EQ(kind(Reason::redirect), Kind::permanent);
  EXPECT_EQ(kind(Reason::request), Kind::permanent);
}

TEST_F(HttpSourceTest, UrlIsPlainHttp_OnlyLoopbackIsAllowed) {
  answer(200, good_body);
  for (const char* url : {"http://127.0.0.1/t", "http://127.8.9.10:81/t", "http://[::1]/t", "http://localhost/t"}) {
    EXPECT_NO_THROW(static_cast<void>(fetch(config(url), fake_))) << url;
  }
  const int calls = fake_.calls;
  for (const char* url : {"http://192.0.2.1/t", "http://api.example.com/t", "http://128.0.0.1/t",
                          "http://localhost.example.com/t", "http://127.0.0.1.example.com/t", "http://[::2]/t"}) {
    const SourceError e = failure(config(url), fake_);
    EXPECT_THAT(e.what(), HasSubstr("use https://")) << url;
  }
  EXPECT_EQ(fake_.calls, calls);
  HttpSourceConfig allowed = config("http://api.example.com/t");
  allowed.egress.allow_http = true;
  EXPECT_NO_THROW(static_cast<void>(fetch(allowed, fake_)));
}

TEST_F(HttpSourceTest, UrlComesFromAReference_IsCheckedAgain) {
  const auto file = dir_.write("host", "http://192.0.2.1");
  const SourceError e = failure(config("${file:" + file.string() + "}/t"), fake_);
  EXPECT_THAT(e.what(), HasSubstr("use https://"));
  const auto loopback = dir_.write("loopback", "http://localhost");
  HttpSourceConfig led = config("${file:" + loopback.string() + "}/t");
  led.egress.resolve = {{"localhost", 80, "192.0.2.1"}};
  EXPECT_THAT(failure(led, fake_).what(), HasSubstr("in the clear to the address of source.resolve; use https://"));
  EXPECT_EQ(fake_.calls, 0);
}

TEST_F(HttpSourceTest, SourceIsDescribed_QueryAndSecretsAreLeftOut) {
  FakeTransport unused;
  const auto source = source_by(config("https://api.example.com/${file:/etc/jeton/id}/token?key=${env:KEY}"), unused);
  EXPECT_EQ(source->describe(), "https://api.example.com/${file:/etc/jeton/id}/token");
}

TEST_F(HttpSourceTest, SecretFileIsReplaced_NextFetchUsesIt) {
  answer(200, good_body);
  const auto file = dir_.write("key", "first\n");
  HttpSourceConfig with_secret = plain_;
  with_secret.query["key"] = {SecretTemplate::parse("${file:" + file.string() + "}")};
  const auto source = source_by(with_secret, fake_);
  static_cast<void>(loop_.run(source->fetch({})));
  EXPECT_EQ(fake_.last.url.reveal(), "https://api.example.com/token?key=first");
  dir_.write("key", "second&\n");
  static_cast<void>(loop_.run(source->fetch({})));
  EXPECT_EQ(fake_.last.url.reveal(), "https://api.example.com/token?key=second%26");
}

TEST_F(HttpSourceTest, SecretIsMissing_ErrorIsTransientAndNamesIt) {
  HttpSourceConfig with_secret = plain_;
  const auto file = (dir_ / "none").string();
  with_secret.headers.emplace("Authorization", SecretTemplate::parse("Bearer ${file:" + file + "}"));
  SourceError e = failure(with_secret, fake_);
  EXPECT_EQ(e.kind(), Kind::transient);
  EXPECT_THAT(e.what(), HasSubstr(file));
  EXPECT_EQ(fake_.calls, 0);

  dir_.write("none", "here now");
  answer(200, good_body);
  EXPECT_NO_THROW(static_cast<void>(fetch(with_secret, fake_)));
}

TEST_F(HttpSourceTest, BodyIsFormOrJson_IsSentAsPost) {
  FaultProvider provider;
  HttpClient client;
  HttpSourceConfig form = config(provider.url());
  form.form = {{"grant_type", {SecretTemplate::literal("client_credentials")}},
               {"b c", {SecretTemplate::literal("d&e")}}};
  EXPECT_NO_THROW(static_cast<void>(fetch(form, client)));

  HttpSourceConfig json = config(provider.url());
  json.json = JsonTemplate(JsonTemplate::Object{{"id", JsonTemplate(JsonTemplate::Number{"7"})},
                                                {"key", JsonTemplate(SecretTemplate::literal("a\"b"))}});
  json.headers.emplace("content-type", SecretTemplate::literal("application/vnd.example+json"));
  EXPECT_NO_THROW(static_cast<void>(fetch(json, client)));

  const auto seen = provider.seen();
  EXPECT_EQ(seen.at(0).method, "POST");
  EXPECT_EQ(seen.at(0).headers.at("content-type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(seen.at(0).body, "b%20c=d%26e&grant_type=client_credentials");
  EXPECT_EQ(seen.at(1).method, "POST");
  EXPECT_EQ(seen.at(1).headers.at("content-type"), "application/vnd.example+json");
  EXPECT_EQ(seen.at(1).body, R"({"id":7,"key":"a\"b"})");
}

TEST_F(HttpSourceTest, MethodAndBodyAreSet_AreSentAsConfigured) {
  FaultProvider provider;
  HttpClient client;
  HttpSourceConfig put = config(provider.url());
  put.method = "PUT";
  put.headers.emplace("X-Ttl", SecretTemplate::literal("21600"));
  EXPECT_NO_THROW(static_cast<void>(fetch(put, client)));

  HttpSourceConfig xml = config(provider.url());
  xml.method = "PATCH";
  xml.body = SecretTemplate::literal("<login>\n  <id>7</id>\n</login>");
  xml.headers.emplace("Content-Type", SecretTemplate::literal("application/xml"));
  EXPECT_NO_THROW(static_cast<void>(fetch(xml, client)));

  const auto seen = provider.seen();
  EXPECT_EQ(seen.at(0).method, "PUT");
  EXPECT_EQ(seen.at(0).body, "");
  EXPECT_EQ(seen.at(0).headers.at("content-length"), "0");
  EXPECT_FALSE(seen.at(0).headers.contains("content-type")) << "there is no body to have one";
  EXPECT_EQ(seen.at(1).method, "PATCH");
  EXPECT_EQ(seen.at(1).headers.at("content-type"), "application/xml");
  EXPECT_EQ(seen.at(1).body, "<login>\n  <id>7</id>\n</login>");
}

TEST_F(HttpSourceTest, SecretChanges_FingerprintChangesAndIgnoresNonces) {
  HttpSourceConfig signed_one = plain_;
  signed_one.json = JsonTemplate(
      JsonTemplate::Object{{"at", JsonTemplate(JsonTemplate::NumberReference{SecretTemplate::parse("${now:unix_ms}")})},
                           {"nonce", JsonTemplate(SecretTemplate::parse("${nonce:uuid}"))}});
  signed_one.values = {{"sign", RequestValue::Function::hmac_sha256, SecretTemplate::parse("${request:body}"),
                        SecretTemplate::parse("${file:" + dir_.write("key", "one").string() + "}")}};
  signed_one.headers = {{"Sign", SecretTemplate::parse("${value:sign}")}};
  const auto source = source_by(signed_one, fake_);
  const std::string first = source->fingerprint();
  EXPECT_FALSE(first.empty());
  answer(403, "{}");
  const auto request_of_failure = [&] {
    try {
      static_cast<void>(loop_.run(source->fetch({})));
    } catch (const SourceError& e) {
      return e.request();
    }
    return std::string("no failure");
  };
  EXPECT_EQ(request_of_failure(), first);
  const std::string body(fake_.last.body.reveal());
  EXPECT_EQ(request_of_failure(), first);
  EXPECT_NE(fake_.last.body.reveal(), body);
  EXPECT_EQ(source->fingerprint(), first);
  dir_.write("key", "two");
  EXPECT_NE(source->fingerprint(), first);
}

TEST_F(HttpSourceTest, CertificateOrConfigurationIsCorrected_FingerprintChanges) {
  HttpSourceConfig config = plain_;
  config.egress.tls.cert_file = dir_.write("client.pem", "one");
  config.egress.tls.key_file = dir_.write("client.key", "one");
  const auto fingerprint = [&](std::size_t capacity = 8192) {
    return source_by(config, fake_, capacity)->fingerprint();
  };
  const std::string first = fingerprint();
  EXPECT_FALSE(first.empty());
  EXPECT_NE(fingerprint(16384), first);
  dir_.write("client.pem", "two");
  EXPECT_NE(fingerprint(), first);
  dir_.write("client.pem", "one");
  EXPECT_EQ(fingerprint(), first);
  config.egress.max_redirects = 3;
  EXPECT_NE(fingerprint(), first);
  config.egress.max_redirects = 0;
  config.response.error = "/errcode";
  EXPECT_NE(fingerprint(), first);
}

// Published, the token would be in no segment.
TEST_F(HttpSourceTest, AttributesExceedTheRoomInASegment_TokenIsRefusedWithWhatToDo) {
  HttpSourceConfig config = plain_;
  std::string body = R"({"access_token":"tok-1","expires_in":60)";
  for (const std::string name : {"a", "b", "c", "d", "e"}) {
    config.response.attributes.emplace(name, "/" + name);
    body += ",\"" + name + "\":\"" + std::string(1000, 'x') + "\"";
  }
  answer(200, body + "}");
  try {
    static_cast<void>(fetch(config, fake_));
    ADD_FAILURE() << "accepted";
  } catch (const SourceError& e) {
    EXPECT_EQ(e.kind(), SourceError::Kind::permanent);
    EXPECT_THAT(e.what(), HasSubstr("select fewer of them in tokens.t.source.response.attributes"));
  }
  config.response.attributes.erase("e");
  EXPECT_EQ(fetch(config, fake_).attributes.size(), 4U);
}

// As DingTalk's userAccessToken wants it.
TEST_F(HttpSourceTest, AnswerHasARefreshToken_NextRequestSendsIt) {
  HttpSourceConfig rotating = plain_;
  rotating.refresh_token = SecretTemplate::parse("${file:" + dir_.write("refresh", "r0").string() + "}");
  rotating.json =
      JsonTemplate(JsonTemplate::Object{{"grantType", JsonTemplate(SecretTemplate::literal("refresh_token"))},
                                        {"refreshToken", JsonTemplate(SecretTemplate::parse("${refresh_token}"))}});
  rotating.response.refresh_token = "/refreshToken";
  const auto source = source_by(rotating, fake_);
  const std::string before = source->fingerprint();
  EXPECT_FALSE(before.empty());

  answer(200, R"({"access_token":"tok-1","expires_in":60,"refreshToken":"r1"})");
  const FetchedToken first = loop_.run(source->fetch({}));
  EXPECT_EQ(fake_.last.body.reveal(), R"({"grantType":"refresh_token","refreshToken":"r0"})");

  answer(200, good_body);
  const FetchedToken second = loop_.run(source->fetch({first.state}));
  EXPECT_EQ(fake_.last.body.reveal(), R"({"grantType":"refresh_token","refreshToken":"r1"})");
  EXPECT_EQ(source->fingerprint(), before) << "the state is counted beside it";

  // No token, and a refresh token: it is not lost.
  answer(200, R"({"expires_in":60,"refreshToken":"r2"})");
  try {
    static_cast<void>(loop_.run(source->fetch({second.state})));
    ADD_FAILURE() << "there was no token in the answer";
  } catch (const SourceError& e) {
    answer(200, good_body);
    static_cast<void>(loop_.run(source->fetch({e.state()})));
    EXPECT_EQ(fake_.last.body.reveal(), R"({"grantType":"refresh_token","refreshToken":"r2"})");
  }
}

TEST_F(HttpSourceTest, RefreshTokenIsRefused_PreviousIsTriedAndFileIsNamed) {
  const auto file = dir_.write("refresh", "r0-SECRET");
  HttpSourceConfig rotating = plain_;
  rotating.refresh_token = SecretTemplate::parse("${file:" + file.string() + "}");
  rotating.form["refresh_token"] = {SecretTemplate::parse("${refresh_token}")};
  const auto source = source_by(rotating, fake_);
  answer(200, R"({"access_token":"tok-1","expires_in":60,"refresh_token":"r1-SECRET"})");
  const SecretString state = loop_.run(source->fetch({})).state;
  fake_.calls = 0;
  answer(400, R"({"message":"r1-SECRET is used"})");
  try {
    static_cast<void>(loop_.run(source->fetch({state})));
    ADD_FAILURE() << "both are refused";
  } catch (const SourceError& e) {
    EXPECT_EQ(e.kind(), Kind::permanent);
    EXPECT_THAT(e.what(), HasSubstr(file.string()));
    EXPECT_THAT(e.what(), Not(HasSubstr("SECRET")));
  }
  EXPECT_EQ(fake_.calls, 2);
  EXPECT_EQ(fake_.last.body.reveal(), "refresh_token=r0-SECRET") << "the one before, last";
  fake_.calls = 0;
  answer(503, "");
  EXPECT_THROW(static_cast<void>(loop_.run(source->fetch({state}))), SourceError);
  EXPECT_EQ(fake_.calls, 1) << "what may pass says nothing of the refresh token";
}

TEST_F(HttpSourceTest, TokenIsRevoked_ConfiguredRequestIsSentWithIt) {
  FaultProvider provider;
  HttpClient client;
  HttpSourceConfig with_revocation = config(provider.url());
  HttpRequestConfig& form = with_revocation.revocation.emplace();
  form.url = SecretTemplate::literal(provider.url("/revoke"));
  form.method = "POST";
  form.form = {{"token", {SecretTemplate::parse("${revoked}")}}, {"hint", {SecretTemplate::literal("access_token")}}};
  const auto by_form = source_by(with_revocation, client);
  EXPECT_TRUE(by_form->revokes());
  EXPECT_NO_THROW(loop_.run(by_form->revoke(SecretString("tok&1"))));

  HttpRequestConfig& header = with_revocation.revocation.emplace();
  header.url = SecretTemplate::literal(provider.url("/token"));
  header.method = "DELETE";
  header.headers = {{"Authorization", SecretTemplate::parse("Bearer ${revoked}")}};
  const auto by_header = source_by(with_revocation, client);
  EXPECT_NO_THROW(loop_.run(by_header->revoke(SecretString("tok-2"))));

  const auto seen = provider.seen();
  EXPECT_EQ(seen.at(0).target, "/revoke");
  EXPECT_EQ(seen.at(0).body, "hint=access_token&token=tok%261");
  EXPECT_EQ(seen.at(1).method, "DELETE");
  EXPECT_EQ(seen.at(1).headers.at("authorization"), "Bearer tok-2");
}

TEST_F(HttpSourceTest, RevocationFails_ErrorDoesNotShowTheToken) {
  HttpSourceConfig with_revocation = plain_;
  EXPECT_FALSE(source_by(with_revocation, fake_)->revokes());
  with_revocation.response.error = "/error";
  with_revocation.response.error_message = "/hint";
  with_revocation.response.error_rules.permanent = {"unsupported"};
  HttpRequestConfig& request = with_revocation.revocation.emplace();
  request.url = SecretTemplate::parse("https://api.example.com/revoke?t=${revoked}");
  const auto source = source_by(with_revocation, fake_);
  const auto failure_of_revocation = [&] {
    try {
      loop_.run(source->revoke(SecretString("tok-SECRET")));
    } catch (const SourceError& e) {
      EXPECT_THAT(e.what(), Not(HasSubstr("SECRET")));
      return e.kind();
    }
    ADD_FAILURE() << "the revocation did not fail";
    return Kind::transient;
  };
  answer(503, "");
  EXPECT_EQ(failure_of_revocation(), Kind::transient);
  answer(403, R"({"hint":"tok-SECRET is unknown"})");
  EXPECT_EQ(failure_of_revocation(), Kind::permanent);
  answer(200, R"({"error":"unsupported","hint":"tok-SECRET"})");
  EXPECT_EQ(failure_of_revocation(), Kind::permanent);
  answer(200, R"({"error":"busy"})");
  EXPECT_EQ(failure_of_revocation(), Kind::transient);
  answer(200, "");
  EXPECT_NO_THROW(loop_.run(source->revoke(SecretString("tok-SECRET"))));
  EXPECT_EQ(fake_.last.url.reveal(), "https://api.example.com/revoke?t=tok-SECRET");
}

// Every way to fail, at a provider that sends back what it was sent: no message may show it.
TEST_F(HttpSourceTest, FetchFails_NoSecretIsShown) {
  FaultProvider provider;
  HttpClient client;
  const std::string query = "Qu3ry/S3cr3t+1";
  const std::string header = "H3ad3rS3cr3t2";
  const std::string field = "F0rm S3cr3t3";
  const std::string literal = "L1t3ralS3cr3t4";
  HttpSourceConfig c = config(provider.url());
  c.query["key"] = {SecretTemplate::parse("${file:" + dir_.write("q", query).string() + "}")};
  c.headers.emplace("Authorization", SecretTemplate::parse("Bearer ${file:" + dir_.write("h", header).string() + "}"));
  c.form["field"] = {SecretTemplate::parse("${file:" + dir_.write("f", field).string() + "}")};
  c.form["client_secret"] = {SecretTemplate::literal(literal)};
  c.response.error = "/error";
  c.response.error_message = "/message";
  c.egress.timeout = 200ms;

  const std::string echo = R"({"error":"bad )" + query + " Qu3ry%2FS3cr3t%2B1 " + header + R"(","message":")" + field +
                           " F0rm%20S3cr3t3 " + literal + R"(","access_token":"T0k3nS3cr3t5"})";
  const std::vector<Behaviour> faults = {
      Behaviour::text(echo),
      Behaviour::text(echo, 400),
      Behaviour::text(echo, 500),
      Behaviour::text(echo, 302),
      Behaviour::text("<html>" + echo),
      Behaviour::text(R"({"access_token":"T0k3nS3cr3t5\n","expires_in":1})"),
      Behaviour::text(R"({"access_token":"T0k3nS3cr3t5)"),
      Behaviour::text(R"({"access_token":"T0k3nS3cr3t5","expires_in":"S3cr3t"})"),
      Behaviour::pause(429, echo),
      Behaviour::redirect("http://" + header + ".example.com/?" + header),
      Behaviour::only(Behaviour::Kind::hang),
      Behaviour::only(Behaviour::Kind::stall),
      Behaviour::only(Behaviour::Kind::truncated),
      Behaviour::only(Behaviour::Kind::huge_length),
      Behaviour::only(Behaviour::Kind::huge_chunked),
  };
  for (const Behaviour& fault : faults) {
    provider.behave(fault);
    EXPECT_THAT(failure(c, client).what(), Not(HasSubstr("S3cr3t"))) << fault.body;
  }
  provider.stop_listening();
  EXPECT_THAT(failure(c, client).what(), Not(HasSubstr("S3cr3t")));
  provider.listen_again();
  provider.behave(Behaviour::good());
  c.egress.timeout = 20s;
  const FetchedToken token = fetch(c, client);
  EXPECT_EQ(token.value.reveal(), provider.issued().at(0).value);
}

TEST_F(HttpSourceTest, FactoryIsCalled_SourceMatchesTheConfiguration) {
  TokenConfig token;
  token.name = "wechat";
  token.source = plain_;
  token.capacity = 4;
  answer(200, good_body);
  const std::unique_ptr<Source> source = make_source(token, {fake_, loop_.timers, no_tokens_, loop_.random});
  EXPECT_EQ(source->describe(), "https://api.example.com/token");
  EXPECT_THROW(static_cast<void>(loop_.run(source->fetch({}))), SourceError);
}

}  // namespace
}  // namespace jeton::agent
