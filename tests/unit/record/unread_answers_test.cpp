#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "agent/base/error.hpp"
#include "agent/base/private_file.hpp"
#include "agent/record/record_file.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr WallTime first_time = from_unix_ms(1'795'000'000'000);

FleetCodec with_seal() { return FleetCodec(std::make_shared<const Seal>(std::vector{Seal::new_key()})); }

class UnreadAnswersTest : public testing::Test {
 protected:
  UnreadAnswersTest() { make_private_directory(directory); }
  [[nodiscard]] UnreadAnswers of(const std::string& name) const { return UnreadAnswers(directory, name, codec); }
  [[nodiscard]] std::vector<std::string> texts(const std::string& name) const {
    std::vector<std::string> all;
    for (const auto& kept : of(name).all()) all.emplace_back(kept.answer.reveal());
    return all;
  }
  test::TempDir dir;
  std::filesystem::path directory = dir / "state";
  FleetCodec codec = with_seal();
};

TEST_F(UnreadAnswersTest, AnswerHasAnyBytes_IsReturnedUnchanged) {
  const std::string bytes("\x1f\x8b\0\xff s3cret\n", 12);
  of("t").keep(SecretString(bytes), first_time);
  EXPECT_THAT(texts("t"), ElementsAre(bytes));
  EXPECT_EQ(of("t").all().front().at, first_time);
}

TEST_F(UnreadAnswersTest, AnswerIsKept_FileIsSealedAndPrivate) {
  of("t").keep(SecretString("status 200\n\nrefresh-s3cret"), first_time);
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    ++files;
    EXPECT_THAT(test::read_file(entry.path()), Not(HasSubstr("s3cret")));
    struct stat status {};
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
  }
  EXPECT_EQ(files, 1);
  EXPECT_THROW(static_cast<void>(UnreadAnswers(directory, "t", with_seal()).all()), Error) << "another key";
  EXPECT_THROW(static_cast<void>(UnreadAnswers(directory, "t", FleetCodec()).all()), Error) << "no key";
}

TEST_F(UnreadAnswersTest, TheNewestAreKept_EachUpToALimit) {
  for (int i = 0; i < 5; ++i) of("t").keep(SecretString("answer " + std::to_string(i)), first_time + i * 1s);
  EXPECT_THAT(texts("t"), ElementsAre("answer 2", "answer 3", "answer 4"));
  of("t").keep(SecretString(std::string(max_unread_answer + 1, 'x')), first_time + 1h);
  EXPECT_EQ(texts("t").back().size(), max_unread_answer);
}

TEST_F(UnreadAnswersTest, AnotherTokenHasAnswers_TheyAreNeitherReadNorForgotten) {
  of("t").keep(SecretString("mine"), first_time);
  of("t.answer-5").keep(SecretString("of a token with a name like a file"), first_time);
  EXPECT_THAT(texts("t"), ElementsAre("mine"));
  of("t").forget();
  EXPECT_THAT(texts("t"), ElementsAre());
  EXPECT_THAT(texts("t.answer-5"), ElementsAre("of a token with a name like a file"));
}

TEST_F(UnreadAnswersTest, SealedForAnotherTokenOrTime_IsRefused) {
  of("t").keep(SecretString("mine"), first_time);
  const auto file = std::filesystem::directory_iterator(directory)->path();
  std::filesystem::rename(file, file.string() + "1");
  EXPECT_THROW(static_cast<void>(of("t").all()), Error);
}

TEST_F(UnreadAnswersTest, WithoutASeal_FileHoldsTheBytes) {
  const UnreadAnswers plain(directory, "t", FleetCodec());
  plain.keep(SecretString("status 200\n\nabc"), first_time);
  EXPECT_EQ(plain.all().front().answer.reveal(), "status 200\n\nabc");
}

}  // namespace
}  // namespace jeton::agent
