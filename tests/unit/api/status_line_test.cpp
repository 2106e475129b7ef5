#include <gtest/gtest.h>

#include "agent/api/token_condition.hpp"

namespace jeton::agent {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class StatusLine : public ::testing::Test {
 protected:
  StatusLine() {
    status.now = from_unix_ms(1'800'000'000'000);
    status.coordinator = {"redis", "redis://127.0.0.1:6379/0", true, "", {}};
  }
  TokenStatus& add(const std::string& name, Milliseconds refresh_in) {
    TokenStatus& token = status.tokens.emplace_back();
    token.name = name;
    token.state = TokenState::valid;
    token.refresh_at = status.now + refresh_in;
    return token;
  }
  [[nodiscard]] std::string line() const { return status_line(status); }

  AgentStatus status;
};

TEST_F(StatusLine, TokensAreValid_SaysWhenTheNextRefreshIs) {
  status.tokens.reserve(2);
  TokenStatus& first = add("orders", minutes(4) + seconds(10));
  EXPECT_EQ(line(), "1 token valid, next refresh in 4m10s");
  add("stock", hours(3));
  EXPECT_EQ(line(), "2 tokens valid, next refresh in 4m10s");
  first.refresh_at = status.now + hours(50);
  EXPECT_EQ(line(), "2 tokens valid, next refresh in 3h");
  first.refresh_at = status.now;
  EXPECT_EQ(line(), "2 tokens valid, a refresh is due now");
}

TEST_F(StatusLine, TokensHaveTrouble_NamesTheWorst) {
  status.tokens.reserve(3);
  add("billing", hours(50));
  TokenStatus& orders = add("orders", minutes(4));
  TokenStatus& stock = add("stock", minutes(4));
  orders.last_error = "provider answered 503";
  EXPECT_EQ(line(), "3 tokens valid; the last refresh of orders failed: provider answered 503");
  stock.rejected = true;
  EXPECT_EQ(line(), "3 tokens valid; the provider refuses stock, and a newer one is awaited (and 1 more)");
  stock.state = TokenState::none;
  stock.last_error = "provider answered 401";
  EXPECT_EQ(line(), "2 of 3 tokens valid; there is no token stock yet: provider answered 401 (and 1 more)");
  orders.state = TokenState::expired;
  EXPECT_EQ(line(), "1 of 3 tokens valid; orders is expired: provider answered 503 (and 1 more)");
}

TEST_F(StatusLine, RefreshIsDueAndPaused_SaysWhy) {
  TokenStatus& token = add("orders", minutes(4));
  token.paused_until = status.now + hours(1);
  token.pause_reason = "the budget is spent";
  EXPECT_EQ(line(), "1 token valid, next refresh in 4m") << "before it is due a pause is no trouble";
  token.refresh_at = status.now;
  EXPECT_EQ(line(), "1 token valid; the refresh of orders is due, and paused: the budget is spent");
}

// On the page it is busy, and nobody has to look at it.
TEST_F(StatusLine, TokenHasNotComeYet_IsNamedIfNothingNeedsALook) {
  status.tokens.reserve(2);
  TokenStatus& orders = add("orders", minutes(4));
  add("stock", minutes(4)).state = TokenState::none;
  EXPECT_EQ(line(), "1 of 2 tokens valid; there is no token stock yet");
  orders.last_error = "provider answered 503";
  EXPECT_EQ(line(), "1 of 2 tokens valid; the last refresh of orders failed: provider answered 503");
}

TEST_F(StatusLine, OutputCannotBeWritten_IsATroubleOfItsToken) {
  OutputStatus& output = add("orders", hours(1)).outputs.emplace_back();
  output.path = "/etc/app/token";
  output.state = OutputStatus::State::failing;
  output.last_error = "No space left on device";
  EXPECT_EQ(line(), "1 token valid; an output of orders failed: /etc/app/token: No space left on device");
}

TEST_F(StatusLine, ErrorIsLongOrHasALineBreak_IsAShortLine) {
  add("orders", hours(1)).last_error = "first\nsecond " + std::string(1000, 'x');
  EXPECT_EQ(line().find('\n'), std::string::npos);
  EXPECT_LT(line().size(), 300U);
}

TEST_F(StatusLine, CoordinatorIsUnreachable_SaysSo) {
  add("orders", hours(26));
  status.coordinator.reachable = false;
  EXPECT_EQ(line(), "1 token valid, next refresh in 1d2h; the coordinator (redis) is unreachable");
}

TEST_F(StatusLine, AddressOfListenCannotBeHad_SaysSo) {
  add("orders", hours(26));
  status.listen = ListenStatus{"127.0.0.1:9717"};
  EXPECT_EQ(line(), "1 token valid, next refresh in 1d2h");
  status.listen->error = "the address 127.0.0.1:9717 of agent.listen is in use by another program";
  EXPECT_EQ(line(),
            "1 token valid, next refresh in 1d2h; the address 127.0.0.1:9717 of agent.listen is in use by another "
            "program");
}

TEST_F(StatusLine, LastReloadWasRefused_SaysSoUntilOneIsApplied) {
  add("orders", hours(26));
  status.refused_reload = "the files\nhave errors";
  EXPECT_EQ(line(), "1 token valid, next refresh in 1d2h; the last reload was refused: the files have errors");
}

TEST_F(StatusLine, NoTokenIsConfigured_SaysSo) { EXPECT_EQ(line(), "no tokens are configured"); }

}  // namespace
}  // namespace jeton::agent
