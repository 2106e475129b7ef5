#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <fstream>
#include <thread>

#include "libclient/layout/geometry.hpp"
#include "tests/support/eventually.hpp"
#include "tests/unit/client/client_fixture.hpp"

namespace jeton::test {
namespace {

using namespace std::chrono_literals;

class Read : public ClientTest {
 protected:
  void SetUp() override { make_store(); }
};

TEST_F(Read, NoTokenIsPublishedYet_SaysSo) {
  const TokenPtr token = must_open();
  EXPECT_EQ(read(token), "<" + std::string(jeton_status_text(JETON_NO_TOKEN)) + ">");
}

TEST_F(Read, TokenIsPublished_ValueAndInfoAreOfTheSameToken) {
  agent::Record record = sample_record(7, "the-token");
  record.previous = sample_previous(6, "old");
  store->publish(record, wall_now());
  store->heartbeat(wall_now());
  const TokenPtr token = must_open();
  char buffer[64];
  std::memset(buffer, 'x', sizeof(buffer));
  std::size_t size = 0;
  jeton_info info = JETON_INFO_INIT;
  ASSERT_EQ(jeton_read(token.get(), buffer, sizeof(buffer), &size, &info), JETON_OK);
  EXPECT_EQ(std::string(buffer), "the-token");  // terminated, because there was room
  EXPECT_EQ(size, 9U);
  EXPECT_EQ(info.size, sizeof(info));
  EXPECT_EQ(info.generation, 7U);
  EXPECT_EQ(info.value_size, 9U);
  EXPECT_EQ(info.issued_at_ms, agent::to_unix_ms(record.issued_at));
  EXPECT_EQ(info.expires_at_ms, agent::to_unix_ms(record.expires_at));
  EXPECT_EQ(info.previous_generation, 6U);
  EXPECT_EQ(info.previous_accept_until_ms, agent::to_unix_ms(record.previous->accept_until));
  EXPECT_EQ(info.flags, JETON_FLAG_VALID);
  EXPECT_STREQ(info.type, "Bearer");
  EXPECT_GE(info.heartbeat_age_ms, 0);
  EXPECT_NE(info.heartbeat_ms, 0);
}

TEST_F(Read, BufferIsTooSmall_NeededSizeIsGiven) {
  publish(1, "0123456789");
  const TokenPtr token = must_open();
  char buffer[10];
  std::size_t size = 0;
  EXPECT_EQ(jeton_read(token.get(), buffer, 9, &size, nullptr), JETON_BUFFER_TOO_SMALL);
  EXPECT_EQ(size, 10U);
  EXPECT_EQ(jeton_read(token.get(), nullptr, 0, &size, nullptr), JETON_BUFFER_TOO_SMALL);
  EXPECT_EQ(jeton_read(token.get(), buffer, 10, &size, nullptr), JETON_OK);  // no room for a terminator: none
  EXPECT_EQ(std::string(buffer, size), "0123456789");
}

TEST_F(Read, InfoIsOfAnOlderCaller_IsFilledUpToItsSize) {
  publish(7);
  const TokenPtr token = must_open();
  jeton_info info = JETON_INFO_INIT;
  info.size = offsetof(jeton_info, expires_at_ms);
  info.expires_at_ms = -5;
  ASSERT_EQ(jeton_inspect(token.get(), &info), JETON_OK);
  EXPECT_EQ(info.generation, 7U);
  EXPECT_EQ(info.size, offsetof(jeton_info, expires_at_ms));
  EXPECT_EQ(info.expires_at_ms, -5);
}

TEST_F(Read, TokenExpires_ValueIsNotGiven) {
  publish_for(1, 50ms);
  const TokenPtr token = must_open();
  EXPECT_TRUE(eventually([&] { return read(token) == "<" + std::string(jeton_status_text(JETON_EXPIRED)) + ">"; }));
  char buffer[64] = {};
  std::size_t size = 77;
  EXPECT_EQ(jeton_read(token.get(), buffer, sizeof(buffer), &size, nullptr), JETON_EXPIRED);
  EXPECT_EQ(size, 77U);
  EXPECT_EQ(std::string(buffer), "");
}

TEST_F(Read, ExpiredTokenIsAllowed_ValueIsGiven) {
  publish_for(1, 0ms);
  const TokenPtr token = must_open(JETON_ALLOW_EXPIRED);
  EXPECT_EQ(read(token), "secret-value");
  jeton_info info = JETON_INFO_INIT;
  ASSERT_EQ(jeton_inspect(token.get(), &info), JETON_OK);
  EXPECT_EQ(info.flags, JETON_FLAG_EXPIRED);
}

TEST_F(Read, AgentMarksTheTokenExpired_IsExpired) {
  publish(1);
  store->mark_expired();
  const TokenPtr token = must_open();
  EXPECT_EQ(read(token), "<" + std::string(jeton_status_text(JETON_EXPIRED)) + ">");
  jeton_info info = JETON_INFO_INIT;
  EXPECT_EQ(jeton_inspect(token.get(), &info), JETON_OK);
  EXPECT_EQ(info.flags, JETON_FLAG_EXPIRED);
}

TEST_F(Read, ContentIsDamaged_IsCorrupt) {
  publish(1);
  {
    std::fstream stream(file(), std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(layout::geometry_for(1024).content_offset(1)));
    stream << "X";
  }
  EXPECT_EQ(read(must_open()), "<" + std::string(jeton_status_text(JETON_CORRUPT)) + ">");
}

TEST_F(Read, SegmentIsReplacedAgainAndAgain_EveryReadSucceeds) {
  publish(1, "one");
  const TokenPtr token = must_open();
  EXPECT_EQ(read(token), "one");
  for (std::size_t capacity = 2000; capacity < 2020; ++capacity) {
    store->reconfigure(capacity, {}, wall_now());
    EXPECT_EQ(read(token), "one");
  }
  publish(2, "two");
  EXPECT_EQ(read(token), "two");
}

TEST_F(Read, TokenIsRetired_IsNotFoundUntilItIsPublishedAgain) {
  publish(1, "one");
  const TokenPtr token = must_open();
  store->retire();
  EXPECT_EQ(read(token), "<" + std::string(jeton_status_text(JETON_NOT_FOUND)) + ">");
  make_store();
  publish(2, "two");
  EXPECT_EQ(read(token), "two");
}

TEST_F(Read, FileOfAnExpiredTokenIsReplaced_NewTokenIsFound) {
  publish_for(1, 0ms);
  const TokenPtr token = must_open();
  std::filesystem::remove(file());  // nobody says so to those who have it mapped
  make_store();
  publish(2, "two");
  EXPECT_TRUE(eventually([&] { return read(token) == "two"; }));
}

TEST_F(Read, MissingTokenIsAllowed_IsReadOnceItIsPublished) {
  store->retire();
  const TokenPtr token = must_open(JETON_ALLOW_MISSING);
  EXPECT_EQ(read(token), "<" + std::string(jeton_status_text(JETON_NOT_FOUND)) + ">");
  const ReaderPtr reader = must_open_reader(token);
  EXPECT_EQ(current(reader), "<" + std::string(jeton_status_text(JETON_NOT_FOUND)) + ">");
  make_store();
  publish(1, "there");
  EXPECT_EQ(read(token), "there");
  EXPECT_EQ(current(reader), "there");
}

TEST_F(Read, ManyThreadsShareOneToken_EachReadsCompleteAndNewerValues) {
  publish(1, checked_value(1, 100));
  const TokenPtr token = must_open();
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      ReaderPtr reader = must_open_reader(token);
      agent::Generation newest = 0;
      while (!done) {
        const std::string value = i == 0 ? read(token) : current(reader);
        if (value == "<" + std::string(jeton_status_text(JETON_BUSY)) + ">") continue;
        const agent::Generation generation = checked_generation(value);
        if (generation == 0 || generation < newest) ++wrong;
        newest = std::max(newest, generation);
      }
    });
  }
  for (agent::Generation g = 2; g <= 400; ++g) {
    if (g % 20 == 0) store->reconfigure(1000 + g, {}, wall_now());
    publish(g, checked_value(g, g));
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(Read, ProcessForks_ChildReadsAndWaitsOn) {
  publish(1, "one");
  const TokenPtr token = must_open();
  const ReaderPtr reader = must_open_reader(token);
  EXPECT_EQ(current(reader), "one");
  std::array<int, 2> go = {};
  std::array<int, 2> answer = {};
  ASSERT_EQ(::pipe(go.data()), 0);
  ASSERT_EQ(::pipe(answer.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    char byte = 0;
    if (current(reader).size() != 3) ::_exit(1);  // "one", or "two" already
    if (::read(go[0], &byte, 1) != 1) ::_exit(2);
    if (current(reader) != "two" || read(token) != "two") ::_exit(3);
    if (::write(answer[1], "x", 1) != 1) ::_exit(6);
    if (jeton_wait_change(token.get(), 2, 20'000, nullptr) != JETON_OK) ::_exit(4);
    ::_exit(current(reader) == "three" ? 0 : 5);
  }
  publish(2, "two");
  ASSERT_EQ(::write(go[1], "x", 1), 1);
  EXPECT_EQ(current(reader), "two");
  ::close(answer[1]);
  char byte = 0;
  EXPECT_EQ(::read(answer[0], &byte, 1), 1);  // the child has seen 2
  publish(3, "three");
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(current(reader), "three");
  for (const int fd : {go[0], go[1], answer[0]}) ::close(fd);
}

}  // namespace
}  // namespace jeton::test
