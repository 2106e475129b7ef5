// The users that may see an owner id, with which a lock can be released: decided by host and user, whatever the names
// of hosts look like.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "agent/api/locks/lock_json.hpp"
#include "agent/api/server/routes.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/api/fake_status.hpp"

namespace jeton::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;
using State = LockSession::State;

constexpr uid_t its_user = 54321;
const Peer its_process{its_user, its_user, {}, 4711};

class LockRoutes : public ::testing::Test {
 protected:
  LockRoutes() {
    status.offer_locks(directory.path(), std::to_string(its_user));
    status.agent().host = "host-1";
  }
  // Sessions end before the broker does.
  ~LockRoutes() override {
    for (const auto& session : opened) session->cancel();
    EXPECT_TRUE(loop.turn_until([&] {
      const auto counts = status.locks()->sessions();
      return counts.held + counts.waiting == 0;
    }));
  }

  std::shared_ptr<LockSession> begun(std::shared_ptr<LockSession> session) {
    opened.push_back(session);
    EXPECT_TRUE(loop.turn_until([&] { return session->state() != State::trying; }));
    return session;
  }
  // The owner id of "job", which this process holds now, as the fleet knows it.
  std::string held_by(const LockHolder& holder) {
    for (const auto& session : opened) session->cancel();
    EXPECT_TRUE(loop.turn_until([&] { return status.locks()->sessions().held == 0; }));
    LockRequest request;
    request.name = "job";
    request.locks.push_back(LockId{"job"});
    request.acquire.ttl = std::chrono::hours(1);
    request.acquire.note.by = holder;
    const auto session = begun(status.locks()->open(std::move(request)));
    EXPECT_EQ(session->state(), State::held) << session->reason();
    return session->held().front().lease.owner;
  }
  ApiResponse respond(const std::string& method, const std::string& path, const std::string& body) {
    return answer({method, path, body}, its_process, status, names, loop.clock.wall_now());
  }
  ApiAnswer ask(const std::string& method, const std::string& path, const std::string& body = {}) {
    const ApiResponse response = respond(method, path, body);
    const auto* later = std::get_if<LaterAnswer>(&response);
    return later == nullptr ? std::get<ApiAnswer>(response) : loop.run(later->work());
  }
  // What the user is shown of it, by each way.
  std::string shown() { return ask("GET", "/v1/locks/job").body; }
  std::string busy() {
    const ApiResponse tried = respond("POST", "/v1/locks/job", R"({"ttl_ms":1000})");
    const auto session = begun(std::get<OpenedLock>(tried).session);
    EXPECT_EQ(session->state(), State::busy);
    return lock_busy_json(*session, loop.clock.boot_now()) +
           lock_event(LockEvent::busy, *session, loop.clock.boot_now());
  }

  test::Loop loop;
  test::TempDir directory;
  test::FakeStatus status{loop.timers};
  AccountNames names{loop.clock};
  std::vector<std::shared_ptr<LockSession>> opened;
};

TEST_F(LockRoutes, HolderIsTheUserOnThisHost_SeesItsOwnerId) {
  const std::string owner = held_by({"host-1", its_user, 99});
  EXPECT_THAT(shown(), HasSubstr(owner));
  EXPECT_THAT(busy(), HasSubstr(owner));
}

TEST_F(LockRoutes, HolderHasTheSameNumberOnAnotherHost_OwnerIdIsNotShown) {
  const std::string number = std::to_string(its_user);
  for (const LockHolder& holder : {LockHolder{"host-2", its_user, 99}, LockHolder{"host-1", its_user + 1, 99},
                                   LockHolder{"", its_user, 99}, LockHolder{"host-1 uid " + number + " pid 1", 0, 99},
                                   LockHolder{"host-2 uid " + number + " pid 1", its_user, 99}}) {
    const std::string owner = held_by(holder);
    for (const std::string& seen : {shown(), busy()}) {
      EXPECT_THAT(seen, Not(HasSubstr(owner))) << lock_holder_text(holder);
      EXPECT_THAT(seen, HasSubstr(owner.substr(0, 8) + "..."));
    }
  }
}

