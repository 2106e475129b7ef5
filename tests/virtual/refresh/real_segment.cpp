#include "tests/virtual/refresh/real_segment.hpp"

namespace jeton::test {

std::string difference_of(const std::optional<agent::Record>& given, const std::optional<agent::Record>& held) {
  if (given.has_value() != held.has_value()) return held ? "a token" : "no token";
  if (!given) return {};
  if (held->generation != given->generation) return "the generation";
  if (held->value != given->value) return "the value";
  if (held->type != given->type) return "the type";
  if (held->attributes != given->attributes) return "the attributes";
  if (held->fetched_by != given->fetched_by) return "the origin";
  if (held->issued_at != given->issued_at || held->expires_at != given->expires_at) return "the times";
  if (agent::to_boot_ms(held->expires_boot) != agent::to_boot_ms(given->expires_boot))
    return "the end by the boot clock";
  if (!held->previous) return {};  // its overlap had ended
  if (!given->previous || held->previous->value != given->previous->value) return "the previous token";
  return {};
}

}  // namespace jeton::test
