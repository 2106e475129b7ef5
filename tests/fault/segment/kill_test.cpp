// The agent killed at each step of what it does to a segment. Afterwards the token that was readable still is, and the
// next agent puts everything right, also for those who have had the segment open all the time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <jeton/client.hpp>
#include <string>
#include <vector>

#include "agent/segment/segment_store.hpp"
#include "tests/fault/segment/child.hpp"
#include "tests/fault/segment/segment_processes.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/segment/sample.hpp"

namespace jeton::test {
namespace {

namespace fs = std::filesystem;

// What the agent does when it is killed.
enum class Doing { first_start, start, publish, resize, expire, retire, resume_resize };

struct Case {
  const char* name;
  Doing doing;
  const char* failpoint;
};

class KilledAgent : public testing::TestWithParam<Case> {
 protected:
  [[nodiscard]] int start(const std::string& failpoints, Doing doing) const {
    Child agent([&](int) { return act(doing); }, failpoints);
    return agent.wait();
  }
  [[nodiscard]] int act(Doing doing) const {
    agent::RuntimeDir runtime(directory, agent::Policy::warn);
    agent::SegmentStore store(runtime, {"api", default_capacity, {}, agent::Policy::warn}, wall_now());
    const auto adopted = store.adopted();
    const agent::Generation before = adopted ? adopted->generation : 0;
    switch (doing) {
      case Doing::first_start:
      case Doing::start:
        break;
      case Doing::publish:
        store.publish(token_of(before + 1), wall_now());
        break;
      case Doing::resize:
      case Doing::resume_resize:
        store.reconfigure(default_capacity * 2, {}, wall_now());
        break;
      case Doing::expire:
        store.mark_expired();
        break;
      case Doing::retire:
        store.retire();
        break;
    }
    return 0;
  }
  [[nodiscard]] Token open() const {
    jeton::Options options;
    options.directory = directory.string();
    options.allow_missing = true;
    return Token("api", options);
  }
  static void expect_whole(const Token& token) {
    const auto copy = token.read();
    ASSERT_TRUE(copy) << copy.status().text();
    EXPECT_EQ(checked_generation(copy->value), copy->info.generation());
  }

