// The backends that the suites of every executable here run on.
#include "tests/virtual/locks/lock_fleet.hpp"

namespace jeton::test {

INSTANTIATE_TEST_SUITE_P(On, AnyLock, testing::Values("local", "redis", "redlock"), backend_name);
INSTANTIATE_TEST_SUITE_P(On, FleetLock, testing::Values("redis", "redlock"), backend_name);

}  // namespace jeton::test
