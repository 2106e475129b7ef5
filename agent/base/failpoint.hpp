// Named places where a test makes the agent fail. Compiled in by -DJETON_FAILPOINTS=ON; otherwise nothing is left.
//
// JETON_FAILPOINTS="segment.publish.filled=kill;redis.publish.sending=sleep:500" in the environment arms them at start:
//   kill      SIGKILL to the process itself
//   sleep:MS  block the thread
//   throw     throw Error
//   NAME=2*kill  acts from the second time on that the place is passed
#pragma once

#include <functional>
#include <string_view>

namespace jeton::agent {

void failpoint_passed(std::string_view name);

// `observer` is called at each place that is passed, before the place acts, in the thread that passes it; null: no
// observer. For the simulation, whose agents are all in one process of one thread.
void observe_failpoints(std::function<void(std::string_view name)> observer);

}  // namespace jeton::agent

#ifdef JETON_FAILPOINTS
#define JETON_FAILPOINT(name) ::jeton::agent::failpoint_passed(name)
#else
#define JETON_FAILPOINT(name) static_cast<void>(0)
#endif
