#include "agent/coordination/fleet_record.hpp"

#include "agent/base/error.hpp"
#include "agent/coordination/lease_terms.hpp"
#include "agent/token/record_codec.hpp"

namespace jeton::agent {
namespace {

constexpr std::int64_t latest_ms = 253'402'300'799'999;  // the end of the year 9999

void check(WallTime time) {
  const std::int64_t ms = to_unix_ms(time);
  if (ms < 0 || ms > latest_ms) throw Error("record has a time out of range");
}

}  // namespace

Record to_local_time(Record record, Milliseconds offset) {
  if (record.generation > fence_limit) throw Error("record has a generation out of range");
  check(record.issued_at);
  check(record.expires_at);
  if (record.previous) {
    check(record.previous->accept_until);
    check(record.previous->expires_at);
  }
  shift_times(record, -offset);
  return record;
}

}  // namespace jeton::agent
