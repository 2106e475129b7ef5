#include "tests/support/eventually.hpp"
#include "tests/unit/client/client_fixture.hpp"

namespace jeton::test {
namespace {

class Accepts : public ClientTest {
 protected:
  void SetUp() override { make_store(); }
  static jeton_status accepts(const TokenPtr& token, std::string_view presented) {
    return jeton_accepts(token.get(), presented.data(), presented.size());
  }
  void publish_with_previous(std::chrono::milliseconds overlap) {
    agent::Record record = sample_record(4, "current-secret");
    record.previous = agent::PreviousToken{agent::SecretString("previous-secret"), 3, wall_now() + overlap};
    store->publish(record, wall_now());
  }
};

TEST_F(Accepts, ValueIsNotTheCurrentToken_Mismatches) {
  publish(3, "current-secret");
  const TokenPtr token = must_open();
  EXPECT_EQ(accepts(token, "current-secret"), JETON_OK);
  for (const char* other : {"", "c", "current-secre", "current-secret2", "Current-secret", "current-secreT"}) {
    EXPECT_EQ(accepts(token, other), JETON_MISMATCH) << other;
  }
}

TEST_F(Accepts, OverlapRuns_PreviousTokenIsAccepted) {
  publish_with_previous(std::chrono::minutes(5));
  const TokenPtr token = must_open();
  EXPECT_EQ(accepts(token, "current-secret"), JETON_OK);
  EXPECT_EQ(accepts(token, "previous-secret"), JETON_OK);
  EXPECT_EQ(accepts(token, "previous-secreT"), JETON_MISMATCH);
}

TEST_F(Accepts, OverlapEndsWithoutAnAgent_PreviousTokenMismatches) {
  publish_with_previous(std::chrono::milliseconds(150));
  store.reset();
  const TokenPtr token = must_open();
  EXPECT_TRUE(eventually([&] { return accepts(token, "previous-secret") == JETON_MISMATCH; }));
  EXPECT_EQ(accepts(token, "current-secret"), JETON_OK);
}

TEST_F(Accepts, TokenHasExpired_Mismatches) {
  publish_for(3, std::chrono::milliseconds(100));
  const std::string value = std::string(sample_record(3).value.reveal());
  const TokenPtr token = must_open();
  EXPECT_TRUE(eventually([&] { return accepts(token, value) == JETON_MISMATCH; }));
}

TEST_F(Accepts, TokenIsLong_IsComparedToTheLastByte) {
  std::string value(1000, 'x');
  publish(3, value);
  const TokenPtr token = must_open();
  EXPECT_EQ(accepts(token, value), JETON_OK);
  for (const std::size_t at : {0UL, 255UL, 256UL, 999UL}) {
    std::string other = value;
    other[at] = 'y';
    EXPECT_EQ(accepts(token, other), JETON_MISMATCH) << at;
  }
}

TEST_F(Accepts, ThereIsNoToken_SaysSo) {
  const TokenPtr token = must_open();
  EXPECT_EQ(accepts(token, "anything"), JETON_NO_TOKEN);
  EXPECT_EQ(jeton_accepts(token.get(), nullptr, 0), JETON_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace jeton::test
