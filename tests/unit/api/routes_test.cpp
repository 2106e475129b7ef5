#include "agent/api/server/routes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "agent/api/status_json.hpp"
#include "tests/support/loop.hpp"
#include "tests/unit/api/fake_status.hpp"

namespace jeton::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Json = nlohmann::json;

const Peer unknown_peer{54321, 54321, {}, 1};

class Routes : public ::testing::Test {
 protected:
  ApiResponse respond(const std::string& target, const std::string& method, const Peer& peer) {
    return answer({method, target, {}}, peer, status, names, loop.clock.wall_now());
  }
  // What is answered at once.
  ApiAnswer ask(const std::string& target, const std::string& method = "GET", const Peer& peer = unknown_peer) {
    return std::get<ApiAnswer>(respond(target, method, peer));
  }
  ApiAnswer post(const std::string& target, const std::string& body, const Peer& peer) {
    return std::get<ApiAnswer>(answer({"POST", target, body}, peer, status, names, loop.clock.wall_now()));
  }
  ApiAnswer reload(const Peer& peer) {
    const ApiResponse response = respond("/v1/reload", "POST", peer);
    return loop.run(std::get<LaterAnswer>(response).work());
  }
  std::string error_code(const ApiAnswer& response) { return Json::parse(response.body)["error"]["code"]; }

  test::Loop loop;
  test::FakeStatus status{loop.timers};
  AccountNames names{loop.clock};
};

TEST_F(Routes, ReloadIsAskedForByAnAdmin_IsAnsweredWithTheVerdict) {
  const Peer root{0, 0, {}, 1};
  status.reload_verdict = {{}, {"agent.yaml:3:1: warning: x"}};
  const ApiAnswer applied = reload(root);
  EXPECT_EQ(applied.status, 200U);
  EXPECT_EQ(Json::parse(applied.body),
            Json::parse(R"({"reloaded": true, "problems": ["agent.yaml:3:1: warning: x"]})"));

  status.reload_verdict = {"the files have errors", {"agent.yaml:3:1: error: y"}};
  const ApiAnswer refused = reload(root);
  EXPECT_EQ(refused.status, 409U);
  EXPECT_EQ(error_code(refused), "reload_refused");
  EXPECT_EQ(Json::parse(refused.body)["error"]["message"], "the files have errors");
  EXPECT_EQ(Json::parse(refused.body)["problems"][0], "agent.yaml:3:1: error: y");
}

TEST_F(Routes, ReloadIsAskedForByAnybodyElse_IsForbidden) {
  const ApiAnswer response = ask("/v1/reload", "POST");
  EXPECT_EQ(response.status, 403U);
  EXPECT_EQ(ask("/v1/reload").status, 405U);
}

