#include "tests/fuzz/config_trial.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <exception>
#include <utility>
#include <vector>

#include "agent/config/load.hpp"
#include "tests/fuzz/message_check.hpp"

namespace jeton::fuzz {
namespace {

using namespace jeton::agent;

constexpr std::size_t longest_problem = 1024;  // a list of possible values is long

std::string problem_complaint(const Problem& problem, const std::vector<std::string>& names) {
  if (std::find(names.begin(), names.end(), problem.file) == names.end()) return "a problem of no file";
  if (problem.line < 0 || problem.column < 0) return "a problem at a place that does not exist";
  return message_complaint(problem.message, planted_secret, longest_problem);
}

// What every outcome must be. The configuration itself is valid by its type; here, what its reader promises beyond.
std::string result_complaint(const LoadResult& result, const std::vector<std::string>& names) {
  if (result.config.has_value() != (result.errors == 0)) return "errors and a configuration, or neither";
  if (result.errors + result.warnings > 0 && result.problems.empty()) return "errors that are not listed";
  for (const Problem& problem : result.problems) {
    std::string complaint = problem_complaint(problem, names);
    if (!complaint.empty()) return complaint;
  }
  if (!result.config) return {};
  for (const auto& [name, token] : result.config->tokens) {
    if (name.empty() || name != token.name) return "a token without its name";
    for (const std::string& used : token.uses) {
      if (!result.config->tokens.contains(used)) return "a token that uses one that is not there";
    }
  }
  return {};
}

std::string load_complaint(std::vector<ConfigText> texts) {
  ConfigFiles files;
  for (const ConfigText& text : texts) files.names.push_back(text.name);
  files.texts = std::move(texts);
  const std::vector<std::string> names = files.names;
  return result_complaint(load_config_files(std::move(files)), names);
}

// The files are apart by a NUL, which none may hold.
std::string files_complaint(std::string_view text) {
  std::vector<ConfigText> files;
  for (std::size_t end = 0; end != std::string_view::npos && files.size() < 4;) {
    end = text.find('\0');
    files.push_back({"file" + std::to_string(files.size()) + ".yaml", std::string(text.substr(0, end))});
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return load_complaint(std::move(files));
}

// As YAML writes a text of any bytes that are UTF-8.
std::string yaml_text(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      result += "\\x";
      result += digits[byte >> 4U];
      result += digits[byte & 0xFU];
    } else {
      result += c;
    }
  }
  return result + '"';
}

// Everywhere a secret may stand; @ is the place.
constexpr std::array<std::string_view, 8> with_secret{
    "version: 1\ncoordination: {backend: redis, redis: {endpoint: 'redis://h:1', password: @}}\n"
    "tokens: {t: {source: {type: http, url: 'https://h/'}}}\n",
    "version: 1\ncoordination: {backend: local, seal: {keys: [@]}}\n"
    "tokens: {t: {source: {type: http, url: 'https://h/'}}}\n",
    "version: 1\ntokens: {t: {source: {type: http, url: @}}}\n",
    "version: 1\ntokens: {t: {source: {type: http, url: 'https://h/', headers: {Authorization: @}, query: {key: @},"
    " json: {secret: [@, {x: @}]}}}}\n",
    "version: 1\ntokens: {t: {source: {type: oauth2, token_url: 'https://h/', client_id: i, client_secret: @,"
    " params: {p: @}}}}\n",
    "version: 1\ntokens: {t: {source: {type: oauth2, issuer: 'https://h', grant: refresh_token, client_id: i,"
    " client_auth: private_key_jwt, client_assertion: {key: @}, refresh_token: @}}}\n",
    "version: 1\ntokens: {t: {source: {type: jwt, key: @, algorithm: HS256, claims: {a: @}}}}\n",
    "version: 1\ntokens: {t: {source: {type: http, url: 'https://h/', egress: {proxy: @}}}}\n"};

// The second byte chooses the place. The secret comes before the fuzzer's text. A message shows the text of a
// reference, so the secret must not be inside one.
std::string secret_complaint(std::string_view text) {
  if (text.empty()) return {};
  const std::string_view config = with_secret[static_cast<unsigned char>(text[0]) % with_secret.size()];
  const std::string secret = yaml_text(std::string(planted_secret) + std::string(text.substr(1)));
  std::string whole;
  for (const char c : config) {
    if (c == '@') {
      whole += secret;
    } else {
      whole += c;
    }
  }
  return load_complaint({{"agent.yaml", whole}});
}

// Each line of the text, behind so many blanks.
std::string indented(std::string_view text, std::size_t width) {
  std::string lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines += std::string(width, ' ') + std::string(text.substr(at, end - at)) + "\n";
    at = end + 1;
  }
  return lines;
}

// Keys of one token: plain bytes rarely get behind a version and a valid frame.
std::string token_complaint(std::string_view text) {
  return load_complaint({{"agent.yaml", "version: 1\ntokens:\n  t:\n" + indented(text, 4)}});
}

std::string source_complaint(std::string_view text) { return token_complaint("source:\n" + indented(text, 2)); }

}  // namespace

std::string try_config(std::string_view input) {
  if (input.empty()) return {};
  if (input.find(planted_secret) != std::string_view::npos) return {};  // it would be no proof
  // ${env:JETON_PLANTED} of the corpus.
  [[maybe_unused]] static const int set = ::setenv("JETON_PLANTED", std::string(planted_secret).c_str(), 1);
  const std::string_view text = input.substr(1);
  try {
    switch (static_cast<unsigned char>(input[0]) % kinds_of_config) {
      case 0:
        return files_complaint(text);
      case 1:
        return secret_complaint(text);
      case 2:
        return token_complaint(text);
      default:
        return source_complaint(text);
    }
  } catch (const std::exception& e) {
    return std::string("an exception that none may let out: ") + e.what();
  }
}

}  // namespace jeton::fuzz
