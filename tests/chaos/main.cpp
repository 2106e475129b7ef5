// jeton_chaos: real processes under faults that a seed draws, with a history that check_history.py judges.
// tests/README.md, "Chaos".
//
//   jeton_chaos [SECONDS] [--seed N] [--backend redis|redlock|sentinel|cluster]
//
// Without options each day has another seed and the next backend, so that the runs of many days see more than those of
// one.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/chaos/fleet.hpp"
#include "tests/chaos/history.hpp"
#include "tests/support/seed_of_the_day.hpp"

namespace {

using namespace jeton::chaos;
using std::chrono::steady_clock;

constexpr const char* usage = "jeton_chaos [SECONDS] [--seed N] [--backend redis|redlock|sentinel|cluster]\n";

struct Options {
  std::size_t episodes = 1;
  std::uint64_t seed = jeton::test::day_number();
  std::string backend = shapes[jeton::test::day_number() % shapes.size()].name;

  [[nodiscard]] std::string replay() const {
    return "tests/chaos/run " + std::to_string(episodes * 60) + " --seed " + std::to_string(seed) + " --backend " +
           backend;
  }
  [[nodiscard]] std::string name() const { return backend + "-" + std::to_string(seed); }
};

Options parse(const std::vector<std::string>& words) {
  Options options;
  if (const char* given = std::getenv("JETON_TEST_SEED")) options.seed = std::stoull(given);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const auto value = [&]() -> const std::string& {
      if (++i == words.size()) throw std::invalid_argument(word + " needs a value");
      return words[i];
    };
    if (word == "--seed") {
      options.seed = std::stoull(value());
    } else if (word == "--backend") {
      options.backend = value();
    } else {
      options.episodes = std::max<std::size_t>(1, (std::stoull(word) + 59) / 60);
    }
  }
  (void)shape_of(options.backend);
  return options;
}

// Notes when the machine let this process not run: the others, which wait for each other besides, may not have run then
// either.
class StallMeter {
 public:
  ~StallMeter() {
    end_ = true;
    thread_.join();
  }
  [[nodiscard]] std::string history() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  static constexpr milliseconds tick{20};
  static constexpr milliseconds noted{100};

  void measure() {
    for (Moment last = now(); !end_;) {
      std::this_thread::sleep_for(tick);
      const Moment next = now();
      if (next.boot_us - last.boot_us > std::chrono::microseconds(noted).count()) {
        const std::lock_guard lock(mutex_);
        lines_ += history_line("stall", last, next, nlohmann::json::object());
      }
      last = next;
    }
  }

  std::atomic<bool> end_ = false;
  mutable std::mutex mutex_;
  std::string lines_;
  std::thread thread_{[this] { measure(); }};
};

class Run {
 public:
  Run(const Options& options, bool rights)
      : options_(options), rights_(rights), fleet_(shape_of(options.backend), options.seed, rights) {
    nlohmann::json config = fleet_.promises();
    config["backend"] = options.backend;
    config["replay"] = options.replay();
    note("config", now(), config);
  }

  void all_episodes() {
    for (const Episode& each : make_plan(options_.seed, shape_of(options_.backend), options_.episodes, rights_)) {
      episode(each);
    }
  }

  void stop() {
    for (const std::string& which : fleet_.stop()) note("failed_stop", now(), {{"which", which}});
  }

  void save(const std::filesystem::path& directory) const {
    std::filesystem::create_directories(directory);
    fleet_.save_logs(directory);
    std::ofstream file(directory / "history.jsonl");
    file << lines_ << stalls_.history() << fleet_.history();
    if (!file.flush()) throw std::runtime_error("the history cannot be written to " + directory.string());
  }

 private:
  void note(const std::string& operation, Moment begin, nlohmann::json more) {
    lines_ += history_line(operation, begin, now(), std::move(more));
  }

  struct Step {
    milliseconds at;
    const Fault* fault;
    bool is_end;
  };

  // On a machine that is busy the faults take longer, and the calm time is as long as ever.
  void episode(const Episode& faults) {
    std::vector<Step> steps;
    for (const Fault& fault : faults) {
      steps.push_back({fault.at, &fault, false});
      steps.push_back({fault.at + fault.length, &fault, true});
    }
    std::stable_sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) { return a.at < b.at; });
    const auto first_calm = std::find_if(steps.begin(), steps.end(), [](const Step& s) { return s.at > faults_end; });
    const auto begin = steady_clock::now();
    std::for_each(steps.begin(), first_calm, [&](const Step& each) { take(each, begin); });
    wait_until(begin + faults_end);
    const Moment calm = now();
    const auto late_begin = steady_clock::now() - faults_end;
    std::for_each(first_calm, steps.end(), [&](const Step& each) { take(each, late_begin); });
    wait_until(late_begin + episode_length);
    note("calm", calm, nlohmann::json::object());
  }

  void take(const Step& step, steady_clock::time_point begin) {
    wait_until(begin + step.at);
    if (!step.is_end) {
      began_[step.fault] = now();
      return fleet_.begin(*step.fault);
    }
    fleet_.end(*step.fault);
    note("fault", began_[step.fault], {{"kind", name_of(step.fault->kind)}, {"target", step.fault->target}});
  }

  void wait_until(steady_clock::time_point end) {
    for (;;) {
      for (const std::string& which : fleet_.ended_by_themselves()) {
        note("ended", now(), {{"which", which}});
        throw std::runtime_error(which + " has ended by itself");
      }
      const auto left = end - steady_clock::now();
      if (left <= left.zero()) return;
      std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(left, milliseconds(500)));
    }
  }

  Options options_;
  bool rights_;
  std::string lines_;
  std::map<const Fault*, Moment> began_;
  Fleet fleet_;
  StallMeter stalls_;
};

void run(const Options& options, const std::filesystem::path& directory, bool rights) {
  Run run(options, rights);
  try {
    run.all_episodes();
    run.stop();
  } catch (...) {
    run.save(directory);
    throw;
  }
  run.save(directory);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  try {
    options = parse({argv + 1, argv + argc});
  } catch (const std::exception& e) {
    std::cout << e.what() << "\n" << usage;
    return 2;
  }
  const bool rights = take_own_mounts();
  const std::filesystem::path directory = std::filesystem::path(JETON_CHAOS_RESULTS) / options.name();
  std::cout << "seed " << options.seed << ", " << options.backend << ", " << options.episodes << " min; "
            << directory.string() << " gets the history and the logs" << (rights ? "" : "; no kinds that need root")
            << std::endl;
  try {
    run(options, directory, rights);
  } catch (const std::exception& e) {
    std::cout << e.what() << "\nfailed; again with the same faults: " << options.replay() << std::endl;
    return 1;
  }
  const std::string history = (directory / "history.jsonl").string();
  ::execlp("python3", "python3", JETON_CHAOS_CHECKER, history.c_str(), nullptr);
  std::cout << "python3 cannot be started\n";
  return 2;
}
