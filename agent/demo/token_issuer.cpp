#include "agent/demo/token_issuer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <utility>

namespace jeton::agent::demo {
namespace {

constexpr std::string_view prefix = "demo.";
constexpr std::size_t random_bytes = 16;

std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

std::string checksum(std::string_view text) {
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(fnv1a(text)));
  return digits.data();
}

}  // namespace

std::string make_checked_token(std::uint64_t serial, Random& random, std::size_t size) {
  std::string token(prefix);
  token += std::to_string(serial) + "." + random.hex(random_bytes);
  const std::size_t rest = 1 + 16;  // the dot and the checksum
  if (token.size() + rest < size) {
    const std::size_t missing = size - rest - token.size();
    token += random.hex((missing + 1) / 2).substr(0, missing);
  }
  return token + "." + checksum(token);
}

std::optional<std::uint64_t> checked_token_serial(std::string_view token) {
  const std::size_t dot = token.rfind('.');
  if (!token.starts_with(prefix) || dot == std::string_view::npos ||
      token.substr(dot + 1) != checksum(token.substr(0, dot))) {
    return std::nullopt;
  }
  std::uint64_t serial = 0;
  const char* const begin = token.data() + prefix.size();
  const auto [end, error] = std::from_chars(begin, token.data() + token.size(), serial);
  if (error != std::errc{} || *end != '.') return std::nullopt;
  return serial;
}

TokenIssuer::Answer TokenIssuer::request(const std::string& address, BootTime now) {
  const auto last = last_request_.find(address);
  if (last != last_request_.end() && now - last->second < options_.rate_interval) {
    Answer refusal;
    refusal.retry_after = std::chrono::ceil<Milliseconds>(options_.rate_interval - (now - last->second));
    return refusal;
  }
  last_request_[address] = now;
  previous_ = std::exchange(newest_, std::nullopt);
  if (previous_) previous_->end = std::min(previous_->end, now + options_.overlap);
  ++serial_;
  newest_ = Issued{make_checked_token(serial_, random_, options_.token_size), now + options_.lifetime};
  return Answer{newest_->token, serial_, options_.lifetime, {}};
}

bool TokenIssuer::accepts(std::string_view token, BootTime now) const {
  const auto is = [&](const std::optional<Issued>& issued) {
    return issued && issued->token == token && now < issued->end;
  };
  return is(newest_) || is(previous_);
}

}  // namespace jeton::agent::demo
