// Problems with secrets at loading: an error for each that cannot be read, a warning for each that is badly protected.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/certificates.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/config/broken_config.hpp"

namespace jeton::test {
namespace {

std::string with_source(const std::string& lines) {
  return "version: 1\ntokens:\n  t:\n    source:\n      type: http\n      url: https://h/\n" + lines;
}

std::string problems_of(const std::string& lines) { return all_texts(load_text(with_source(lines)).problems); }

TEST(SecretReference, FileIsReadableByOthers_IsWarnedOf) {
  using std::filesystem::perms;
  const TempDir dir;
  const auto file = dir.write("key", "k");
  const std::string lines = "      headers:\n        X-Key: ${file:" + file.string() + "}\n";
  EXPECT_EQ(problems_of(lines), "");
  std::filesystem::permissions(file, perms::owner_read | perms::group_read);
  EXPECT_EQ(problems_of(lines),
            "agent.yaml:8:16: warning: ${file:" + file.string() +
                "} can be read by its group; set its mode to 0600 and its owner to the agent's user\n");
  std::filesystem::permissions(file, perms::owner_read | perms::others_read);
  EXPECT_NE(problems_of(lines).find("can be read by every user"), std::string::npos);
}

TEST(SecretReference, KeyOfACertificateIsReadableByOthers_IsWarnedOf) {
  const TempDir dir;
  const IssuedCertificate own = Authority().issue({});
  const std::string certificate = dir.write("client.pem", own.certificate).string();
  const auto key = dir.write("client.key", own.key);
  std::filesystem::permissions(certificate, std::filesystem::perms{0644});
  const std::string lines = "      tls: {cert_file: " + certificate + ", key_file: " + key.string() + "}\n";
  EXPECT_EQ(problems_of(lines), "");
  std::filesystem::permissions(key, std::filesystem::perms{0644});
  EXPECT_NE(problems_of(lines).find("warning: " + key.string() + " can be read by every user"), std::string::npos);
}

// The mode of one is 0440: systemd gives it to the user of the service by an access list.
TEST(SecretReference, FileIsACredential_ModeIsNotWarnedOf) {
  const TempDir dir;
  const IssuedCertificate own = Authority().issue({});
  const TempDir others;
  const std::string certificate = others.write("client.pem", own.certificate).string();
  const auto file = dir.write("key", own.key);
  std::filesystem::permissions(file, std::filesystem::perms{0440});
  const auto problems = [&](const std::string& directory) {
    ::setenv("CREDENTIALS_DIRECTORY", directory.c_str(), 1);
    std::string found = problems_of("      tls: {cert_file: " + certificate + ", key_file: " + file.string() +
                                    "}\n      form: {k: \"${file:" + file.string() + "}\"}\n");
    ::unsetenv("CREDENTIALS_DIRECTORY");
    return found;
  };
  EXPECT_EQ(problems(dir.path().string()), "");
  EXPECT_EQ(problems(dir.path().string() + "/"), "");
  for (const std::string& other : {(dir / "k").string(), (dir / "other").string(), file.string(), std::string()}) {
    const std::string found = problems(other);
    EXPECT_EQ(std::count(found.begin(), found.end(), '\n'), 2) << other << ": " << found;
  }
}

TEST(SecretReference, SecretHasALineBreak_IsRefusedAsAHeader) {
  const TempDir dir;
  const auto file = dir.write("key", "a\r\nX-Other: b\n");
  const std::string reference = "${file:" + file.string() + "}";
  EXPECT_NE(problems_of("      headers: {X-Key: \"" + reference + "\"}\n")
                .find(":7:24: error: the secret holds a line break"),
            std::string::npos);
  EXPECT_EQ(problems_of("      form: {key: \"" + reference + "\"}\n"), "");
}

TEST(SecretReference, SecretIsTheHostOfTheUrl_IsChecked) {
  const TempDir dir;
  const auto file = dir.write("host", "u:p@h");
  const std::string text =
      "version: 1\ntokens:\n  t:\n    source:\n      type: http\n      url: https://${file:" + file.string() + "}/\n";
  const std::string problems = all_texts(load_text(text).problems);
  EXPECT_NE(problems.find("user or password in the URL"), std::string::npos) << problems;
  EXPECT_EQ(problems.find("u:p@h"), std::string::npos) << problems;
}

TEST(SecretReference, FileIsEmpty_IsAnError) {
  const TempDir dir;
  const auto file = dir.write("key", "");
  EXPECT_NE(problems_of("      form: {k: \"${file:" + file.string() + "}\"}\n").find("empty"), std::string::npos);
}

TEST(LiteralSecret, LooksLikeAVariableOfAShell_TheReferenceIsNamed) {
  EXPECT_NE(problems_of("      form: {client_secret: $CLIENT_SECRET}\n").find("did you mean ${env:NAME}?"),
            std::string::npos);
}

TEST(LiteralSecret, SecretIsInQueryHeadersOrForm_IsWarnedOf) {
  const std::string problems = problems_of(R"(      query: {appid: wx1, secret: s1}
      headers: {Authorization: Bearer s2, X-Api-Key: s3, Accept: application/json}
      form: {client_id: a, client_secret: s4, grant_type: client_credentials}
      response: {token: /token}
)");
  EXPECT_NE(problems.find("agent.yaml:7:35: warning: tokens.t.source.query.secret is a literal secret"),
            std::string::npos)
      << problems;
  EXPECT_NE(problems.find("headers.Authorization is"), std::string::npos) << problems;
  EXPECT_NE(problems.find("headers.X-Api-Key is"), std::string::npos) << problems;
  EXPECT_NE(problems.find("form.client_secret is"), std::string::npos) << problems;
  EXPECT_EQ(std::count(problems.begin(), problems.end(), '\n'), 4) << problems;
  for (const char* secret : {"s1", "s2", "s3", "s4"}) EXPECT_EQ(problems.find(secret), std::string::npos) << problems;
}

TEST(LiteralSecret, SecretIsInJsonUrlOrRedis_IsWarnedOf) {
  EXPECT_NE(problems_of("      json: {auth: {app_secret: s1, list: [s2]}}\n").find("json.auth.app_secret is a literal"),
            std::string::npos);
  const std::string url = all_texts(
      load_text("version: 1\ntokens: {t: {source: {type: http, url: 'https://h/?a=b&secret=s1&c=d'}}}\n").problems);
  EXPECT_NE(url.find("warning: tokens.t.source.url holds a literal secret ('secret')"), std::string::npos) << url;
  const std::string redis = all_texts(
      load_text("version: 1\ncoordination: {backend: redis, redis: {endpoint: 'redis://h', password: s1}}\n").problems);
  EXPECT_NE(redis.find("coordination.redis.password is a literal secret"), std::string::npos) << redis;
}

// In the place of its file or of its name, and as YAML that is no text.
TEST(LiteralSecret, IsWhereSomethingElseBelongs_IsRefusedAndNotShown) {
  const std::string secret = "pA55w0rdKm9vQ";
  for (const char* before : {"tls: {cert_file: /etc/hostname, key_file: ", "tls: {ca_file: ", "form: {k: !",
                             "form: {k: \"${file:", "form: {k: \"${env:-", "form: {k: \"${credential:/",
                             "form: {k: \"${token:/", "form: {k: \"${"}) {
    const std::string text = before;
    const bool is_quoted = text.find('"') != std::string::npos;
    const auto result =
        load_text("version: 1\ntokens:\n  t:\n    source:\n      type: http\n      url: https://h/\n      " + text +
                  secret + (is_quoted ? "}\"" : "") + "}\n");
    EXPECT_FALSE(result.config) << text;
    const std::string problems = all_texts(result.problems);
    EXPECT_NE(problems.find("agent.yaml:7:"), std::string::npos) << problems;
    EXPECT_EQ(problems.find(secret), std::string::npos) << problems;
  }
  for (const std::string& key : {secret, "\"" + secret + "\\n\""}) {
    const auto result = load_text("version: 1\ncoordination:\n  seal: {key_files: [" + key + "]}\n");
    EXPECT_EQ(all_texts(result.problems).find(secret), std::string::npos) << all_texts(result.problems);
  }
}

}  // namespace
}  // namespace jeton::test
