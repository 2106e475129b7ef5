#include "agent/fleet/redis/client/sentinel_votes.hpp"

namespace jeton::agent::redis {

Address primary_in(const Reply& answer) {
  Address primary;
  primary.host = answer.at(0).as_text();
  primary.port = parse_number<std::uint16_t>(answer.at(1).as_text()).value_or(0);
  if (primary.port == 0 || !may_be_host(primary.host)) {
    throw TransportError("named no address that can be connected to");
  }
  return primary;
}

std::optional<std::uint64_t> epoch_in(const Reply& details) {
  return parse_number<std::uint64_t>(details.value_of("config-epoch"));
}

void SentinelVotes::Doubtful::add(const SentinelAnswer& one) {
  ++count;
  if (!answer || one.epoch.value_or(0) > answer->epoch.value_or(0)) answer = one;
}

SentinelVotes::Bearing SentinelVotes::bearing_of(const SentinelAnswer& answer) const {
  if (!known_) return Bearing::news;
  const std::uint64_t known_epoch = known_->epoch.value_or(0);
  const std::uint64_t epoch = answer.epoch.value_or(0);
  if (epoch != known_epoch) return epoch > known_epoch ? Bearing::news : Bearing::behind;
  if (answer.primary == known_->primary) return Bearing::same;
  return answer.epoch ? Bearing::other : Bearing::news;
}

bool SentinelVotes::decides(const SentinelAnswer& answer) {
  switch (bearing_of(answer)) {
    case Bearing::news:
      return true;
    case Bearing::same:
      ++same_;
      return others_.count == 0;
    case Bearing::behind:
      behind_.add(answer);
      return false;
    case Bearing::other:
      others_.add(answer);
      return false;
  }
  return false;
}

std::optional<SentinelAnswer> SentinelVotes::result() const {
  if (2 * behind_.count > sentinels_) return behind_.answer;
  if (others_.count > same_) return others_.answer;
  if (same_ > 0) return known_;
  return std::nullopt;
}

}  // namespace jeton::agent::redis
