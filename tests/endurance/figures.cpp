#include "tests/endurance/figures.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "tests/support/unix_http.hpp"

namespace jeton::endurance {
namespace {

constexpr std::size_t fewest_samples = 16;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// "VmRSS:   8712 kB"
double number_after(const std::string& text, const std::string& key) {
  const auto at = text.find(key + ":");
  if (at == std::string::npos) throw std::runtime_error("no " + key + " in: " + text);
  return std::stod(text.substr(at + key.size() + 1));
}

// An agent whose clients are too many has no answer left: it keeps what it told before.
double timers_of(const Watched& agent) {
  const test::UnixHttpAnswer answer = test::unix_http_get(agent.socket, "/metrics");
  if (answer.status != 200) return agent.timers;
  const std::string before = "\njeton_timers ";
  const auto at = answer.body.find(before);
  if (at == std::string::npos) throw std::runtime_error("no jeton_timers in /metrics");
  return std::stod(answer.body.substr(at + before.size()));
}

std::string content(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

}  // namespace

double Figure::growth() const {
  if (samples.size() < fewest_samples) return 0;
  const auto quarter = static_cast<std::ptrdiff_t>(samples.size() / 4);
  const double earlier = median({samples.begin() + quarter, samples.begin() + 2 * quarter});
  const double later = median({samples.end() - quarter, samples.end()});
  return earlier > 0 ? later / earlier - 1 : later;
}

void Figures::sample() {
  double resident = 0;
  double memory = 0;
  double descriptors = 0;
  double threads = 0;
  double timers = 0;
  for (Watched& agent : agents_) {
    const std::filesystem::path process = "/proc/" + std::to_string(agent.process);
    const std::string status = content(process / "status");
    resident += number_after(status, "VmRSS") / 1024;
    memory += number_after(status, "RssAnon") / 1024;
    threads += number_after(status, "Threads");
    using Entries = std::filesystem::directory_iterator;
    descriptors += static_cast<double>(std::distance(Entries(process / "fd"), Entries()));
    agent.timers = timers_of(agent);
    timers += agent.timers;
  }
  const double redis = number_after(server_.cli({"INFO", "memory"}), "used_memory") / 1024 / 1024;
  const double clients = number_after(server_.cli({"INFO", "clients"}), "connected_clients");
  const double keys = std::stod(server_.cli({"DBSIZE"}));
  const std::vector<double> now{resident, memory, descriptors, threads, timers, redis, keys, clients};
  for (std::size_t i = 0; i < now.size(); ++i) figures_[i].samples.push_back(now[i]);
}

std::string Figures::table(double hours) const {
  std::string text;
  for (const Figure& figure : figures_) {
    const auto& samples = figure.samples;
    char line[160];
    std::snprintf(line, sizeof line, "%-36s %10.1f %10.1f %10.1f %+8.2f %% %+8.2f %%/h\n", figure.name.c_str(),
                  samples.front(), samples[samples.size() / 2], samples.back(), 100 * figure.growth(),
                  100 * figure.growth() / hours);
    text += line;
  }
  return text;
}

std::vector<std::string> Figures::that_have_grown() const {
  std::vector<std::string> names;
  for (const Figure& figure : figures_) {
    if (figure.has_grown()) names.push_back(figure.name);
  }
  return names;
}

}  // namespace jeton::endurance
