#include "tests/fuzz/answer_trial.hpp"

#include <algorithm>

#include "agent/jwt/base64url.hpp"
#include "agent/jwt/jwt_claims.hpp"
#include "agent/provider/answer/token_answer.hpp"
#include "agent/provider/exec/exec_output.hpp"
#include "agent/provider/source.hpp"
#include "agent/provider/wire_time.hpp"
#include "agent/record/record_check.hpp"

namespace jeton::fuzz {
namespace {

using namespace jeton::agent;
using namespace std::chrono_literals;

const WallTime now = from_unix_ms(1'790'000'000'000);
const WallTime year_10000 = from_unix_ms(253'402'300'800'000);

bool printable(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '!' && c <= '~'; });
}

std::string jwt_complaint(std::string_view text) {
  const auto expiry = jwt_expiry(text);
  if (expiry != jwt_expiry(text)) return "two readings of a JWT differ";
  if (!expiry) return {};
  if (std::count(text.begin(), text.end(), '.') != 2) return "a JWT without three parts";
  if (*expiry < WallTime{} || *expiry >= year_10000) return "the expiry of a JWT out of range";
  return {};
}

// Header and claims, without the base64url that no fuzzer gets right.
std::string jwt_parts_complaint(std::string_view text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string claims(text.substr(std::min(end + 1, text.size())));
  return jwt_complaint(base64url_encode(text.substr(0, end)) + "." + base64url_encode(claims) + ".c2ln");
}

std::string token_complaint(const FetchedToken& token) {
  if (!printable(token.value.reveal())) return "a token that no header can hold";
  if (token.expires_at <= now || token.expires_at > now + max_lifetime) return "an expiry out of range";
  if (!token.type.empty() && !printable(token.type)) return "a type that is no word";
  for (const auto& [name, value] : token.attributes) {
    if (value.size() > max_attribute_size) return "an attribute that is too long";
    if (token.value.size() >= 8 && value.find(token.value.reveal()) != std::string::npos)
      return "an attribute that shows the token";
  }
  return {};
}

ResponseConfig response_of(int which) {
  ResponseConfig config;
  config.error = "/error";
  config.error_message = "/error/message";
  config.attributes = {{"scope", "/scope"}, {"url", "/data/0/url"}};
  config.type = "/token_type";
  if (which == 1) {
    config.expires_in.clear();
    config.expires_at = "/expires_at";
    config.default_lifetime = 1h;
  }
  return config;
}

std::string response_complaint(std::string_view body, int which) {
  const ResponseConfig config = response_of(which);
  try {
    return token_complaint(parse_token_response(body, config, now));
  } catch (const SourceError& e) {
    const std::string_view what = e.what();
    if (what.size() > 1024) return "a message of " + std::to_string(what.size()) + " bytes";
    const bool control = std::any_of(what.begin(), what.end(), [](char c) { return c >= 0 && c < ' '; });
    return control ? "a message with a control character" : "";
  }
}

// An answer by HTTP: a body, and one header.
std::string http_complaint(std::string_view body, const HttpHeader& header, const ResponseConfig& config) {
  try {
    const HttpResponse response{200, {}, SecretString(body), {header}};
    const FetchedToken token = parse_http_answer(response, config, "https://api.example.com", now, now);
    // The end of a cookie may be now or a date of the past, which check_token() refuses.
    return token.expires_at <= now ? std::string{} : token_complaint(token);
  } catch (const SourceError&) {
    return {};
  }
}

ResponseConfig token_in_header(AnswerPlace place) {
  ResponseConfig config;
  config.token = std::move(place);
  config.expires_in.clear();
  config.default_lifetime = 1h;
  return config;
}

std::string output_complaint(std::string_view text, ExecSourceConfig::Format format) {
  ExecSourceConfig config;
  config.format = format;
  config.response.default_lifetime = 1h;
  try {
    const FetchedToken token = parse_exec_output(text, config, now, {});
    for (const auto& [name, value] : token.attributes) {
      if (!printable(value)) return "an attribute of a command that is no word";
    }
    // The value of AWS credentials is JSON, with what the command put into it.
    if (format == ExecSourceConfig::Format::aws) return {};
    return token_complaint(token);
  } catch (const SourceError&) {
    return {};
  }
}

std::string times_complaint(std::string_view text) {
  const auto pause = parse_retry_after(text, now);
  if (pause && (*pause < Duration{0} || *pause > retry_after_cap)) return "a Retry-After out of range";
  static_cast<void>(parse_http_date(text, now));
  const auto duration = parse_duration_text(text);
  if (duration && !(*duration >= 0)) return "a duration below zero";
  const auto time = parse_rfc3339(text);
  if (!time) return {};
  // RFC 3339 lets a space stand for the T (section 5.6).
  if (text.size() < 20 || std::string_view("Tt ").find(text[10]) == std::string_view::npos)
    return "an RFC 3339 date without its parts";
  return *time >= year_10000 + 25h ? "an RFC 3339 date out of range" : "";
}

std::string complaint(char parser, std::string_view text) {
  switch (parser) {
    case 0:
      return jwt_complaint(text);
    case 1:
      return jwt_parts_complaint(text);
    case 2:
      return response_complaint(text, 0);
    case 3:
      return response_complaint(text, 1);
    case 4:
      return times_complaint(text);
    case 5:
      return output_complaint(text, ExecSourceConfig::Format::json);
    case 8:
      return http_complaint(text, {"Content-Type", SecretString("application/x-www-form-urlencoded")}, {});
    case 9:
      return http_complaint({}, {"Set-Cookie", SecretString(text)}, token_in_header({AnswerPlace::In::cookie, "SID"}));
    case 10:
      return http_complaint(text, {"Content-Encoding", SecretString("gzip, deflate")}, {});
    case 11:
      return http_complaint({}, {"X-Token", SecretString(text)}, token_in_header({AnswerPlace::In::header, "X-Token"}));
    case 6:
      return output_complaint(text, ExecSourceConfig::Format::kubernetes);
    default:
      return output_complaint(text, ExecSourceConfig::Format::aws);
  }
}

}  // namespace

std::string try_answer(std::string_view input) {
  if (input.empty()) return {};
  try {
    return complaint(static_cast<char>(static_cast<unsigned char>(input[0]) % parsers_of_answers), input.substr(1));
  } catch (const std::exception& e) {
    return std::string("an exception that none may let out: ") + e.what();
  }
}

}  // namespace jeton::fuzz
