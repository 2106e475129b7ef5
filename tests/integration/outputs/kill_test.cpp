// kill -9 at each step of writing: the file is the old one or the new one, and the next agent completes what was begun.
#include <signal.h>

#include "tests/integration/outputs/output_agent.hpp"

namespace jeton::test {
namespace {

struct KilledStep {
  const char* failpoint;
  bool new_file;  // it is in its place already
};

class KilledOutput : public OutputAgent, public testing::WithParamInterface<KilledStep> {};

TEST_P(KilledOutput, KilledAtAStep_FileIsOldOrNewAndTheNextAgentGoesOn) {
  configure(output_with_hook());
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  const std::string old = value();
  ASSERT_TRUE(has(old));
  ASSERT_TRUE(hook_found(old));
  ASSERT_TRUE(hook_ran(1)) << "else the next agent makes up for it";
  EXPECT_EQ(agent.stop(), 0);

  ProcessOptions options;
  options.env["JETON_FAILPOINTS"] = std::string(GetParam().failpoint) + "=kill";
  AgentProcess victim(AgentSettings{}, options);
  victim.write_config(read_file(agent.config_file()));  // with the other's runtime directory
  victim.launch();
  ASSERT_TRUE(eventually([&] { return agent.valid(); })) << victim.log();
  ask(agent);
  ASSERT_TRUE(eventually([&] { return !victim.running(); })) << victim.log();
  EXPECT_EQ(victim.wait(), 128 + SIGKILL);
  const std::string newest = value();
  EXPECT_NE(newest, old);
  EXPECT_EQ(content(), (GetParam().new_file ? newest : old) + "\n");

  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  ASSERT_TRUE(has(value()));
  ASSERT_TRUE(hook_found(value())) << "the program was left with the old token";
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir / "out"), {}), 1) << "something is left of the write";
}

INSTANTIATE_TEST_SUITE_P(AtEveryStep, KilledOutput,
                         testing::Values(KilledStep{"output.created", false}, KilledStep{"output.filled", false},
                                         KilledStep{"output.synced", false}, KilledStep{"output.marked", false},
                                         KilledStep{"output.moved", true}, KilledStep{"output.hook", true}),
                         [](const auto& step) { return std::string(step.param.failpoint).substr(7); });

}  // namespace
}  // namespace jeton::test
