// The common parts of several sections: accounts, the files of TLS, commands, free-form JSON.
#include <unistd.h>

#include <algorithm>
#include <array>

#include "agent/config/schema/schema.hpp"
#include "agent/config/secrets/secret_file.hpp"
#include "agent/config/text/request_formats.hpp"

namespace jeton::agent {

namespace {

std::vector<std::string> read_account_names(const ValueReader& value, AccountReference::Kind kind, Reading& reading) {
  std::vector<std::string> names = value.list();
  for (const std::string& name : names) {
    if (name.size() > 255 || name.find_first_of(" :/,") != std::string::npos) {
      value.refuse(": " + in_quotes(name) + " is not the name of a user or group");
    } else {
      reading.accounts.push_back({value.place(), kind, name});
    }
  }
  return names;
}

// A wrong path is kept, so that no later check reports a missing one.
void read_file(const ValueReader& value, TlsUse use, std::filesystem::path& out,
               const std::filesystem::path& certificate = {}) {
  const auto text = value.text();
  if (!text) return;
  out = *text;
  if (!out.is_absolute()) {
    value.refuse(": expected an absolute path, which begins with /");  // not shown: it may be a key itself
  } else {
    value.refer(out, use, certificate);
  }
}

// Texts that a shell would interpret and that a program gets as ordinary arguments.
void warn_of_shell_words(const Node& node, const std::vector<std::string>& argv, const ValueReader& value,
                         Reading& reading) {
  constexpr std::array<std::string_view, 15> words{"|", "||", "|&", "&&",  "&",    ">",    ">>", "2>",
                                                   "<", "<<", "&>", "2>>", "2>&1", "1>&2", ">&2"};
  if (std::find(argv.begin(), argv.end(), "-c") != argv.end()) return;  // a shell's, probably
  for (const Node& item : node.items) {
    const std::string& word = item.scalar;
    const bool is_variable =
        word.size() > 1 && word[0] == '$' && ((word[1] >= 'A' && word[1] <= 'Z') || word[1] == '(');
    const bool acts =
        is_variable || word.starts_with("~/") || std::find(words.begin(), words.end(), word) != words.end();
    if (item.kind != Node::Kind::scalar || !acts) continue;
    reading.problems.warning(item.place, value.path() + ": " + in_quotes(word) + " is passed to " + in_quotes(argv[0]) +
                                             " unchanged, because no shell is used; to use a shell, write "
                                             "[/bin/sh, -c, \"...\"]");
    return;  // the others have the same cause
  }
}

JsonTemplate json_text(std::optional<SecretTemplate> text, bool plain) {
  if (!text) return JsonTemplate(SecretTemplate());
  const auto& parts = text->parts();
  const bool number =
      plain && parts.size() == 1 && parts.front().kind == SecretPart::Kind::now && is_unix_time(parts.front().text);
  if (number) return JsonTemplate(JsonTemplate::NumberReference{std::move(*text)});
  return JsonTemplate(std::move(*text));
}

// Depth is bounded by the parser.
JsonTemplate json_value(const Node& node, const std::string& path, Reading& reading) {
  switch (node.kind) {
    case Node::Kind::map: {
      JsonTemplate::Object object;
      for (const Node::Entry& entry : node.entries) {
        object.emplace_back(entry.key, json_value(entry.value, path + "." + entry.key, reading));
      }
      return JsonTemplate(std::move(object));
    }
    case Node::Kind::sequence: {
      JsonTemplate::Array array;
      for (const Node& item : node.items) array.push_back(json_value(item, path, reading));
      return JsonTemplate(std::move(array));
    }
    case Node::Kind::scalar:
      if (node.plain && (node.scalar == "true" || node.scalar == "false")) return JsonTemplate(node.scalar == "true");
      if (node.plain && is_json_number(node.scalar)) return JsonTemplate(JsonTemplate::Number{node.scalar});
      return json_text(ValueReader(reading, &node, path, node.place).secret(SecretUse::json), node.plain);
    default:
      return JsonTemplate();
  }
}

}  // namespace

AccessConfig read_accounts(ObjectReader& section, Reading& reading) {
  AccessConfig config;
  config.users = read_account_names(section.at("users"), AccountReference::Kind::user, reading);
  config.groups = read_account_names(section.at("groups"), AccountReference::Kind::group, reading);
  return config;
}

AccessConfig read_access(ObjectReader access, Reading& reading) {
  AccessConfig config = read_accounts(access, reading);
  access.finish();
  return config;
}

ClientTlsConfig read_client_tls(ObjectReader& tls) {
  ClientTlsConfig config;
  const ValueReader cert = tls.at("cert_file");
  const ValueReader key = tls.at("key_file");
  read_file(tls.at("ca_file"), TlsUse::authorities, config.ca_file);
  read_file(cert, TlsUse::certificate, config.cert_file);
  read_file(key, TlsUse::key, config.key_file, config.cert_file);
  if (cert.present() != key.present()) {
    (cert.present() ? cert : key).error(tls.path() + ": cert_file and key_file go together");
  }
  return config;
}

std::vector<std::string> read_command(const ValueReader& value, const std::string& remedy, Reading& reading) {
  const Node* node = value.raw();
  if (node == nullptr || node->kind == Node::Kind::invalid) return {};
  if (node->kind != Node::Kind::sequence || node->items.empty()) {
    value.refuse(": expected a list, the program and its arguments: [/usr/bin/get-token, --json]");
    return {};
  }
  std::vector<std::string> argv;
  for (const Node& item : node->items) {
    const auto refuse = [&](const std::string& why) { reading.problems.error(item.place, value.path() + why); };
    if (item.kind == Node::Kind::scalar && item.scalar.find('\0') == std::string::npos) {
      argv.push_back(item.scalar);
    } else {
      refuse(": each argument must be text");
    }
    if (item.kind == Node::Kind::scalar && item.scalar.find("${") != std::string::npos) {
      refuse(": every user of the host can see arguments, so references are not allowed in them; " + remedy);
    }
  }
  if (argv.empty()) return argv;
  if (!argv[0].starts_with('/')) {
    value.refuse(": the program " + in_quotes(argv[0]) + " must be an absolute path; no PATH is searched");
  } else if (const std::string why = why_inaccessible(argv[0], X_OK); !why.empty()) {
    const bool is_a_line = argv.size() == 1 && argv[0].find(' ') != std::string::npos;
    value.refuse(": " + why + (is_a_line ? "; write the program and each argument as separate items" : ""));
  }
  warn_of_shell_words(*node, argv, value, reading);
  return argv;
}

std::optional<JsonTemplate> read_json_template(const ValueReader& value, Reading& reading) {
  const Node* node = value.raw();
  if (node == nullptr || node->kind == Node::Kind::invalid) return std::nullopt;
  if (node->kind != Node::Kind::map && node->kind != Node::Kind::sequence) {
    return value.refuse(": expected a map of keys or a list");
  }
  return json_value(*node, value.path(), reading);
}

}  // namespace jeton::agent
