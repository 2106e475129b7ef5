// A configuration with one mistake, and the expected message.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/config/load.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::test {

struct BrokenConfig {
  const char* name;
  const char* text;  // starts with a line feed, which does not count: line 1 is the line after it; PEM_FILE is a file
  int line;          // of the expected error
  const char* message;  // part of it
};

inline void PrintTo(const BrokenConfig& broken, std::ostream* out) { *out << broken.name; }

inline std::string name_of(const testing::TestParamInfo<BrokenConfig>& info) { return info.param.name; }

inline std::string all_texts(const std::vector<agent::Problem>& problems) {
  std::string all;
  for (const agent::Problem& problem : problems) all += problem.text() + "\n";
  return all;
}

inline agent::LoadResult load_config_text(std::vector<agent::ConfigText> texts) {
  agent::ConfigFiles files;
  for (const agent::ConfigText& text : texts) files.names.push_back(text.name);
  files.texts = std::move(texts);
  return agent::load_config_files(std::move(files));
}

inline agent::LoadResult load_text(const std::string& text) { return load_config_text({{"agent.yaml", text}}); }

inline std::string repeat(std::string_view text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

// The configuration is refused, and a problem says this.
inline void expect_problem(const std::string& text, std::string_view message) {
  const auto result = load_text(text);
  EXPECT_FALSE(result.config);
  ASSERT_FALSE(result.problems.empty());
  EXPECT_NE(all_texts(result.problems).find(message), std::string::npos) << result.problems.front().text();
}

// The configuration is refused, with exactly this one error: follow-up errors only confuse.
inline void expect_refused(const BrokenConfig& broken) {
  std::string text = broken.text;
  const TempDir dir;
  if (const auto at = text.find("PEM_FILE"); at != std::string::npos) {
    const IssuedCertificate own = Authority().issue({});
    text.replace(at, 8, dir.write("tls.pem", own.certificate + own.key).string());
  }
  const agent::LoadResult result = load_text(text.starts_with('\n') ? text.substr(1) : text);
  EXPECT_FALSE(result.config.has_value());
  std::vector<agent::Problem> errors = result.problems;
  std::erase_if(errors, [](const agent::Problem& p) { return p.severity != agent::Problem::Severity::error; });
  ASSERT_EQ(errors.size(), 1U) << all_texts(result.problems);
  EXPECT_EQ(errors.front().line, broken.line) << errors.front().text();
  EXPECT_GE(errors.front().column, 1) << errors.front().text();
  EXPECT_NE(errors.front().message.find(broken.message), std::string::npos) << errors.front().text();
}

}  // namespace jeton::test
