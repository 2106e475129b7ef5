// response: the places of the values in an answer, and the meaning of its errors.
#include <array>
#include <chrono>

#include "agent/base/ascii.hpp"
#include "agent/config/schema/sources/source_schema.hpp"
#include "agent/config/text/values.hpp"

namespace jeton::agent {

namespace {

using namespace std::chrono_literals;
using In = AnswerPlace::In;

// The parts of an answer: a file and the output of a command have only a body.
enum class AnswerParts { body, http };

// RFC 6901: "/a/b~1c"; '~' only as ~0 or ~1.
bool is_json_pointer(std::string_view text) {
  if (!text.starts_with('/')) return false;
  for (std::size_t at = text.find('~'); at != std::string_view::npos; at = text.find('~', at + 1)) {
    if (at + 1 == text.size() || (text[at + 1] != '0' && text[at + 1] != '1')) return false;
  }
  return true;
}

// Without the inner pointer.
std::optional<AnswerPlace> place_of(std::string_view text) {
  if (is_json_pointer(text)) return AnswerPlace(std::string(text));
  for (const auto& [word, in] : {std::pair<std::string_view, In>{"header ", In::header}, {"cookie ", In::cookie}}) {
    if (text.starts_with(word) && is_field_name(text.substr(word.size()))) {
      return AnswerPlace(in, std::string(text.substr(word.size())));
    }
  }
  return std::nullopt;
}

// The value of Set-Cookie is a cookie with its attributes, which do not belong to the token.
std::optional<AnswerPlace> without_attributes(const ValueReader& value, AnswerPlace place) {
  if (place.in != In::header || !equal_ignoring_case(place.name, "set-cookie")) return place;
  return value.refuse(": write the name of the cookie without its attributes: cookie NAME");
}

// "/data/token", "header NAME", "cookie NAME", each maybe with " json /pointer" behind it. Nothing, and a problem, if
// the text does not name a place of such an answer.
std::optional<AnswerPlace> read_place(const ValueReader& value, AnswerParts parts) {
  constexpr std::string_view behind = " json /";
  const auto text = value.text();
  if (!text) return std::nullopt;
  const std::size_t inner = text->rfind(behind);
  auto place = place_of(std::string_view(*text).substr(0, inner));
  if (place && inner != std::string::npos) place->inner_json = text->substr(inner + behind.size() - 1);
  if (!place || (!place->inner_json.empty() && !is_json_pointer(place->inner_json))) {
    const std::string others = parts == AnswerParts::http ? ", header NAME or cookie NAME" : "";
    return value.refuse(": expected a JSON pointer (RFC 6901) like /data/access_token" + others + "; got " +
                        in_quotes(*text));
  }
  if (parts == AnswerParts::body && place->in != In::body) {
    return value.refuse(": only an answer by HTTP has headers and cookies");
  }
  return without_attributes(value, std::move(*place));
}

// Another way to write `token: header NAME`.
void read_token_header(const ValueReader& header, const ValueReader& token, ResponseConfig& config) {
  const auto name = header.text();
  if (name && !is_field_name(*name)) {
    header.refuse(": " + in_quotes(*name) + " is not the name of a header");
  } else if (name) {
    assign(config.token, without_attributes(header, AnswerPlace(In::header, *name)));
  }
  if (header.present() && token.present()) token.error("response.token and response.header exclude each other");
}

std::vector<int> read_statuses(const ValueReader& value) {
  std::vector<int> statuses;
  for (const std::string& text : value.list()) {
    const auto status = parse_unsigned(text);
    if (status && *status >= 1 && *status <= 599) {
      statuses.push_back(static_cast<int>(*status));
    } else {
      value.refuse(": expected statuses of HTTP or of a command's exit, 1 to 599; got " + in_quotes(text));
    }
  }
  return statuses;
}

// `error`: where the values are.
ErrorRules read_error_rules(ObjectReader section, const AnswerPlace& error) {
  ErrorRules rules;
  const ValueReader success = section.at("success");
  const ValueReader permanent = section.at("permanent");
  const ValueReader transient = section.at("transient");
  const ValueReader permanent_status = section.at("permanent_status");
  const ValueReader transient_status = section.at("transient_status");
  rules.success = success.list();
  rules.permanent = permanent.list();
  rules.transient = transient.list();
  rules.permanent_status = read_statuses(permanent_status);
  rules.transient_status = read_statuses(transient_status);
  for (const std::string& value : rules.transient) {
    if (!lists(rules.permanent, value)) continue;
    transient.error(section.path() + ": " + in_quotes(value) + " is listed as permanent and as transient");
  }
  for (const std::string& value : rules.success) {
    if (!lists(rules.permanent, value) && !lists(rules.transient, value)) continue;
    success.error(section.path() + ": " + in_quotes(value) + " is listed as a success and as an error");
  }
  for (const int status : rules.transient_status) {
    if (!lists(rules.permanent_status, status)) continue;
    transient_status.error(section.path() + ": the status " + std::to_string(status) +
                           " is listed as permanent and as transient");
  }
  for (const ValueReader* const value : {&success, &permanent, &transient}) {
    if (!value->present() || !error.empty()) continue;
    value->error(section.path() + " needs response.error, which says where the values are");
  }
  section.finish();
  return rules;
}

// Every user can see attributes and the type.
void check_public(const ValueReader& value, const AnswerPlace& place, const ResponseConfig& config) {
  if (place.empty() || (place != config.token && place != config.refresh_token)) return;
  value.refuse(": " + place.text() + " is a secret, and every user can see types and attributes; remove it");
}

void read_expiry(ObjectReader& response, AnswerParts parts, ResponseConfig& config) {
  const ValueReader expires_in = response.at("expires_in");
  const ValueReader expires_at = response.at("expires_at");
  assign(config.expires_in, read_place(expires_in, parts));
  assign(config.expires_at, read_place(expires_at, parts));
  if (expires_at.present() && !expires_in.present()) config.expires_in.clear();
  config.expiry_unit =
      response.at("expiry_unit").choice<Milliseconds>({{"ms", 1ms}, {"s", 1s}, {"m", 1min}, {"h", 1h}, {"d", 24h}});
  config.default_lifetime = response.at("default_lifetime").duration(1s, 366 * 24h);
}

ResponseConfig read_places(ObjectReader& response, AnswerParts parts, const ResponseConfig& defaults) {
  ResponseConfig config = defaults;
  assign(config.token, read_place(response.at("token"), parts));
  const ValueReader refresh_token = response.at("refresh_token");
  assign(config.refresh_token, read_place(refresh_token, parts));
  read_expiry(response, parts, config);
  const ValueReader type = response.at("type");
  assign(config.type, read_place(type, parts));
  assign(config.error, read_place(response.at("error"), parts));
  config.error_rules = read_error_rules(response.at("error_rules").object(), config.error);
  assign(config.error_message, read_place(response.at("error_message"), parts));
  check_public(type, config.type, config);
  for (const Member& member : response.at("attributes").members()) {
    auto place = read_place(member.value, parts);
    if (!place) continue;
    check_public(member.value, *place, config);
    config.attributes.emplace(member.name, std::move(*place));
  }
  assign(config.max_body, response.at("max_body").size(1024, 16 * 1024 * 1024));
  return config;
}

// Without a body in JSON there is no place for a lifetime.
void need_lifetime(const ResponseConfig& config, const ValueReader& because) {
  if (config.default_lifetime || !config.expires_in.empty() || !config.expires_at.empty()) return;
  because.error("response.default_lifetime is missing: with " + because.path() +
                " nothing in the answer says when the token expires");
}

bool is_in_body(const AnswerPlace& place) { return !place.empty() && place.in == In::body; }

// A body that is the token itself has no values for a pointer.
void check_whole_body(const ObjectReader& response, ObjectReader& keys, const ResponseConfig& config) {
  const auto refuse = [&](const char* key) { keys.at(key).refuse(" is not used: response.format is text"); };
  if (!response.present()) return;
  for (const char* const key : {"token", "refresh_token"}) {
    if (keys.at(key).present()) refuse(key);
  }
  const std::array<std::pair<const char*, const AnswerPlace*>, 5> places{{{"expires_in", &config.expires_in},
                                                                          {"expires_at", &config.expires_at},
                                                                          {"type", &config.type},
                                                                          {"error", &config.error},
                                                                          {"error_message", &config.error_message}}};
  for (const auto& [key, place] : places) {
    if (keys.at(key).present() && is_in_body(*place)) refuse(key);
  }
  for (const auto& [name, place] : config.attributes) {
    if (is_in_body(place)) return refuse("attributes");
  }
}

}  // namespace

ResponseConfig read_response(ObjectReader response) {
  const ValueReader refresh_token = response.at("refresh_token");
  ResponseConfig config = read_places(response, AnswerParts::body, {});
  response.finish();
  if (refresh_token.present()) refresh_token.refuse(" is for sources of type oauth2; remove it");
  return config;
}

ResponseConfig read_http_response(ObjectReader response, const ResponseConfig& defaults) {
  using Format = ResponseConfig::Format;
  ObjectReader keys = response;
  const ValueReader header = response.at("header");
  const ValueReader format = response.at("format");
  const ValueReader token = response.at("token");
  const bool has_expires_in = response.at("expires_in").present();
  ResponseConfig config = read_places(response, AnswerParts::http, defaults);
  response.finish();
  assign(config.format,
         format.choice<Format>({{"json", Format::json}, {"form", Format::form}, {"text", Format::text}}));
  read_token_header(header, token, config);
  if (config.format == Format::text) {
    if (header.present()) header.error("response.header and response.format: text exclude each other");
    check_whole_body(response, keys, config);
    config.token.clear();
    if (!has_expires_in) config.expires_in.clear();
    need_lifetime(config, format);
  } else if (config.token.in != In::body) {
    // A cookie may have its own end.
    if (!has_expires_in) config.expires_in.clear();
    if (config.token.in == In::header) need_lifetime(config, header.present() ? header : token);
  }
  return config;
}

}  // namespace jeton::agent
