// The configurations that the documents show: each loads as it is printed, but for its secrets and accounts.
#include <gtest/gtest.h>

#include <vector>

#include "tests/support/temp_dir.hpp"
#include "tests/unit/config/broken_config.hpp"
#include "tests/unit/config/shipped_config.hpp"

namespace jeton::test {
namespace {

struct Snippet {
  std::string place;  // "README.md:32"
  std::string text;
};

// The blocks of YAML in a page, but those of Kubernetes. A part of a configuration gets the lines that it belongs
// below.
std::vector<Snippet> snippets(const std::string& page) {
  std::istringstream lines(read_file(config_dir.parent_path() / page));
  std::vector<Snippet> found;
  bool inside = false;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line == "```yaml") {
      inside = true;
      found.push_back({page + ":" + std::to_string(number), ""});
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      found.back().text += line + "\n";
    }
  }
  std::erase_if(found, [](const Snippet& snippet) { return snippet.text.starts_with("# Kubernetes"); });
  for (Snippet& snippet : found) {
    if (snippet.text.starts_with("    source:")) snippet.text.insert(0, "tokens:\n  example:\n");
    if (!snippet.text.starts_with("version:")) snippet.text.insert(0, "version: 1\n");
  }
  return found;
}

TEST(DocumentedConfig, EachSnippet_Loads) {
  const TempDir dir;
  const std::filesystem::path secret = dir.write("secret", "s3cret-of-more-than-32-bytes-for-HS256\n");
  int count = 0;
  for (const char* page : {"README.md", "config/README.md", "libclient/README.md", "systemd/README.md"}) {
    for (const Snippet& snippet : snippets(page)) {
      std::string text = with_secrets(snippet.text, secret);
      for (const std::string accounts : {"[wechat, billing]", "[billing]", "[ops]", "[alice]"}) {
        if (const auto at = text.find(accounts); at != std::string::npos) text.replace(at, accounts.size(), "[root]");
      }
      const auto result = load_text(text);
      EXPECT_TRUE(result.config) << snippet.place << ": " << all_texts(result.problems) << text;
      EXPECT_TRUE(result.problems.empty()) << snippet.place << ": " << all_texts(result.problems);
      ++count;
    }
  }
  EXPECT_GE(count, 5) << "the pages have fewer configurations than they had";
}

}  // namespace
}  // namespace jeton::test
