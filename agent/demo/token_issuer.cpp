#include "agent/demo/token_issuer.hpp"

#include <algorithm>
#include <utility>

#include "agent/demo/checked_token.hpp"

namespace jeton::agent::demo {

TokenIssuer::Answer TokenIssuer::request(const std::string& address, BootTime now) {
  const auto last = last_request_.find(address);
  if (last != last_request_.end() && now - last->second < options_.rate_interval) {
    ++refused_;
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
