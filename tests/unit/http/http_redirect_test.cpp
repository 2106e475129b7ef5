// Where a redirect may lead: what a request carries is meant for one host.
#include "tests/unit/http/http_client_fixture.hpp"

namespace jeton::agent {
namespace {

using test::Behaviour;
using test::FaultProvider;
using ::testing::HasSubstr;

class HttpRedirect : public HttpClientFixture {};

TEST_F(HttpRedirect, RedirectsAreNotAllowed_RedirectIsReturned) {
  provider_.behave(Behaviour::redirect("/other"));
  EXPECT_EQ(perform(request()).status, 302);
  EXPECT_EQ(provider_.counts().requests, 1U);
}

TEST_F(HttpRedirect, RedirectIsAllowedAndOnTheSameHost_IsFollowed) {
  provider_.behave(Behaviour::redirect("/other?x=1#fragment"));
  HttpRequest r = request();
  r.max_redirects = 1;
  const HttpResponse response = perform(std::move(r));
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(std::string(response.body.reveal()), ::testing::StartsWith("{\"access_token\""));
  EXPECT_EQ(provider_.seen().at(1).target, "/other?x=1");
  EXPECT_EQ(provider_.seen().at(1).headers.count("authorization"), 1U);
}

TEST_F(HttpRedirect, RedirectLeadsToAnotherHost_IsRefused) {
  FaultProvider other;
  for (const std::string& target :
       {other.url("/x"), std::string("http://localhost:") + std::to_string(provider_.port()),
        std::string("https://user@127.0.0.1/"), std::string("file:///etc/passwd")}) {
    provider_.behave(Behaviour::redirect(target));
    HttpRequest r = request();
    r.max_redirects = 5;
    EXPECT_EQ(failure(std::move(r)), Reason::redirect) << target;
  }
  EXPECT_EQ(other.counts().connections, 0U);
}

TEST_F(HttpRedirect, RedirectsExceedTheLimit_IsAnError) {
  provider_.behave(Behaviour::redirect("/token"));
  HttpRequest r = request();
  r.max_redirects = 3;
  EXPECT_EQ(failure(std::move(r)), Reason::redirect);
  EXPECT_THAT(message_, HasSubstr("more than 3"));
  EXPECT_EQ(provider_.counts().requests, 4U);
}

TEST_F(HttpRedirect, PostIsRedirectedBy307Or302_IsRepeatedOrBecomesGet) {
  for (const int status : {307, 302}) {
    provider_.behave(Behaviour::redirect("/other", status));
    HttpRequest r = request();
    r.method = HttpRequest::Method::post;
    r.body = SecretString("a=b");
    r.max_redirects = 1;
    EXPECT_EQ(perform(std::move(r)).status, 200);
  }
  const auto seen = provider_.seen();
  EXPECT_EQ(seen.at(1).method, "POST");
  EXPECT_EQ(seen.at(1).body, "a=b");
  EXPECT_EQ(seen.at(3).method, "GET");
  EXPECT_EQ(seen.at(3).body, "");
}

}  // namespace
}  // namespace jeton::agent
