#include "tests/bench/process_cost.hpp"

#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/eventually.hpp"
#include "tests/support/process.hpp"

namespace jeton::bench {
namespace {

// schedstat of proc(5) has nanoseconds; the times in stat are rounded to ticks of ten milliseconds.
std::optional<double> cpu_us(pid_t process) {
  double sum = 0;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task")) {
    std::ifstream file(thread.path() / "schedstat");
    double on_cpu_ns = 0;
    if (!(file >> on_cpu_ns)) return std::nullopt;
    sum += on_cpu_ns / 1000;
  }
  return sum;
}

// Of the table of strace -c: "% time, seconds, usecs/call, calls, errors (or nothing), name", a row for each call.
double sum_of_calls(const std::string& table) {
  double sum = 0;
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream row(line);
    std::vector<std::string> columns;
    for (std::string column; row >> column;) columns.push_back(column);
    const bool is_call = columns.size() >= 5 && columns.back() != "total" && std::atof(columns[3].c_str()) > 0;
    if (is_call) sum += std::atof(columns[3].c_str());
  }
  return sum;
}

}  // namespace

std::optional<double> cpu_us_of(pid_t process, const std::function<void()>& work) {
  const auto before = cpu_us(process);
  work();
  const auto after = cpu_us(process);
  if (!before || !after) return std::nullopt;
  return *after - *before;
}

std::optional<double> system_calls_of(pid_t process, const std::function<void()>& work) {
  test::Process strace({"strace", "-f", "-c", "-p", std::to_string(process)});
  const auto attached = [&] { return strace.err().find("attached") != std::string::npos; };
  if (!test::eventually([&] { return attached() || !strace.running(); }) || !attached()) return std::nullopt;
  work();
  strace.signal(SIGINT);
  strace.wait();
  const double calls = sum_of_calls(strace.err());
  if (calls == 0) return std::nullopt;
  return calls;
}

}  // namespace jeton::bench
