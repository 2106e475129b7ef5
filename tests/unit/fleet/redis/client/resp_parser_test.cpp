#include "agent/fleet/redis/client/resp_parser.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace jeton::agent::redis {
namespace {

using testing::HasSubstr;

Reply parse_one(std::string_view bytes) {
  RespParser parser{ReplyLimits{}};
  parser.feed(bytes);
  auto reply = parser.next();
  if (!reply) throw std::runtime_error("the reply is not complete");
  return std::move(*reply);
}

std::string refusal_of(std::string_view bytes, ReplyLimits limits = {}) {
  RespParser parser(limits);
  try {
    parser.feed(bytes);
    while (parser.next()) {
    }
  } catch (const TransportError& e) {
    return e.what();
  }
  return "accepted";
}

TEST(RespParser, ReplyIsOfAnyType_IsRead) {
  EXPECT_EQ(parse_one("+OK\r\n").type, Reply::Type::status);
  EXPECT_EQ(parse_one("+OK\r\n").as_text(), "OK");
  EXPECT_TRUE(parse_one("-ERR no\r\n").is_error());
  EXPECT_EQ(parse_one("-ERR no\r\n").text.reveal(), "ERR no");
  EXPECT_EQ(parse_one(":-42\r\n").as_integer(), -42);
  EXPECT_EQ(parse_one(":9223372036854775807\r\n").as_integer(), INT64_MAX);
  EXPECT_TRUE(parse_one("$-1\r\n").is_nil());
  EXPECT_TRUE(parse_one("*-1\r\n").is_nil());
  EXPECT_EQ(parse_one("$0\r\n\r\n").as_text(), "");
  EXPECT_EQ(parse_one(std::string_view("$5\r\na\0\r\nb\r\n", 11)).as_text(), std::string_view("a\0\r\nb", 5));
}

TEST(RespParser, ArraysAreNested_AreRead) {
  const Reply reply = parse_one("*4\r\n*2\r\n:1\r\n:2\r\n$1\r\nx\r\n*0\r\n*1\r\n$-1\r\n");
  ASSERT_EQ(reply.elements.size(), 4U);
  EXPECT_EQ(reply.at(0).at(1).as_integer(), 2);
  EXPECT_EQ(reply.at(1).as_text(), "x");
  EXPECT_TRUE(reply.at(2).elements.empty());
  EXPECT_TRUE(reply.at(3).at(0).is_nil());
}

TEST(RespParser, RepliesComeByteByByte_AreRead) {
  RespParser parser{ReplyLimits{}};
  const std::string_view bytes = "*2\r\n$5\r\nhello\r\n:7\r\n+next\r\n";
  std::vector<Reply> replies;
  for (const char byte : bytes) {
    parser.feed({&byte, 1});
    while (auto reply = parser.next()) replies.push_back(std::move(*reply));
  }
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_EQ(replies[0].at(0).as_text(), "hello");
  EXPECT_EQ(replies[1].as_text(), "next");
}

TEST(RespParser, ManyRepliesComeInOnePiece_EachIsRead) {
  std::string bytes;
  for (int i = 0; i < 10'000; ++i) bytes += ":" + std::to_string(i) + "\r\n";
  RespParser parser{ReplyLimits{}};
  parser.feed(bytes);
  for (int i = 0; i < 10'000; ++i) {
    const auto reply = parser.next();
    ASSERT_TRUE(reply);
    ASSERT_EQ(reply->as_integer(), i);
  }
  EXPECT_FALSE(parser.next());
}

TEST(RespParser, LargeReplyIsFollowedByASmallOne_BothAreRead) {
  RespParser parser{ReplyLimits{}};
  const std::string large(3 * 1024 * 1024, 'x');
  std::string bytes = "$" + std::to_string(large.size()) + "\r\n" + large + "\r\n:1\r\n";
  std::vector<Reply> replies;
  for (std::size_t at = 0; at < bytes.size(); at += 16384) {
    parser.feed(std::string_view(bytes).substr(at, 16384));
    while (auto reply = parser.next()) replies.push_back(std::move(*reply));
  }
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_EQ(replies[0].as_text(), large);
  EXPECT_EQ(replies[1].as_integer(), 1);
}

TEST(RespParser, ArrayLengthExceedsTheLimit_IsRefusedByItsHeader) {
  EXPECT_THAT(refusal_of("*1000000000\r\n"), HasSubstr("too many elements"));
  EXPECT_THAT(refusal_of("*9223372036854775807\r\n"), HasSubstr("no Redis reply"));
  EXPECT_THAT(refusal_of("*1025\r\n"), HasSubstr("too many elements"));
  EXPECT_EQ(refusal_of("*1024\r\n"), "accepted");
}

TEST(RespParser, ArraysAreNested_ElementsAreCountedTogether) {
  std::string bytes = "*1000\r\n";
  for (int i = 0; i < 30; ++i) bytes += "*1\r\n:1\r\n";
  EXPECT_THAT(refusal_of(bytes), HasSubstr("too many elements"));
  // The next reply starts from zero.
  RespParser parser{ReplyLimits{.bytes = 1000, .elements = 4}};
  for (int i = 0; i < 10; ++i) {
    parser.feed("*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n");
    EXPECT_TRUE(parser.next());
  }
}

TEST(RespParser, StringLengthExceedsTheLimit_IsRefusedByItsHeader) {
  EXPECT_THAT(refusal_of("$9223372036854775807\r\n"), HasSubstr("too long"));
  EXPECT_THAT(refusal_of("$99999999999999999999999\r\n"), HasSubstr("no Redis reply"));
  EXPECT_THAT(refusal_of("$99999999999999999999999"), HasSubstr("too long"));
  EXPECT_THAT(refusal_of("*2\r\n:1\r\n$4194305\r\n"), HasSubstr("too long"));
  EXPECT_THAT(refusal_of("$-2\r\n"), HasSubstr("no Redis reply"));
}

TEST(RespParser, ReplyNeverEnds_IsRefusedAtTheLimit) {
  RespParser parser{ReplyLimits{.bytes = 100'000, .elements = 16}};
  const std::string piece(4096, 'a');
  std::size_t fed = 0;
  parser.feed("+");
  EXPECT_THROW(
      while (fed < 100'000'000) {
        parser.feed(piece);
        fed += piece.size();
        static_cast<void>(parser.next());
      },
      TransportError);
  EXPECT_LE(fed, 100'000U + 2 * piece.size());
}

TEST(RespParser, ManyRepliesExceedTheLimitTogether_EachIsRead) {
  RespParser parser{ReplyLimits{.bytes = 64, .elements = 16}};
  for (int i = 0; i < 1000; ++i) {
    parser.feed("$20\r\n01234567890123456789\r\n");
    ASSERT_TRUE(parser.next());
    EXPECT_FALSE(parser.next());
  }
}

TEST(RespParser, BytesAreGarbage_AreRefused) {
  EXPECT_THAT(refusal_of("HTTP/1.1 400 Bad Request\r\n"), HasSubstr("no Redis reply"));
  EXPECT_THAT(refusal_of(std::string_view("\0\0\0\0", 4)), HasSubstr("no Redis reply"));
  EXPECT_NE(refusal_of(":12a\r\n"), "accepted");
  EXPECT_NE(refusal_of("*x\r\n"), "accepted");
  std::string deep;
  for (int i = 0; i < 2000; ++i) deep += "*1\r\n";
  EXPECT_NE(refusal_of(deep), "accepted");
}

TEST(RespParser, ReplyIsHalfRead_DestructionFreesIt) {
  RespParser parser{ReplyLimits{}};
  parser.feed("*3\r\n$5\r\nhello\r\n*2\r\n:1\r\n");
  EXPECT_FALSE(parser.next());
}

TEST(Reply, ShapeIsUnexpected_IsATransportError) {
  const Reply reply = parse_one("*1\r\n:1\r\n");
  EXPECT_THROW(static_cast<void>(reply.as_integer()), TransportError);
  EXPECT_THROW(static_cast<void>(reply.at(1)), TransportError);
  EXPECT_THROW(static_cast<void>(reply.at(0).as_text()), TransportError);
  EXPECT_THROW(static_cast<void>(reply.at(0).at(0)), TransportError);
}

TEST(ServerError, CodeIsKnown_MessageNamesCodeAndRemedy) {
  const ServerError error("redis://h:1/0", "NOAUTH Authentication required.");
  EXPECT_EQ(error.code(), "NOAUTH");
  EXPECT_TRUE(error.is_about_access());
  EXPECT_THAT(error.what(), HasSubstr("redis://h:1/0: NOAUTH Authentication required.; "));
  EXPECT_THAT(error.what(), HasSubstr("coordination.redis.password"));
}

TEST(ServerError, CodeSaysNothing_WordsNameTheRemedy) {
  const std::vector<std::pair<const char*, const char*>> cases{
      {"ERR unknown command 'EVALSHA', with args beginning with: 'x' ", "rename-command"},
      {"ERR unknown command `EVALSHA`, with args beginning with: ", "rename-command"},
      {"ERR unsupported command", "use a server or service that has it"},
      {"ERR unknown subcommand 'SLOTS'. Try CLUSTER HELP.", "needs this subcommand"},
      {"ERR Unknown Redis command called from Lua script", "PEXPIREAT"},
      {"ERR Unknown Redis command called from script script: f, on @user_script:1.", "PEXPIREAT"},
      {"ERR SELECT is not allowed in cluster mode", "coordination.redis.cluster"},
      {"ERR This instance has cluster support disabled", "coordination.redis.endpoint"},
      {"ERR DB index is out of range", "fewer databases"}};
  for (const auto& [error, remedy] : cases) {
    EXPECT_NE(std::string(ServerError("redis://a:6379/0", error).what()).find(remedy), std::string::npos) << error;
  }
}

TEST(ServerError, ErrorQuotesTheCommand_ArgumentsAreNotRepeated) {
  const ServerError error("x", "ERR unknown command `AUTH`, with args beginning with: `agent` `hunter2` ");
  EXPECT_THAT(error.what(), testing::Not(HasSubstr("hunter2")));
}

TEST(ServerError, ScriptLacksAPermission_CodeIsNoperm) {
  const ServerError error("x", "ERR The user executing the script can't publish to the channel mentioned");
  EXPECT_EQ(error.code(), "NOPERM");
}

TEST(ServerError, WordsForAWrongPasswordAreOld_CodeIsWrongpass) {
  EXPECT_EQ(ServerError("x", "ERR invalid password").code(), "WRONGPASS");
  EXPECT_EQ(ServerError("x", "ERR AUTH <password> called without any password configured").code(), "WRONGPASS");
}

}  // namespace
}  // namespace jeton::agent::redis