  TempDir dir;
  fs::path directory = dir / "run";
};

TEST_P(KilledAgent, KilledAtAStep_TokenStaysReadableAndTheNextAgentGoesOn) {
  const Case& c = GetParam();
  const bool first = c.doing == Doing::first_start;
  const bool taken_away = first || c.doing == Doing::retire;
  const bool expired = c.doing == Doing::expire;
  if (!first) {
    ASSERT_EQ(start("", Doing::publish), 0);
    ASSERT_EQ(start("", Doing::publish), 0);
  }
  if (c.doing == Doing::resume_resize) {
    // Two deaths: in the middle of a replacement, and then while what it left is cleared away.
    ASSERT_EQ(start("segment.create.renamed=kill", Doing::resize), 128 + SIGKILL);
  }
  if (first) {
    fs::create_directory(directory);
    fs::permissions(directory, fs::perms(0755));
  }
  const Token held = open();
  Reader reader(held);
  if (!first) expect_whole(held);

  ASSERT_EQ(start(std::string(c.failpoint) + "=kill", c.doing), 128 + SIGKILL) << "the failpoint was not passed";
  if (!taken_away && !expired) {
    expect_whole(held);
    expect_whole(open());
    const auto current = reader.current();
    ASSERT_TRUE(current) << current.status().text();
    EXPECT_EQ(checked_generation(current->value()), current->generation());
  }

  ASSERT_EQ(start("", Doing::publish), 0);
  // The first generation that no agent had before.
  const agent::Generation before = first ? 0 : 2;
  const auto waited = held.wait_change(taken_away ? 0 : before, std::chrono::seconds(60));
  ASSERT_TRUE(waited) << waited.status().text();
  const auto fresh = open().read();
  ASSERT_TRUE(fresh) << fresh.status().text();
  EXPECT_EQ(*waited, fresh->info.generation());
  EXPECT_EQ(reader.current().value().generation(), fresh->info.generation());
  expect_whole(held);

  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(directory / "segments")) files.push_back(entry.path().filename());
  EXPECT_THAT(files, testing::ElementsAre("api"));
  // Nothing is left of superseded tokens, nor of what was being written.
  const std::string bytes = read_file(directory / "segments" / "api");
  for (agent::Generation g = 1; g < 5; ++g) {
    if (g == fresh->info.generation()) continue;
    const std::string value(token_of(g).value.reveal());
    EXPECT_EQ(bytes.find(value.substr(0, 20)), std::string::npos) << "of generation " << g;
  }
}

constexpr Case cases[] = {
    {"FirstStartLocked", Doing::first_start, "segment.runtime_dir.locked"},
    {"FirstStartMutexMade", Doing::first_start, "segment.mutex.made"},
    {"FirstStartOpened", Doing::first_start, "segment.create.opened"},
    {"FirstStartAllocated", Doing::first_start, "segment.create.allocated"},
    {"FirstStartHeaded", Doing::first_start, "segment.create.headed"},
    {"FirstStartFilled", Doing::first_start, "segment.create.filled"},
    {"FirstStartGranted", Doing::first_start, "segment.create.granted"},
    {"FirstStartRenamed", Doing::first_start, "segment.create.renamed"},
    {"StartLocked", Doing::start, "segment.runtime_dir.locked"},
    {"StartMutexMade", Doing::start, "segment.mutex.made"},
    {"AdoptGranted", Doing::start, "segment.adopt.granted"},
    {"AdoptWiped", Doing::start, "segment.adopt.wiped"},
    {"AdoptBumped", Doing::start, "segment.wake.bumped"},
    {"AdoptWoken", Doing::start, "segment.adopt.woken"},
    {"PublishBegin", Doing::publish, "segment.publish.begin"},
    {"PublishFilling", Doing::publish, "segment.publish.filling"},
    {"PublishFilled", Doing::publish, "segment.publish.filled"},
    {"PublishStored", Doing::publish, "segment.publish.stored"},
    {"PublishWoken", Doing::publish, "segment.publish.woken"},
    {"PublishWiped", Doing::publish, "segment.publish.wiped"},
    {"ResizeOpened", Doing::resize, "segment.create.opened"},
    {"ResizeAllocated", Doing::resize, "segment.create.allocated"},
    {"ResizeHeaded", Doing::resize, "segment.create.headed"},
    {"ResizeFilling", Doing::resize, "segment.publish.filling"},
    {"ResizeFilled", Doing::resize, "segment.create.filled"},
    {"ResizeGranted", Doing::resize, "segment.create.granted"},
    {"ResizeRenamed", Doing::resize, "segment.create.renamed"},
    {"ResizeRetireStored", Doing::resize, "segment.retire.stored"},
    {"ResizeRetireWoken", Doing::resize, "segment.retire.woken"},
    {"ResizeRetireWiped", Doing::resize, "segment.retire.wiped"},
    {"ResizeDiscardRetired", Doing::resize, "segment.discard.retired"},
    {"ResizeDiscarded", Doing::resize, "segment.create.discarded"},
    {"ResumeRetireStored", Doing::resume_resize, "segment.retire.stored"},
    {"ResumeDiscardRetired", Doing::resume_resize, "segment.discard.retired"},
    {"ExpireStored", Doing::expire, "segment.state.stored"},
    {"RetireStored", Doing::retire, "segment.retire.stored"},
    {"RetireWoken", Doing::retire, "segment.retire.woken"},
    {"RetireWiped", Doing::retire, "segment.retire.wiped"},
    {"RetireRemoved", Doing::retire, "segment.retire.removed"},
};

INSTANTIATE_TEST_SUITE_P(AtEachStep, KilledAgent, testing::ValuesIn(cases),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(KilledWriter, KilledBeforeTheWakeup_WaiterFindsTheTokenByItself) {
  const TempDir dir;
  const fs::path directory = dir / "run";
  const auto publish = [&](const std::string& failpoints) {
    Child agent(
        [&](int) {
          publish_some(directory, 1);
          return 0;
        },
        failpoints);
    return agent.wait();
  };
  ASSERT_EQ(publish(""), 0);
  jeton::Options options;
  options.directory = directory.string();
  Child waiter([&](int to_parent) {
    const Token token("api", options);
    tell_ready(to_parent);
    return token.wait_change(1, std::chrono::seconds(60)) ? 0 : 1;
  });
  ASSERT_TRUE(waiter.ready());
  ASSERT_EQ(publish("segment.publish.stored=kill"), 128 + SIGKILL);  // after its store, before it wakes anybody
  EXPECT_EQ(waiter.wait(), 0);
}

TEST(KilledWriter, KilledWithTheMutex_NextAgentPublishes) {
  const TempDir dir;
  const fs::path directory = dir / "run";
  for (int i = 0; i < 3; ++i) {
    Child killed(
        [&](int) {
          publish_some(directory, 1);
          return 0;
        },
        "segment.publish.filled=kill");
    ASSERT_EQ(killed.wait(), 128 + SIGKILL);
  }
  Child next([&](int) {
    publish_some(directory, 1);
    return 0;
  });
  EXPECT_EQ(next.wait(), 0);
}

}  // namespace
}  // namespace jeton::test
