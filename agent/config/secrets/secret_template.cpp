#include "agent/config/secrets/secret_template.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "agent/base/ascii.hpp"
#include "agent/base/environment.hpp"
#include "agent/base/error.hpp"
#include "agent/base/excerpt.hpp"
#include "agent/config/secrets/secret_file.hpp"
#include "agent/config/text/request_formats.hpp"
#include "agent/config/text/values.hpp"

namespace jeton::agent {

namespace {

using Part = SecretTemplate::Part;

struct KindName {
  Part::Kind kind;
  std::string_view name;
};
constexpr std::array kind_names{KindName{Part::Kind::file, "file"},
                                KindName{Part::Kind::env, "env"},
                                KindName{Part::Kind::credential, "credential"},
                                KindName{Part::Kind::token, "token"},
                                KindName{Part::Kind::now, "now"},
                                KindName{Part::Kind::nonce, "nonce"},
                                KindName{Part::Kind::value, "value"},
                                KindName{Part::Kind::request, "request"}};
// The kinds without a colon and a text.
constexpr std::array plain_names{KindName{Part::Kind::revoked, "revoked"},
                                 KindName{Part::Kind::refresh_token, "refresh_token"}};
constexpr std::array<std::string_view, 5> request_parts{"method", "host", "path", "query", "body"};

bool is_name(std::string_view text, std::string_view also) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_ascii_alphanumeric(c) || also.find(c) != std::string_view::npos;
  });
}

// Whether the text has the form of a shell variable's name.
bool is_variable_name(std::string_view text) {
  return is_name(text, "_") && text.size() <= 64 &&
         std::any_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; }) &&
         std::none_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

constexpr std::size_t longest_kind = 32;  // that may be a mistyped one

// `rest`: from the colon on. Not shown as a whole: it may be a literal secret that happens to hold ${.
[[noreturn]] void refuse_reference(std::string_view name, std::string_view rest) {
  constexpr const char* kinds =
      "use ${file:PATH}, ${env:NAME}, ${credential:NAME} or ${token:NAME}, or $${ for the text itself";
  if (rest.empty() && is_variable_name(name)) {
    const std::string variable(name);
    throw Error("unknown reference ${" + variable + "}; did you mean ${env:" + variable + "}? Otherwise " + kinds);
  }
  std::string text = "unknown reference ${" +
                     std::string(is_name(name, "") && name.size() <= longest_kind && !rest.empty() ? name : "") +
                     ":...}; ";
  std::string lower(name);
  for (char& c : lower) c = ascii_lower(c);
  std::vector<std::string_view> names;
  for (const KindName& k : kind_names) names.push_back(k.name);
  const auto meant = rest.empty() ? std::nullopt : nearest(lower, names);
  if (meant) text += "did you mean ${" + std::string(*meant) + ":...}? Otherwise ";
  throw Error(text + kinds);
}

// The mistake in the text after the colon; nullptr if there is none.
const char* complaint(const Part& part) {
  const std::string& text = part.text;
  switch (part.kind) {
    case Part::Kind::file:
      if (!text.starts_with('/')) return "the path must be absolute";
      return text.find('\0') != std::string::npos ? "the path holds a NUL byte" : nullptr;
    case Part::Kind::env:
      return is_name(text, "_") ? nullptr : "not a name of an environment variable";
    case Part::Kind::token:
      return is_name(text, "_-.") ? nullptr : "not the name of a token";
    case Part::Kind::credential:
      return is_name(text, "_-.@") && !text.starts_with('.') ? nullptr : "not a name of a credential";
    case Part::Kind::now:
      return is_time_format(text) ? nullptr
                                  : "expected unix, unix_ms, rfc3339, or a format of %Y %m %d %H %M %S such as %Y%m%d";
    case Part::Kind::nonce:
      return nonce_digits(text) ? nullptr
                                : "expected uuid, or hex8 to hex128: so many hexadecimal digits, an even number";
    case Part::Kind::value:
      return is_name(text, "_-") ? nullptr : "not the name of a value";
    case Part::Kind::request:
      return std::find(request_parts.begin(), request_parts.end(), text) != request_parts.end()
                 ? nullptr
                 : "expected method, host, path, query or body";
    default:
      return nullptr;
  }
}

