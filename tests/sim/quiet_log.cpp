// The log of the simulated agents takes a third of the time of a run, and what the tests check is in its outcome. A
// seed that fails can be run again with its log: jeton_sim --log.
#include <gtest/gtest.h>

#include "agent/base/log.hpp"

namespace jeton::sim {
namespace {

class QuietLog : public testing::Environment {
  void SetUp() override { agent::log::configure(agent::log::Level::error, agent::log::Format::text); }
};

// GoogleTest owns it.
[[maybe_unused]] const testing::Environment* const quiet_log = testing::AddGlobalTestEnvironment(new QuietLog);

}  // namespace
}  // namespace jeton::sim