TEST_F(Routes, StatusIsAsked_DescribesAgentCoordinatorAndEveryToken) {
  status.add("github");
  status.add("wechat");
  const ApiAnswer response = ask("/v1/status");
  EXPECT_EQ(response.status, 200U);
  const Json json = Json::parse(response.body);
  EXPECT_EQ(json["host"], "host-1");
  EXPECT_GE(json["uptime_ms"], 120'000);
  EXPECT_EQ(json["ready"], true);
  EXPECT_EQ(json["coordinator"]["backend"], "redis");
  EXPECT_EQ(json["coordinator"]["clock_offset_ms"], -12);
  EXPECT_EQ(json["coordinator"]["last_error"], nullptr);
  EXPECT_EQ(json["locks"], nullptr) << "nobody may take any";
  ASSERT_EQ(json["tokens"].size(), 2U);
  EXPECT_EQ(json["tokens"][0]["name"], "github");
  EXPECT_EQ(json["tokens"][1]["name"], "wechat");
}

TEST_F(Routes, TokenIsValid_RefreshTimeIsExpiryMinusGraceAndSpread) {
  status.add("wechat");
  const Json json = Json::parse(ask("/v1/tokens/wechat").body);
  EXPECT_EQ(json["state"], "valid");
  EXPECT_EQ(json["phase"], "quiet");
  EXPECT_EQ(json["generation"], 1795000000000000);
  EXPECT_EQ(json["refresh_at_ms"], json["expires_at_ms"].get<std::int64_t>() - json["grace_ms"].get<std::int64_t>() -
                                       json["spread_delay_ms"].get<std::int64_t>());
  EXPECT_EQ(json["expires_in_ms"], json["expires_at_ms"].get<std::int64_t>() - json["now_ms"].get<std::int64_t>());
  EXPECT_EQ(json["previous"], nullptr);
  EXPECT_EQ(json["pause"], nullptr);
  EXPECT_EQ(json["last_error"], nullptr);
  EXPECT_EQ(json["lock"]["held"], false);
  EXPECT_EQ(json["counters"]["fetches"], 0);
}

TEST_F(Routes, TokenHasTroubles_PreviousPauseAndLastErrorAreShown) {
  const WallTime now = loop.clock.wall_now();
  TokenStatus& token = status.add("wechat");
  token.previous_generation = 7;
  token.previous_accept_until = now + std::chrono::seconds(30);
  token.paused_until = now + std::chrono::seconds(20);
  token.pause_reason = "429";
  token.last_error = "not UTF-8: \xff";
  token.last_error_at = now - std::chrono::seconds(5);
  const Json json = Json::parse(ask("/v1/tokens/wechat").body);
  EXPECT_EQ(json["previous"]["generation"], 7);
  EXPECT_LE(json["previous"]["accept_in_ms"], 30'000);
  EXPECT_EQ(json["pause"]["reason"], "429");
  EXPECT_LE(json["pause"]["in_ms"], 20'000);
  EXPECT_EQ(json["last_error"]["message"], "not UTF-8: \xef\xbf\xbd");
  EXPECT_GE(json["last_error"]["age_ms"], 5'000);
}

TEST_F(Routes, TokenHasAttributes_AreNotInTheStatus) {
  status.add("wechat").attributes["instance"] = "s3cret-instance";
  EXPECT_THAT(ask("/v1/status").body + ask("/v1/tokens/wechat").body, Not(HasSubstr("s3cret-instance")));
}

TEST_F(Routes, NoTokenWasFetchedYet_FieldsAreNull) {
  TokenStatus& token = status.add("wechat");
  token = {};
  token.name = "wechat";
  const Json json = Json::parse(ask("/v1/tokens/wechat").body);
  EXPECT_EQ(json["state"], "none");
  for (const char* member : {"fingerprint", "issued_at_ms", "expires_at_ms", "expires_in_ms", "refresh_at_ms",
                             "refresh_in_ms", "last_fetch_at_ms"}) {
    EXPECT_EQ(json[member], nullptr) << member;
  }
}

TEST_F(Routes, TokenIsUnknown_ErrorListsTheKnownTokens) {
  status.add("wechat");
  for (const char* path : {"/v1/tokens/wechatt", "/v1/tokens/wechatt/events"}) {
    const ApiAnswer response = ask(path);
    EXPECT_EQ(response.status, 404U);
    EXPECT_EQ(error_code(response), "unknown_token");
    EXPECT_THAT(response.body, HasSubstr("it has wechat"));
  }
}

TEST_F(Routes, AdminIsNoReader_FollowsNoTokenAndRejectsNone) {
  status.add("wechat", {{}, {"daemon"}});
  status.admin_access().users = {"54321"};
  EXPECT_EQ(post("/v1/tokens/wechat/refresh", "", unknown_peer).status, 202U);
  EXPECT_EQ(ask("/v1/tokens/wechat/events").status, 403U);
  EXPECT_EQ(post("/v1/tokens/wechat/rejected", "{\"generation\": 7}", unknown_peer).status, 403U);
}

TEST_F(Routes, EventsAreAskedByANonReader_RefusalNamesTheSetting) {
  status.add("wechat", {{}, {"daemon"}});
  const ApiAnswer refused = ask("/v1/tokens/wechat/events");
  EXPECT_EQ(refused.status, 403U);
  EXPECT_EQ(error_code(refused), "forbidden");
  EXPECT_THAT(refused.body, HasSubstr("tokens.wechat.access.groups"));
  const ApiResponse followed = respond("/v1/tokens/wechat/events", "GET", {0, 0, {}, 1});
  ASSERT_TRUE(std::holds_alternative<TokenEvents>(followed));
  EXPECT_EQ(std::get<TokenEvents>(followed).token, "wechat");
}

TEST_F(Routes, ATokenIsNotValid_AgentIsNotReady) {
  EXPECT_EQ(ask("/ready").status, 200U) << "no token at all counts as ready";
  status.add("github");
  status.add("wechat").state = TokenState::expired;
  status.add("zoom").state = TokenState::none;
  const ApiAnswer response = ask("/ready");
  EXPECT_EQ(response.status, 503U);
  const Json json = Json::parse(response.body);
  EXPECT_EQ(json["ready"], false);
  ASSERT_EQ(json["tokens"].size(), 2U);
  EXPECT_EQ(json["tokens"][0]["name"], "wechat");
  EXPECT_EQ(json["tokens"][0]["state"], "expired");
  EXPECT_EQ(json["tokens"][1]["name"], "zoom");
  EXPECT_EQ(json["tokens"][1]["state"], "none");
  EXPECT_EQ(ask("/live").status, 200U) << "alive all the same";
}

TEST_F(Routes, AgentIsNotReady_ReasonIsNamedWithoutTheErrorItself) {
  TokenStatus& token = status.add("wechat");
  token.state = TokenState::expired;
  token.last_error = "the provider said: account 4711";
  const auto reason = [&] {
    const std::string body = ask("/ready").body;
    EXPECT_THAT(body, Not(HasSubstr("4711")));
    return Json::parse(body)["tokens"][0]["reason"].get<std::string>();
  };
  EXPECT_EQ(reason(), "a new token is awaited");
  token.phase = RefreshPhase::starting;
  EXPECT_EQ(reason(), "the agent is starting");
  token.consecutive_failures = 1;
  EXPECT_EQ(reason(), "the last fetch failed");
  token.paused_until = loop.clock.wall_now() + std::chrono::minutes(1);
  EXPECT_THAT(reason(), HasSubstr("a pause"));
  status.agent().coordinator.reachable = false;
  EXPECT_EQ(reason(), "the coordinator cannot be reached");
  token.host_only = true;
  EXPECT_THAT(reason(), HasSubstr("a pause"));
}

TEST_F(Routes, AddressOfListenCannotBeHad_IsAWarningOfAReadyAgent) {
  EXPECT_EQ(Json::parse(ask("/v1/status").body)["listen"], nullptr);
  status.agent().listen = ListenStatus{"127.0.0.1:9717"};
  EXPECT_EQ(Json::parse(ask("/ready").body)["warnings"], Json::array());
  EXPECT_EQ(Json::parse(ask("/v1/status").body)["listen"]["listening"], true);
  status.agent().listen = ListenStatus{"127.0.0.1:9717", "it is in use", "choose another one"};
  const ApiAnswer ready = ask("/ready");
  EXPECT_EQ(ready.status, 200U);
  EXPECT_EQ(Json::parse(ready.body)["warnings"], Json::array({"it is in use"}));
  const Json listen = Json::parse(ask("/v1/status").body)["listen"];
  EXPECT_EQ(listen["listening"], false);
  EXPECT_EQ(listen["last_error"], "it is in use");
  EXPECT_EQ(listen["remedy"], "choose another one");
}

TEST_F(Routes, MetricsAreAsked_AreInTheFormatThatIsAccepted) {
  ApiRequest request{"GET", "/metrics", {}};
  request.accept = "text/plain";
  const ApiResponse response = answer(request, unknown_peer, status, names, loop.clock.wall_now());
  const ApiAnswer page = loop.run(std::get<LaterAnswer>(response).work());
  EXPECT_EQ(page.status, 200U);
  EXPECT_EQ(page.content_type, "text/plain; version=0.0.4");
  EXPECT_EQ(page.body, "# for text/plain\n");
  EXPECT_EQ(ask("/metrics", "POST").status, 405U);
}

TEST_F(Routes, ClientComesOverTheNetwork_HasHealthAndMetricsOnly) {
  status.add("wechat");
  const Peer nobody;
  const auto ask_from_afar = [&](const std::string& target, const std::string& method = "GET") {
    return monitoring_answer({method, target, {}}, nobody, status, names, loop.clock.wall_now());
  };
  EXPECT_EQ(std::get<ApiAnswer>(ask_from_afar("/live")).status, 200U);
  EXPECT_EQ(std::get<ApiAnswer>(ask_from_afar("/ready?verbose=1")).status, 200U);
  EXPECT_TRUE(std::holds_alternative<LaterAnswer>(ask_from_afar("/metrics")));
  for (const char* target :
       {"/v1/status", "/v1/tokens/wechat", "/v1/tokens/wechat/events", "/v1/locks/a", "/", "live"}) {
    EXPECT_EQ(std::get<ApiAnswer>(ask_from_afar(target)).status, 404U) << target;
  }
  for (const char* target : {"/v1/reload", "/v1/tokens/wechat/refresh", "/v1/tokens/wechat/rejected", "/v1/locks/a"}) {
    EXPECT_EQ(std::get<ApiAnswer>(ask_from_afar(target, "POST")).status, 404U) << target;
  }
  EXPECT_TRUE(status.requests.empty());
}

TEST_F(Routes, PathIsOfAClientsChoice_KindIsOneOfAFew) {
  EXPECT_EQ(path_kind("/v1/tokens/wechat/events?x"), "tokens");
  EXPECT_EQ(path_kind("/v1/locks/a"), "locks");
  EXPECT_EQ(path_kind("/v1/status"), "status");
  EXPECT_EQ(path_kind("/v1/reload"), "reload");
  EXPECT_EQ(path_kind("/v1/log-level"), "log-level");
  EXPECT_EQ(path_kind("/v1/doctor"), "doctor");
  EXPECT_EQ(path_kind("/ready"), "ready");
  EXPECT_EQ(path_kind("/metrics?a=b"), "metrics");
  EXPECT_EQ(path_kind("/"), "page");
  EXPECT_EQ(path_kind("/events"), "page");
  for (const char* target : {"", "/v1/tokens/", "/nowhere", "live"}) EXPECT_EQ(path_kind(target), "other") << target;
}

TEST_F(Routes, PathHasEscapesAndAQuery_IsDecodedAndQueryIsIgnored) {
  status.add("wechat");
  EXPECT_EQ(ask("/v1/tokens/we%63hat?verbose=1").status, 200U);
  EXPECT_EQ(ask("/v1/tokens/we%6").status, 400U);
  EXPECT_EQ(ask("/v1/tokens/%zz").status, 400U);
}

TEST_F(Routes, PathOrMethodIsUnknown_IsNotFoundOrNotAllowed) {
  for (const char* path : {"/", "/v1", "/v1/tokens", "/v1/tokens/", "/v2/status", "/live/"}) {
    EXPECT_EQ(ask(path).status, 404U) << path;
  }
  status.add("wechat");
  EXPECT_EQ(ask("/v1/tokens/wechat/value/x").status, 404U);
  EXPECT_EQ(ask("v1/status").status, 400U);
  for (const char* method : {"POST", "DELETE", "PUT", "OPTIONS", ""}) {
    const ApiAnswer response = ask("/v1/status", method);
    EXPECT_EQ(response.status, 405U) << method;
    EXPECT_EQ(response.allow, "GET, HEAD");
  }
}

TEST_F(Routes, OnlyPhaseLockAndCountsChange_SummaryStaysTheSame) {
  TokenStatus& token = status.add("wechat");
  const std::string before = token_summary(token);
  token.phase = RefreshPhase::fetching;
  token.holds_lock = true;
  ++token.fetches;
  EXPECT_EQ(token_summary(token), before);
  ++token.generation;
  EXPECT_NE(token_summary(token), before);
}

const Peer reader{12345, 12345, {}, 1};

TEST_F(Routes, RejectionNamesTheCurrentGeneration_IsPassedOn) {
  const auto generation = std::to_string(status.add("wechat", {{"12345"}, {}}).generation);
  const ApiAnswer response = post("/v1/tokens/wechat/rejected", "{\"generation\": " + generation + "}", reader);
  EXPECT_EQ(response.status, 202U);
  EXPECT_THAT(status.requests, ::testing::ElementsAre("rejected wechat"));
  const Json json = Json::parse(response.body);
  EXPECT_EQ(json["superseded"], false);
  EXPECT_EQ(json["held_by"], nullptr);
}

TEST_F(Routes, RejectionNamesAnOlderGeneration_AnswerHasTheNewerOne) {
  const Generation generation = status.add("wechat", {{"12345"}, {}}).generation;
  const ApiAnswer response = post("/v1/tokens/wechat/rejected", "{\"generation\": 7}", reader);
  EXPECT_EQ(response.status, 200U);
  const Json json = Json::parse(response.body);
  EXPECT_EQ(json["superseded"], true);
  EXPECT_EQ(json["generation"], generation);
  EXPECT_THAT(status.requests, IsEmpty());
}

TEST_F(Routes, RejectionNamesAnUnknownGeneration_IsRefused) {
  status.add("wechat", {{"12345"}, {}});
  const ApiAnswer response = post("/v1/tokens/wechat/rejected", "{\"generation\": 9999999999999999}", reader);
  EXPECT_EQ(response.status, 409U);
  EXPECT_EQ(error_code(response), "unknown_generation");
}

TEST_F(Routes, RejectionIsFromANonReader_IsForbidden) {
  status.add("wechat", {{"12345"}, {}});
  EXPECT_EQ(post("/v1/tokens/wechat/rejected", "{\"generation\": 7}", unknown_peer).status, 403U);
  EXPECT_THAT(status.requests, IsEmpty());
}

TEST_F(Routes, RejectionHasNoValidGeneration_IsABadRequest) {
  status.add("wechat", {{"12345"}, {}});
  for (const char* body :
       {"", "{}", "[1]", "{\"generation\": \"7\"}", "{\"generation\": -1}", "{\"generation\": 1.5}", "{"}) {
    EXPECT_EQ(post("/v1/tokens/wechat/rejected", body, reader).status, 400U) << body;
  }
}

TEST_F(Routes, RefreshIsAskedByANonAdmin_IsForbidden) {
  status.add("wechat", {{"12345"}, {}});
  const ApiAnswer refused = post("/v1/tokens/wechat/refresh", "", reader);
  EXPECT_EQ(refused.status, 403U);
  EXPECT_THAT(refused.body, HasSubstr("agent.admins.groups"));
  EXPECT_THAT(status.requests, IsEmpty());

  status.admin_access().users = {"12345"};
  const ApiAnswer response = post("/v1/tokens/wechat/refresh", "", reader);
  EXPECT_EQ(response.status, 202U);
  EXPECT_THAT(status.requests, ::testing::ElementsAre("refresh wechat"));
  EXPECT_EQ(Json::parse(response.body)["held_by"], "paused: min_interval");
}

TEST_F(Routes, MethodIsWrongForTheRoute_AnswerNamesTheAllowedOnes) {
  status.add("wechat", {{"12345"}, {}});
  const ApiAnswer response = ask("/v1/tokens/wechat/rejected", "GET", reader);
  EXPECT_EQ(response.status, 405U);
  EXPECT_EQ(response.allow, "POST");
  EXPECT_EQ(ask("/v1/tokens/wechat", "POST", reader).allow, "GET, HEAD");
}

TEST_F(Routes, TokenHasOutputs_StatusListsThemWithTheirHooks) {
  OutputStatus output;
  output.path = "/run/x/t";
  output.state = OutputStatus::State::failing;
  output.generation = 17;
  output.written_at = from_unix_ms(5);
  output.writes = 2;
  output.failures = 3;
  output.last_error = "disk is full";
  output.on_change = HookStatus{"reload x.service", true, 4, 1, from_unix_ms(6), "no such unit", "5f0a"};
  status.add("api").outputs = {output, OutputStatus{}};
  const Json outputs = Json::parse(ask("/v1/tokens/api").body)["outputs"];
  EXPECT_EQ(outputs[0], Json::parse(R"({"path": "/run/x/t", "state": "failing", "generation": 17, "written_at_ms": 5,
      "writes": 2, "failures": 3, "last_error": "disk is full", "on_change": {"action": "reload x.service", "id": "5f0a",
      "due": true, "runs": 4, "failures": 1, "last_run_at_ms": 6, "last_error": "no such unit"}})"));
  EXPECT_EQ(outputs[1]["on_change"], nullptr);
  EXPECT_EQ(outputs[1]["last_error"], nullptr);
  EXPECT_EQ(outputs[1]["state"], "waiting");
}

}  // namespace
}  // namespace jeton::agent