// `inner` is the text between ${ and }.
Part parse_reference(std::string_view inner) {
  for (const KindName& plain : plain_names) {
    if (inner == plain.name) return {plain.kind, {}};
  }
  const std::size_t colon = std::min(inner.find(':'), inner.size());
  const std::string_view name = inner.substr(0, colon);
  const auto kind =
      std::find_if(kind_names.begin(), kind_names.end(), [&](const KindName& k) { return k.name == name; });
  if (kind == kind_names.end() || colon == inner.size()) refuse_reference(name, inner.substr(colon));
  Part part{kind->kind, std::string(inner.substr(colon + 1))};
  const char* const why = complaint(part);
  if (why == nullptr) return part;
  // A secret itself may be where its file or its name belongs.
  const bool is_shown = part.kind != Part::Kind::file && part.kind != Part::Kind::env &&
                        part.kind != Part::Kind::token && part.kind != Part::Kind::credential;
  throw Error("${" + (is_shown ? excerpt(inner) : std::string(name) + ":...") + "}: " + why);
}

[[nodiscard]] Error failure(const Part& part, const std::string& why) {
  return Error(SecretTemplate::reference_text(part) + ": " + why);
}

SecretString read_part(const Part& part, const TokenValues* tokens) {
  const std::string what = SecretTemplate::reference_text(part);
  switch (part.kind) {
    case Part::Kind::literal:
      return SecretString(part.text);
    case Part::Kind::file:
      if (auto secret = read_secret_file(part.text, what)) return std::move(*secret);
      throw errno_error(what, ENOENT);
    case Part::Kind::env: {
      const char* value = environment_variable(part.text.c_str());
      if (value == nullptr) throw failure(part, "the environment has no such variable");
      // A file of variables leaves line ends at the end of a value.
      return SecretString(without_line_ends(value));
    }
    case Part::Kind::credential:
      return read_credential(part.text, what);
    case Part::Kind::token:
      if (tokens == nullptr) throw failure(part, "a token can be used in the source of another token only");
      if (auto value = tokens->token_value(part.text)) return std::move(*value);
      throw failure(part, "there is no valid token with that name now");
    default: {
      // Elsewhere the configuration has refused it (reference_check.hpp).
      auto value = tokens == nullptr ? std::nullopt : tokens->request_value(part);
      if (!value) throw failure(part, "is not allowed here");
      return std::move(*value);
    }
  }
}

// A part of a request, and a value made of one, may be empty.
bool may_be_empty(Part::Kind kind) {
  return kind == Part::Kind::literal || kind == Part::Kind::value || kind == Part::Kind::request;
}

}  // namespace

std::string SecretTemplate::reference_text(const Part& part) {
  for (const KindName& plain : plain_names) {
    if (plain.kind == part.kind) return "${" + std::string(plain.name) + "}";
  }
  for (const KindName& k : kind_names) {
    if (k.kind == part.kind) return "${" + std::string(k.name) + ":" + excerpt(part.text) + "}";
  }
  return "the text";
}

SecretTemplate SecretTemplate::literal(std::string text) {
  if (text.empty()) return SecretTemplate();
  return SecretTemplate({Part{Part::Kind::literal, std::move(text)}});
}

SecretTemplate SecretTemplate::parse(std::string_view text) {
  std::vector<Part> parts;
  std::string literal;
  while (!text.empty()) {
    if (text.starts_with("$${")) {
      literal += "${";
      text.remove_prefix(3);
    } else if (text.starts_with("${")) {
      const std::size_t end = text.find('}');
      if (end == std::string_view::npos)
        throw Error("a reference starts with ${ and has no }; write $${ for the text ${");
      if (!literal.empty()) parts.push_back({Part::Kind::literal, std::exchange(literal, {})});
      parts.push_back(parse_reference(text.substr(2, end - 2)));
      text.remove_prefix(end + 1);
    } else {
      literal += text.front();
      text.remove_prefix(1);
    }
  }
  if (!literal.empty()) parts.push_back({Part::Kind::literal, std::move(literal)});
  return SecretTemplate(std::move(parts));
}

bool SecretTemplate::has_reference() const {
  return std::any_of(parts_.begin(), parts_.end(), [](const Part& p) { return p.kind != Part::Kind::literal; });
}

bool SecretTemplate::has(Part::Kind kind) const {
  return std::any_of(parts_.begin(), parts_.end(), [kind](const Part& p) { return p.kind == kind; });
}

SecretString SecretTemplate::resolve(const TokenValues* tokens) const {
  SecretString result;
  for (const Part& part : parts_) {
    const SecretString secret = read_part(part, tokens);
    if (secret.empty() && !may_be_empty(part.kind)) throw failure(part, "empty");
    result.append(secret.reveal());
  }
  return result;
}

}  // namespace jeton::agent
