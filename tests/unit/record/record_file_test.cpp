#include "agent/record/record_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "agent/base/error.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::agent {
namespace {

FleetCodec sealed() { return FleetCodec(std::make_shared<const Seal>(std::vector{Seal::new_key()})); }

Record record_with_state() {
  Record record;
  record.generation = 7;
  record.value = SecretString("access-s3cret");
  record.state = SecretString("refresh-s3cret");
  record.issued_at = from_unix_ms(1'795'000'000'000);
  record.expires_at = from_unix_ms(1'795'000'060'000);
  return record;
}

struct RecordFileTest : testing::Test {
  [[nodiscard]] std::string bytes() const {
    std::ifstream in(directory / "t.record", std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  test::TempDir dir;
  std::filesystem::path directory = dir / "state";
  FleetCodec codec = sealed();
};

TEST_F(RecordFileTest, RecordIsSavedTwice_LastOneIsLoaded) {
  RecordFile file(directory, "t", codec);
  EXPECT_FALSE(file.load());
  Record record = record_with_state();
  file.save(record);
  record.generation = 8;
  record.state = SecretString("refresh-2");
  file.save(record);
  const auto kept = RecordFile(directory, "t", codec).load();
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->generation, 8U);
  EXPECT_EQ(kept->state, SecretString("refresh-2"));
}

TEST_F(RecordFileTest, RecordIsSaved_FileIsSealedAndPrivate) {
  RecordFile file(directory, "t", codec);
  file.save(record_with_state());
  EXPECT_EQ(bytes().find("s3cret"), std::string::npos);
  struct stat status {};
  ASSERT_EQ(::stat((directory / "t.record").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  ASSERT_EQ(::stat(directory.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
}

TEST_F(RecordFileTest, SealKeyIsAnother_FileIsKeptAndErrorNamesTheKey) {
  RecordFile(directory, "t", codec).save(record_with_state());
  const std::string before = bytes();
  RecordFile other(directory, "t", sealed());
  try {
    static_cast<void>(other.load());
    FAIL() << "opened with another key";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("seal key"));
  }
  EXPECT_EQ(bytes(), before);
}

TEST_F(RecordFileTest, FileIsOfAnotherToken_IsRefused) {
  RecordFile(directory, "t", codec).save(record_with_state());
  std::filesystem::rename(directory / "t.record", directory / "u.record");
  RecordFile other(directory, "u", codec);
  EXPECT_THROW(static_cast<void>(other.load()), Error);
}

TEST_F(RecordFileTest, DirectoryIsAFile_ErrorNamesTheSetting) {
  dir.write("state", "a file");
  try {
    RecordFile file(directory, "t", codec);
    FAIL() << "took a file for a directory";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("agent.state_dir"));
  }
}

}  // namespace
}  // namespace jeton::agent
