#include <gmock/gmock.h>

#include <jeton/client.hpp>
#include <map>

#include "tests/unit/client/client_fixture.hpp"

namespace jeton::test {
namespace {

using namespace std::chrono_literals;

class Wrapper : public ClientTest {
 protected:
  void SetUp() override { make_store(); }
  [[nodiscard]] jeton::Options options() const {
    jeton::Options result;
    result.directory = directory();
    return result;
  }
};

TEST_F(Wrapper, TokenIsRead_ValueAndInfoAreGiven) {
  publish(7, "the-token");
  const Token token("api", options());
  auto copy = token.read();
  ASSERT_TRUE(copy);
  EXPECT_EQ(copy->value, "the-token");
  EXPECT_EQ(copy->info.generation(), 7U);
  EXPECT_EQ(copy->info.type(), "Bearer");
  EXPECT_FALSE(copy->info.expired());
  EXPECT_FALSE(copy->info.rejected());
  EXPECT_FALSE(copy->info.previous_generation());
  EXPECT_TRUE(copy->info.heartbeat_age());
  EXPECT_GT(copy->info.expires_at(), copy->info.issued_at());
}

TEST_F(Wrapper, TokenIsLargerThanTheFirstBuffer_IsReadWhole) {
  store->reconfigure(100'000, {}, wall_now());
  const std::string large(50'000, 'x');
  publish(1, large);
  EXPECT_EQ(Token("api", options()).read().value().value, large);
}

TEST_F(Wrapper, ReaderOutlivesItsToken_ShowsEveryPartOfTheCurrentOne) {
  agent::Record record = sample_record(2, "new");
  record.previous = sample_previous(1, "old");
  store->publish(record, wall_now());
  Reader reader{Token("api", options())};  // the token itself may go
  auto current = reader.current();
  ASSERT_TRUE(current);
  EXPECT_EQ(current->value(), "new");
  EXPECT_EQ(current->type(), "Bearer");
  EXPECT_EQ(current->origin(), "host-1");
  EXPECT_EQ(current->previous_value(), "old");
  EXPECT_EQ(current->attribute("tenant"), "42");
  EXPECT_FALSE(current->attribute("none"));
  std::map<std::string, std::string> all;
  current->for_each_attribute([&](std::string_view name, std::string_view value) { all.emplace(name, value); });
  EXPECT_EQ(all, record.attributes);
}

TEST_F(Wrapper, TokenIsMissing_ConstructorThrowsAndTryOpenDoesNot) {
  try {
    const Token token("other", options());
    FAIL() << "was opened";
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), JETON_NOT_FOUND);
    EXPECT_THAT(e.what(), testing::HasSubstr("token 'other'"));
  }
  const auto token = Token::try_open("other", options());
  EXPECT_FALSE(token);
  EXPECT_EQ(token.status(), JETON_NOT_FOUND);
}

TEST_F(Wrapper, TextHasANul_IsNotTakenForItsPartBeforeIt) {
  publish(7);
  const std::string cut("api\0x", 5);
  jeton::Options options_cut = options();
  options_cut.directory.push_back('\0');
  EXPECT_EQ(Token::try_open(cut, options()).status(), JETON_INVALID_ARGUMENT);
  EXPECT_EQ(Token::try_open("api", options_cut).status(), JETON_INVALID_ARGUMENT);
  EXPECT_EQ(jeton::list(options_cut.directory).status(), JETON_INVALID_ARGUMENT);
  EXPECT_EQ(jeton::diagnose(cut, directory()).status(), JETON_INVALID_ARGUMENT);
  EXPECT_THROW(Lock{cut}, Error);
  LockOptions lock_options;
  lock_options.also = {cut};
  EXPECT_THROW(Lock("api", lock_options), Error);
  lock_options.also.clear();
  lock_options.metadata = cut;
  EXPECT_THROW(Lock("api", lock_options), Error);
}

TEST_F(Wrapper, ThereIsNoToken_ResultHasTheStatus) {
  auto token = Token::try_open("api", options());
  ASSERT_TRUE(token);
  EXPECT_EQ(token->read().status(), JETON_NO_TOKEN);
  EXPECT_THROW(static_cast<void>(token->read().value()), Error);
  Reader reader(*token);
  EXPECT_EQ(reader.current().status(), JETON_NO_TOKEN);
  EXPECT_EQ(token->inspect().status(), JETON_NO_TOKEN);
}

TEST_F(Wrapper, WaitWithATimeout_EndsWithATokenOrTimesOut) {
  const Token token("api", options());
  EXPECT_EQ(token.wait_valid(1ms), JETON_TIMED_OUT);
  EXPECT_EQ(token.wait_valid(-1ms), JETON_TIMED_OUT);  // not without a limit
  publish(5);
  EXPECT_TRUE(token.wait_valid().ok());
  EXPECT_EQ(token.wait_change(4).value(), 5U);
  EXPECT_EQ(token.wait_change(5, 1ms).status(), JETON_TIMED_OUT);
}

TEST_F(Wrapper, HandlesAreMoved_KeepWorking) {
  publish(1, "one");
  Token token("api", options());
  Token moved(std::move(token));
  Reader reader(moved);
  Reader other(std::move(reader));
  EXPECT_EQ(other.current()->value(), "one");
  token = std::move(moved);
  EXPECT_EQ(token.read()->value, "one");
}

}  // namespace
}  // namespace jeton::test
