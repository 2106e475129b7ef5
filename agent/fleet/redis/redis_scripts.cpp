#include "agent/fleet/redis/redis_scripts.hpp"

#include <chrono>
#include <string>
#include <string_view>

#include "agent/record/record.hpp"
#include "redis_scripts_text.hpp"

namespace jeton::agent::redis_scripts {
namespace {

// The largest size of a stored record, in bytes. A reply with it stays below redis::ReplyLimits.
constexpr std::size_t record_limit = 4 * 1024 * 1024 - 64 * 1024;

// Made at the first use.
template <const std::string_view& Text>
const redis::Script& script() {
  static const redis::Script made = [] {
    // Appended, not added up: GCC 14 takes the insertion before the digits for a write out of bounds.
    std::string whole("local fence_room = ");
    whole += std::to_string(std::chrono::microseconds(fence_room).count());
    whole += "\nlocal record_limit = ";
    whole += std::to_string(record_limit);
    whole += "\n";
    whole += Text;
    return redis::Script(whole);
  }();
  return made;
}

}  // namespace

const redis::Script& acquire() { return script<text::acquire>(); }
const redis::Script& renew() { return script<text::renew>(); }
const redis::Script& release() { return script<text::release>(); }
const redis::Script& admit() { return script<text::admit>(); }
const redis::Script& publish() { return script<text::publish>(); }
const redis::Script& replace() { return script<text::replace>(); }
const redis::Script& load() { return script<text::load>(); }
const redis::Script& check_type() { return script<text::check_type>(); }
const redis::Script& pause() { return script<text::pause>(); }
const redis::Script& resume() { return script<text::resume>(); }
const redis::Script& restore_usage() { return script<text::restore_usage>(); }
const redis::Script& usage() { return script<text::usage>(); }
const redis::Script& lock_acquire() { return script<text::lock_acquire>(); }
const redis::Script& lock_force_release() { return script<text::lock_force_release>(); }
const redis::Script& lock_show() { return script<text::lock_show>(); }
const redis::Script& quorum_raise_fence() { return script<text::quorum_raise_fence>(); }
const redis::Script& quorum_fetches() { return script<text::quorum_fetches>(); }
const redis::Script& quorum_count_fetch() { return script<text::quorum_count_fetch>(); }

}  // namespace jeton::agent::redis_scripts
