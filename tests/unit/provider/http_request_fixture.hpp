// The request of a source of type http, from the YAML that a user writes, at a time and with bytes of chance that the
// test names.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <variant>

#include "agent/provider/request_builder.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/config/broken_config.hpp"

namespace jeton::agent {

struct HttpRequestFixture : ::testing::Test {
  struct Tokens final : TokenValues {
    [[nodiscard]] std::optional<SecretString> token_value(const std::string& /*name*/) const override {
      return std::nullopt;
    }
  };
  // Gives these bytes again and again, each time one more in the first.
  struct Bytes final : Random {
    void fill(std::span<std::byte> out) override {
      for (std::size_t i = 0; i < out.size(); ++i) {
        const std::string two = hex.substr(2 * i % hex.size(), 2);
        out[i] = static_cast<std::byte>(std::stoul(two, nullptr, 16));
      }
      if (changes) out[0] = static_cast<std::byte>(++count);
    }
    std::string hex = "00";
    bool changes = false;
    unsigned count = 0;
  };

  // `keys`: of the source, beside its type, indented by six.
  static HttpSourceConfig source(const std::string& keys) {
    const LoadResult loaded = test::load_text("version: 1\ntokens:\n  t:\n    source:\n      type: http\n" + keys);
    EXPECT_TRUE(loaded.config) << test::all_texts(loaded.problems);
    return loaded.config ? *source_as<HttpSourceConfig>(loaded.config->tokens.at("t").source) : HttpSourceConfig{};
  }
  BuiltRequest built(const HttpSourceConfig& config) { return build_request(config, {tokens, random, now}); }
  static std::string header(const BuiltRequest& built, const std::string& name) {
    for (const HttpHeader& header : built.request.headers) {
      if (header.name == name) return std::string(header.value.reveal());
    }
    return "none";
  }
  static std::string value(const BuiltRequest& built, const std::string& name) {
    for (const auto& [known, text] : built.request.made_of) {
      if (known == name) return std::string(text.reveal());
    }
    return "none";
  }
  static bool hides(const BuiltRequest& built, const std::string& text) {
    return std::any_of(built.secrets.begin(), built.secrets.end(),
                       [&](const SecretString& secret) { return secret.reveal() == text; });
  }
  std::string secret(const std::string& name, const std::string& text) {
    return "${file:" + dir.write(name, text).string() + "}";
  }

  test::TempDir dir;
  Tokens tokens;
  Bytes random;
  WallTime now = from_unix_ms(1'588'925'778'000);
};

}  // namespace jeton::agent
