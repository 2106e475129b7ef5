#include "agent/fleet/fleet_record.hpp"

#include "agent/record/record_check.hpp"

namespace jeton::agent {

Record to_local_time(Record record, Milliseconds offset, WallTime now) {
  check_record(record, now + offset);
  shift_times(record, -offset);
  return record;
}

}  // namespace jeton::agent
