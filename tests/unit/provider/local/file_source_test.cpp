// Contents of a file that are accepted, and contents that are refused.
#include <sys/stat.h>

#include "tests/support/dead_mount.hpp"
#include "tests/unit/jwt/jwt_until.hpp"
#include "tests/unit/provider/local/local_source.hpp"

namespace jeton::test {
namespace {

using FileFormat = agent::FileSourceConfig::Format;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Kind = SourceError::Kind;

class FileSourceTest : public LocalSourceTest {
 protected:
  agent::FileSourceConfig text_file() const {
    agent::FileSourceConfig config;
    config.path = dir / "token";
    return config;
  }
  agent::FileSourceConfig json_file() const {
    agent::FileSourceConfig config = text_file();
    config.format = FileFormat::json;
    return config;
  }
  std::string failure_from(const agent::FileSourceConfig& config) {
    const auto e = failure_of(config);
    EXPECT_EQ(e.kind(), Kind::transient);
    return e.what();
  }
  std::string jwt(std::chrono::seconds lifetime) const { return jwt_until(loop.clock.wall_now() + lifetime); }
};

TEST_F(FileSourceTest, TokenIsAJwt_ItsExpiryIsRead) {
  const std::string token = jwt(1h);
  dir.write("token", token + "\n");
  const auto fetched = fetch_by(text_file());
  EXPECT_EQ(fetched.value.reveal(), token);
  EXPECT_GT(fetched.expires_at, loop.clock.wall_now() + 50min);
  EXPECT_LE(fetched.expires_at, loop.clock.wall_now() + 1h);
}

TEST_F(FileSourceTest, TextHasAByteOrderMarkAndLineEnds_TheyAreNoPartOfTheToken) {
  auto config = text_file();
  config.lifetime = 1h;
  dir.write("token", "\xEF\xBB\xBFopaque\r\n\n");
  EXPECT_EQ(fetch_by(config).value.reveal(), "opaque");
}

TEST_F(FileSourceTest, FileIsOnADeadMount_IsAnErrorThatMayPass) {
  DeadMount mount;
  if (!mount.works()) GTEST_SKIP() << "needs root and /dev/fuse";
  auto config = text_file();
  config.path = mount.path() / "token";
  config.lifetime = 1h;
  EXPECT_THAT(failure_from(config), HasSubstr("does not answer"));
}

TEST_F(FileSourceTest, LifetimeIsConfigured_CountsFromTheReading) {
  auto config = text_file();
  dir.write("token", "opaque");
  EXPECT_THAT(failure_from(config), HasSubstr("set source.lifetime"));
  config.lifetime = 1h;
  const auto before = loop.clock.wall_now();
  EXPECT_GE(fetch_by(config).expires_at, before + 1h);
  tokens.values["t"] = "opaque";
  EXPECT_EQ(fetch_by(config).value.reveal(), "opaque") << "the same token, good for longer";
}

TEST_F(FileSourceTest, JwtIsUnchanged_IsRefused) {
  const std::string token = jwt(1h);
  dir.write("token", token);
  tokens.values["t"] = token;
  EXPECT_THAT(failure_from(text_file()), HasSubstr("still holds the same token"));
}

TEST_F(FileSourceTest, FormatIsJson_TokenAndAttributesAreRead) {
  dir.write("token", R"({"access_token":"tok","expires_in":3600,"scope":"a"})");
  auto config = json_file();
  config.response.attributes = {{"scope", "/scope"}};
  const auto fetched = fetch_by(config);
  EXPECT_EQ(fetched.value.reveal(), "tok");
  EXPECT_EQ(fetched.attributes.at("scope"), "a");
  EXPECT_GT(fetched.expires_at, loop.clock.wall_now() + 50min);
}

TEST_F(FileSourceTest, JsonHasALifetime_CountsFromTheWriting) {
  const auto path = dir.write("token", R"({"access_token":"tok","expires_in":3600})");
  std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - 2h);
  EXPECT_THAT(failure_from(json_file()), HasSubstr("has expired"));
}

TEST_F(FileSourceTest, JsonHasAJwtWithoutALifetime_ExpiryIsThatOfTheJwt) {
  auto config = json_file();
  dir.write("token", R"({"access_token":")" + jwt(1h) + "\"}");
  EXPECT_GT(fetch_by(config).expires_at, loop.clock.wall_now() + 50min);
  dir.write("token", R"({"access_token":"opaque"})");
  EXPECT_THAT(failure_from(config), HasSubstr("set response.default_lifetime"));
  config.response.default_lifetime = 1h;
  EXPECT_GT(fetch_by(config).expires_at, loop.clock.wall_now() + 50min);
}

TEST_F(FileSourceTest, JwtInJsonEndsEarlier_JwtCounts) {
  auto config = json_file();
  config.response.default_lifetime = 2h;
  for (const char* named : {R"("expires_in":7200,)", ""}) {
    dir.write("token", "{" + std::string(named) + R"("access_token":")" + jwt(1h) + "\"}");
    EXPECT_LE(fetch_by(config).expires_at, loop.clock.wall_now() + 1h);
  }
}

TEST_F(FileSourceTest, ErrorHasARule_RuleCounts) {
  auto config = json_file();
  config.response.error = "/error";
  config.response.error_rules.permanent = {"revoked"};
  dir.write("token", R"({"error":"revoked"})");
  const auto e = failure_of(config);
  EXPECT_EQ(e.kind(), Kind::permanent);
  EXPECT_THAT(e.what(), HasSubstr("the file answered with /error revoked"));
}

TEST_F(FileSourceTest, ContentIsNoToken_IsRefused) {
  auto config = text_file();
  config.lifetime = 1h;
  EXPECT_THAT(failure_from(config), HasSubstr("token: No such file or directory"));
  dir.write("token", "\n");
  EXPECT_THAT(failure_from(config), HasSubstr("the file is empty"));
  dir.write("token", R"({"access_token": "s3cret"})");
  EXPECT_THAT(failure_from(config), HasSubstr("is it JSON (source.format)?"));
  dir.write("token", std::string(65 * 1024, 'x'));
  EXPECT_THAT(failure_from(config), HasSubstr("larger than 65536 bytes"));
  dir.write("token", R"({"access_token":"tok","expi)");
  EXPECT_THAT(failure_from(json_file()), HasSubstr("the file is truncated"));
  dir.write("token", "two words");
  EXPECT_THAT(failure_from(config), AllOf(HasSubstr("a space at byte 4"), Not(HasSubstr("JSON"))));
  dir.write("token", jwt(-1h));
  EXPECT_THAT(failure_from(text_file()), HasSubstr("token holds a token that has expired; its writer"));
  std::filesystem::remove(dir / "token");
  ASSERT_EQ(::mkfifo((dir / "token").c_str(), 0600), 0);
  EXPECT_THAT(failure_from(config), HasSubstr("not a regular file"));
}

}  // namespace
}  // namespace jeton::test