TEST_F(LockRoutes, HolderIsShown_ByHostUserAndProcess) {
  static_cast<void>(held_by({"host-2", 7, 99}));
  const Json seen = Json::parse(shown());
  EXPECT_EQ(seen["by"], "host-2 uid 7 pid 99");
  EXPECT_EQ(seen["host"], "host-2");
  EXPECT_EQ(seen["uid"], 7);
  EXPECT_EQ(seen["pid"], 99);
  EXPECT_TRUE(seen["held_ms"].is_number_unsigned());
  const std::string told = busy();
  const Json answered = Json::parse(told.substr(0, told.find('\n')));
  EXPECT_THAT(answered["error"]["message"].get<std::string>(), HasSubstr("held by host-2 uid 7 pid 99, for 0s by now"));
  EXPECT_EQ(answered["holder_host"], "host-2");
  EXPECT_EQ(answered["holder_pid"], 99);
}

TEST_F(LockRoutes, NotHeldByThisOwner_WhoHasItIsTold) {
  static_cast<void>(held_by({"host-2", 7, 99}));
  for (const char* path : {"/v1/locks/job/extend", "/v1/locks/job/release"}) {
    const ApiAnswer refused = ask("POST", path, R"({"owner":"stranger","ttl_ms":1000})");
    EXPECT_EQ(refused.status, 409U);
    EXPECT_THAT(refused.body, HasSubstr("another owner has it now: host-2 uid 7 pid 99"));
  }
  const ApiAnswer gone = ask("POST", "/v1/locks/other/release", R"({"owner":"stranger"})");
  EXPECT_THAT(gone.body, HasSubstr("it has expired, was deleted, or was released"));
}

TEST_F(LockRoutes, BodyIsWrong_RefusalSaysWhat) {
  const std::pair<const char*, const char*> wrong[] = {
      {"[]", "the body must be a JSON object"},
      {"{}", "the body must have ttl_ms, the TTL in milliseconds"},
      {R"({"ttl_ms":null})", "the body must have ttl_ms"},
      {R"({"ttl_ms":0})", "ttl_ms is less than 50ms"},
      {R"({"ttl_ms":"1s"})", "ttl_ms must be a whole number of milliseconds, at most a year"},
      {R"({"ttl_ms":1000,"retry_ms":0})", "retry_ms must be 1 or more"},
      {R"({"ttl_ms":1000,"metadata":"a\nb"})", "metadata must be text of at most 512 bytes without control characters"},
      {R"({"ttl_ms":1000,"names":["b",1]})", "names must be a list of names"},
      {R"({"ttl_ms":1000,"names":["b","job"]})", "names: 'job' is listed twice"},
      {R"({"ttl_ms":1000,"owners":{"job":1}})", "owners must be an object of names and owner ids"},
      {R"({"ttl_ms":1000,"owner":"o"})",
       "the agent chooses the owner id of a lock that a connection holds; leave owner out"},
      {R"({"ttl_ms":1000,"other":1})", "'other' is not a known member of the body"},
  };
  for (const auto& [body, message] : wrong) {
    const ApiAnswer refused = ask("POST", "/v1/locks/job", body);
    EXPECT_EQ(refused.status, 400U) << body;
    EXPECT_THAT(Json::parse(refused.body)["error"]["message"].get<std::string>(), ::testing::StartsWith(message));
  }
  const ApiAnswer several = ask("POST", "/v1/locks/job/acquire", R"({"ttl_ms":1000,"names":["b"]})");
  EXPECT_THAT(several.body, HasSubstr("several locks are taken over a connection"));
  EXPECT_THAT(ask("POST", "/v1/locks/job/extend", "{}").body, HasSubstr("the body must have owner and ttl_ms"));
}

TEST_F(LockRoutes, NamesAreAskedFor_ThoseTheUserMayTakeAreListed) {
  const auto names_for = [&](const Peer& peer) {
    const ApiResponse response = answer({"GET", "/v1/locks", {}}, peer, status, names, loop.clock.wall_now());
    return Json::parse(std::get<ApiAnswer>(response).body)["locks"].get<std::vector<std::string>>();
  };
  held_by({"host-1", its_user, 4711});
  LockRules rules;
  rules["*"].pattern = "*";
  rules["*"].access.users.push_back(std::to_string(its_user));
  rules["nightly"].pattern = "nightly";
  rules["nightly"].access.users.push_back("12345");
  status.locks()->configure(rules);
  EXPECT_EQ(names_for(its_process), std::vector<std::string>{"job"});
  EXPECT_EQ(names_for({12345, 12345, {}, 1}), std::vector<std::string>{"nightly"});
}

}  // namespace
}  // namespace jeton::agent
