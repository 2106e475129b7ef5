// What a fleet of real agents costs, on one Redis and one provider on this machine:
//
//   jeton_fleet_bench [agents] [rotations] [idle seconds]      default 100 5 60
//
// Attempts for the lock and commands to Redis per rotation, commands per idle hour and agent, and the time from the
// publication (as a subscriber of the same channel hears it) to each agent's segment.
#include <jeton/jeton.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "agent/fleet/redis/client/subscriber.hpp"
#include "tests/support/agent_process.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/fault_provider.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/redis_server.hpp"

namespace jeton::test {
namespace {

using std::chrono::duration;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds token_lifetime = seconds(20);

// One agent's segment, as an application maps it.
class Segment {
 public:
  explicit Segment(const AgentProcess& agent) : dir_(agent.runtime_dir().string()) {
    jeton_options options = JETON_OPTIONS_INIT;
    options.directory = dir_.c_str();
    if (jeton_open(&options, "api", &token_) != JETON_OK || jeton_reader_open(token_, &reader_) != JETON_OK) {
      throw std::runtime_error("cannot open " + dir_);
    }
  }
  ~Segment() {
    jeton_reader_close(reader_);
    jeton_close(token_);
  }
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;
  [[nodiscard]] std::uint64_t generation() const {
    const jeton_view* view = nullptr;
    return jeton_current(reader_, &view) == JETON_OK ? view->generation : 0;
  }

 private:
  std::string dir_;
  jeton_token* token_ = nullptr;
  jeton_reader* reader_ = nullptr;
};

class FleetBench {
 public:
  explicit FleetBench(int agents)
      : subscriber_(loop_.timers, loop_.random, options(),
                    {.message = [this](const std::string&, std::string_view text) { on_message(text); },
                     .gap = [this](const std::string&) { subscribed_ = true; }},
                    seconds(60)) {
    for (int i = 0; i < agents; ++i) {
      AgentSettings settings;
      settings.redis_url = redis_.unix_url();
      settings.token_url = provider_.url();
      settings.refresh = "{grace: 10s, spread: 2s, min_interval: 0ms}";
      settings.lock_ttl = "15s";
      settings.log_level = "warning";
      agents_.push_back(std::make_unique<AgentProcess>(settings));
    }
    subscriber_.subscribe("jeton:{api}:published");
    subscriber_.start();
    if (!loop_.turn_until([this] { return subscribed_; })) throw std::runtime_error("no subscription");
    for (const auto& agent : agents_) agent->launch();
    for (const auto& agent : agents_) agent->await();
    for (const auto& agent : agents_) {
      if (!eventually([&] { return agent->valid(); })) throw std::runtime_error("an agent has no token");
      segments_.push_back(std::make_unique<Segment>(*agent));
    }
  }

  void rotations(int count) {
    turn(seconds(2));
    std::vector<double> to_each;
    std::vector<double> to_last;
    const std::uint64_t attempts = lock_attempts();
    const std::uint64_t issued = provider_.counts().issued;
    const std::uint64_t before = scripts();
    for (int i = 0; i < count; ++i) one_rotation(to_each, to_last);
    const auto fetched = static_cast<double>(provider_.counts().issued - issued);
    std::printf("%zu agents, %d rotations, %.0f fetches\n", agents_.size(), count, fetched);
    std::printf("  lock attempts per rotation    %.2f\n", static_cast<double>(lock_attempts() - attempts) / fetched);
    std::printf("  scripts in Redis per rotation %.2f (3 of them the winner's)\n",
                static_cast<double>(scripts() - before) / fetched);
    std::printf("  publication to a segment      p50 %.2f ms  p99 %.2f ms\n", at(to_each, 0.5), at(to_each, 0.99));
    std::printf("  publication to the last one   p50 %.2f ms  max %.2f ms\n", at(to_last, 0.5), at(to_last, 1.0));
  }

  void idle(seconds time) {
    const std::uint64_t old = segments_.front()->generation();
    provider_.set_lifetime(std::chrono::hours(1));
    while (segments_.front()->generation() <= old) turn(milliseconds(100));
    turn(seconds(2));
    const std::uint64_t before = commands();
    const auto began = Clock::now();
    std::this_thread::sleep_for(time);
    const double hours = duration<double>(Clock::now() - began).count() / 3600;
    std::printf("  commands per idle hour, agent %.0f\n",
                static_cast<double>(commands() - before - 1) / hours / static_cast<double>(agents_.size()));
  }

 private:
  agent::redis::ConnectOptions options() const;

  void on_message(std::string_view text) {
    if (text.starts_with(R"({"type":"record")")) published_at_ = Clock::now();
  }

  void turn(milliseconds time) { loop_.pass(time); }

  // The token is refreshed about ten seconds after it was fetched; then looks at all segments until each has it.
  void one_rotation(std::vector<double>& to_each, std::vector<double>& to_last) {
    const std::uint64_t old = segments_.front()->generation();
    published_at_ = {};
    if (!loop_.turn_until([this] { return published_at_ != Clock::time_point{}; }, token_lifetime)) {
      throw std::runtime_error("no publication");
    }
    std::vector<bool> has(segments_.size());
    std::size_t missing = segments_.size();
    double last = 0;
    while (missing > 0) {
      const double now = duration<double, std::milli>(Clock::now() - published_at_).count();
      for (std::size_t i = 0; i < segments_.size(); ++i) {
        if (has[i] || segments_[i]->generation() <= old) continue;
        has[i] = true;
        --missing;
        last = now;
        to_each.push_back(now);
      }
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    to_last.push_back(last);
  }

  [[nodiscard]] static double at(std::vector<double> values, double quantile) {
    std::sort(values.begin(), values.end());
    return values.at(static_cast<std::size_t>(quantile * static_cast<double>(values.size() - 1)));
  }

  [[nodiscard]] std::uint64_t lock_attempts() const {
    std::uint64_t sum = 0;
    for (const auto& agent : agents_) sum += agent->token()["counters"]["lock_attempts"].get<std::uint64_t>();
    return sum;
  }
  [[nodiscard]] std::uint64_t number(const std::string& section, const std::string& key) const {
    const std::string text = redis_.cli({"INFO", section});
    const auto found = text.find(key);
    return found == std::string::npos ? 0 : std::stoull(text.substr(found + key.size()));
  }
  [[nodiscard]] std::uint64_t scripts() const { return number("commandstats", "cmdstat_evalsha:calls="); }
  [[nodiscard]] std::uint64_t commands() const { return number("stats", "total_commands_processed:"); }

  RedisServer redis_;
  FaultProvider provider_{{.lifetime = token_lifetime}};
  Loop loop_;
  Clock::time_point published_at_{};
  bool subscribed_ = false;
  agent::redis::Subscriber subscriber_;
  std::vector<std::unique_ptr<AgentProcess>> agents_;
  std::vector<std::unique_ptr<Segment>> segments_;
};

agent::redis::ConnectOptions FleetBench::options() const {
  agent::redis::ConnectOptions options;
  options.address.kind = agent::redis::Address::Kind::unix_socket;
  options.address.path = redis_.socket();
  options.timeout = seconds(10);
  return options;
}

}  // namespace
}  // namespace jeton::test

int main(int argc, char** argv) {
  const auto argument = [&](int index, int otherwise) { return argc > index ? std::atoi(argv[index]) : otherwise; };
  try {
    jeton::test::FleetBench bench(argument(1, 100));
    bench.rotations(argument(2, 5));
    bench.idle(std::chrono::seconds(argument(3, 60)));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "fleet_bench: %s\n", e.what());
    return 1;
  }
  return 0;
}
