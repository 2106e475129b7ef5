// Answers that are compressed without being asked for.
#include "agent/provider/answer/content_coding.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "agent/provider/answer/token_answer.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

std::string compressed(const std::string& text, int window_bits) {
  z_stream stream{};
  EXPECT_EQ(::deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(::deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

std::string gzip(const std::string& text) { return compressed(text, 15 + 16); }
std::string zlib(const std::string& text) { return compressed(text, 15); }
std::string raw_deflate(const std::string& text) { return compressed(text, -15); }

constexpr std::size_t max_body = 4096;

std::string decoded(const std::string& body, const std::string& coding) {
  HttpResponse response{200, {}, SecretString(body)};
  if (!coding.empty()) response.headers.push_back({"Content-Encoding", SecretString(coding)});
  try {
    return std::string(decoded_body(response, max_body).reveal());
  } catch (const SourceError& e) {
    return std::string("refused: ") + e.what();
  }
}

const std::string plain_body = R"({"access_token":"tok-1","expires_in":60})";

TEST(ContentCoding, IsKnown_IsDecoded) {
  EXPECT_EQ(decoded(plain_body, ""), plain_body);
  EXPECT_EQ(decoded(plain_body, "identity"), plain_body);
  EXPECT_EQ(decoded(gzip(plain_body), "gzip"), plain_body);
  EXPECT_EQ(decoded(gzip(plain_body), "X-GZIP"), plain_body);
  EXPECT_EQ(decoded(zlib(plain_body), "deflate"), plain_body);
  EXPECT_EQ(decoded(raw_deflate(plain_body), "deflate"), plain_body);
  EXPECT_EQ(decoded(gzip(zlib(plain_body)), "deflate, gzip"), plain_body);
  EXPECT_EQ(decoded(gzip(plain_body.substr(0, 9)) + gzip(plain_body.substr(9)), "gzip"), plain_body) << "two members";
  EXPECT_EQ(decoded(gzip(plain_body), ""), plain_body) << "no header says so";
  EXPECT_EQ(decoded("", "gzip"), "");
}

TEST(ContentCoding, IsUnknown_IsNamed) {
  EXPECT_THAT(decoded(plain_body, "br"), HasSubstr("refused: the provider's answer is coded as br"));
}

TEST(ContentCoding, BytesAreDamaged_IsRefused) {
  const std::string whole = gzip(plain_body);
  EXPECT_THAT(decoded(whole.substr(0, whole.size() - 9), "gzip"), HasSubstr("damaged or ends in the middle"));
  EXPECT_THAT(decoded(whole + "junk", "gzip"), HasSubstr("damaged or ends in the middle"));
  EXPECT_THAT(decoded(plain_body.substr(0, 9), "gzip"), HasSubstr("damaged or ends in the middle"));
}

// Content-Encoding: UTF-8 is a mistake that servers make.
TEST(ContentCoding, IsUnknownAndTheTokenIsInAHeader_BodyIsNotRead) {
  ResponseConfig config;
  config.token = {AnswerPlace::In::header, "X-Token"};
  config.expires_in.clear();
  config.default_lifetime = 1h;
  HttpResponse response{200, {}, SecretString("{}")};
  response.headers = {{"Content-Encoding", SecretString("UTF-8")}, {"X-Token", SecretString("tok-1")}};
  const auto token = [&] {
    return parse_http_answer(response, config, "https://api.example.com/token", WallTime{}, WallTime{});
  };
  EXPECT_EQ(token().value.reveal(), "tok-1");
  config.error = "/error";
  EXPECT_THROW(static_cast<void>(token()), SourceError) << "that is in the body";
}

// A proxy on the way has unpacked it and left the header as it was.
TEST(ContentCoding, IsNamedAndTheBodyIsPlainJson_IsTakenAsItIs) {
  for (const char* coding : {"gzip", "deflate", "gzip, gzip"}) EXPECT_EQ(decoded(plain_body, coding), plain_body);
}

TEST(ContentCoding, UnpacksToMoreThanAllowed_IsRefused) {
  EXPECT_THAT(decoded(gzip(std::string(5'000'000, 'x')), "gzip"),
              HasSubstr("unpacks to more than 4096 bytes (response.max_body)"));
  EXPECT_EQ(decoded(gzip(std::string(max_body, 'x')), "gzip"), std::string(max_body, 'x'));
}

TEST(ContentCoding, OfAnAnswer_TokenIsRead) {
  const HttpResponse response{200, {}, SecretString(gzip(plain_body)), {{"content-encoding", SecretString("gzip")}}};
  const WallTime now = from_unix_ms(1'795'000'000'000);
  EXPECT_EQ(parse_http_answer(response, {}, "https://api.example.com", now, now).value.reveal(), "tok-1");
}

}  // namespace
}  // namespace jeton::agent
