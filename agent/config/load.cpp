#include "agent/config/load.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "agent/config/account_check.hpp"
#include "agent/config/merge.hpp"
#include "agent/config/schema.hpp"
#include "agent/config/secret_check.hpp"
#include "agent/config/yaml_document.hpp"

namespace jeton::agent {

namespace {

constexpr const char* main_file = "/etc/jeton/agent.yaml";
constexpr const char* drop_in_directory = "/etc/jeton/agent.d";

// One document out of all texts; nothing if one of them cannot be read as a document, because what the others lack
// may stand in that one.
std::optional<Node> read_documents(std::vector<ConfigText>& texts, Problems& problems) {
  std::optional<Node> whole;
  bool complete = !texts.empty();
  for (ConfigText& text : texts) {
    std::optional<Node> document;
    if (check_config_text(text, problems)) document = parse_yaml(text.name, text.text, problems);
    if (!document) {
      complete = false;
    } else if (!whole) {
      whole = std::move(document);
      whole->place.file = text.name;  // also of an empty document
    } else {
      merge_documents(*whole, std::move(*document), problems);
    }
  }
  return complete ? std::move(whole) : std::nullopt;
}

LoadResult load(std::vector<ConfigText> texts, const std::vector<std::string>& names, Problems problems) {
  LoadResult result;
  const bool all_read = !problems.has_errors();
  if (auto document = read_documents(texts, problems); document && all_read) {
    Reading reading{problems};
    Config config = read_config(*document, reading);
    check_secrets(reading.secrets, problems);
    check_accounts(reading.accounts, problems);
    check_files(reading.files, problems);
    if (!problems.has_errors()) result.config = std::move(config);
  }
  result.problems = problems.take_sorted(names);
  return result;
}

}  // namespace

LoadResult load_config(const std::vector<std::filesystem::path>& files) {
  Problems problems;
  std::vector<ConfigText> texts;
  std::vector<std::string> names;
  for (const std::filesystem::path& file : files) {
    names.push_back(file.string());
    if (auto text = read_config_text(file, problems)) texts.push_back(std::move(*text));
  }
  if (files.empty()) problems.error({}, "no configuration file is named");
  return load(std::move(texts), names, std::move(problems));
}

LoadResult load_config_text(std::vector<ConfigText> texts) {
  std::vector<std::string> names;
  for (const ConfigText& text : texts) names.push_back(text.name);
  return load(std::move(texts), names, {});
}

std::vector<std::filesystem::path> default_config_files() {
  std::vector<std::filesystem::path> drop_ins;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(drop_in_directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::filesystem::path& file = entry->path();
    if (file.extension() == ".yaml" && !file.filename().string().starts_with('.')) drop_ins.push_back(file);
  }
  std::sort(drop_ins.begin(), drop_ins.end());
  drop_ins.insert(drop_ins.begin(), main_file);
  return drop_ins;
}

}  // namespace jeton::agent
