// config/agent.yaml and config/examples as text, and what a test does to them before it loads them.
#pragma once

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "tests/support/process.hpp"
#include "tests/support/rsa_key.hpp"

namespace jeton::test {

inline const std::filesystem::path config_dir = JETON_CONFIG_DIR;

// With every setting that is switched off switched on: a hash directly before a key is one, s/^(\s*)#(?=[^ #])/\1/.
//
// A comment that begins with "Alternative to" or "Only with" describes settings that do not go with others: those that
// follow it up to a blank line, and all that are indented more. They are switched on only on request.
enum class Alternatives { off, on };
inline std::string switched_on(const std::string& text, Alternatives alternatives = Alternatives::off) {
  constexpr std::size_t none = std::string::npos;
  std::istringstream lines(text);
  std::string result;
  std::size_t alternative = none;  // the indentation of the first setting
  bool announced = false;
  bool blank = true;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t indent = line.find_first_not_of(' ');
    if (indent == none) {
      blank = true;
      announced = false;
    } else if (line.compare(indent, 2, "# ") == 0) {
      announced = announced || line.compare(indent, 16, "# Alternative to") == 0 ||
                  line.compare(indent, 11, "# Only with") == 0;
    } else if (line[indent] != '#' || (line.size() > indent + 1 && line[indent + 1] != '#')) {
      const bool is_below = alternative != none && (indent > alternative || (indent == alternative && !blank));
      if (!is_below) alternative = announced ? indent : none;
      announced = false;
      blank = false;
      if (line[indent] == '#' && (alternative == none || alternatives == Alternatives::on)) line.erase(indent, 1);
    }
    result += line + "\n";
  }
  return result;
}

// Looks like one, which is all a configuration asks.
inline constexpr const char* seal_key_text = "jeton-seal-1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";

// Each reference to a file or a credential replaced by one to `file`, that to a signing key of P-256 by one to a key,
// and that to one of RSA.
inline std::string with_secrets(std::string text, const std::filesystem::path& file) {
  const std::filesystem::path folder = file.parent_path();
  const auto key = folder / "signing-key.pem";
  const RunResult made =
      run({"openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key.string()});
  if (made.status != 0) throw std::runtime_error("openssl: " + made.err);
  const bool has_rsa = text.find("-rsa.pem}") != std::string::npos;
  const auto rsa = has_rsa ? folder / "signing-rsa.pem" : key;
  if (has_rsa) {
    std::ofstream(rsa) << rsa_key();
    std::filesystem::permissions(rsa, std::filesystem::perms::owner_read);
  }
  for (const char* kind : {"${file:", "${credential:"}) {
    for (std::size_t at = text.find(kind); at != std::string::npos; at = text.find(kind, at + 1)) {
      const std::string name = text.substr(at, text.find('}', at) + 1 - at);
      const bool is_key = name.ends_with(".p8}") || name.ends_with("-key.pem}");
      const auto& replacement = is_key ? key : name.ends_with("-rsa.pem}") ? rsa : file;
      text.replace(at, name.size(), "${file:" + replacement.string() + "}");
    }
  }
  return text;
}

inline std::string with_seal_key(std::string text, const std::filesystem::path& file) {
  const std::string key = "/etc/jeton/seal.key";
  for (auto at = text.find(key); at != std::string::npos; at = text.find(key, at + file.string().size())) {
    text.replace(at, key.size(), file.string());
  }
  return text;
}

// Each file that is used as it is ("cert_file: /etc/jeton/client.pem") replaced by `file`.
inline std::string with_files(std::string text, const std::filesystem::path& file) {
  const std::string key = "_file: ";
  for (std::size_t at = text.find(key + "/etc/"); at != std::string::npos; at = text.find(key + "/etc/", at + 1)) {
    text.replace(at + key.size(), text.find('\n', at) - at - key.size(), file.string());
  }
  return text;
}

// The programs of the examples replaced by one that every host has.
inline std::string with_programs(std::string text) {
  const std::string folder = "/usr/local/bin/";
  for (std::size_t at = text.find(folder); at != std::string::npos; at = text.find(folder)) {
    text.replace(at, text.find_first_of(",]", at) - at, "/bin/true");
  }
  return text;
}

// The users and groups of the examples replaced by ones that every host has.
inline std::string with_accounts(std::string text) {
  for (const char* name : {"[partner]", "[push]", "[api]", "[wechat]", "[feishu]", "[dingtalk]", "[salesforce]",
                           "[github]", "[www-data]", "[example]"}) {
    const std::size_t at = text.find(name);
    if (at != std::string::npos) text.replace(at, std::string(name).size(), "[root]");
  }
  return text;
}

}  // namespace jeton::test
