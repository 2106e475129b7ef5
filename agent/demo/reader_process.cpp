#include "agent/demo/reader_process.hpp"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <jeton/client.hpp>
#include <thread>
#include <utility>

#include "agent/base/secret.hpp"
#include "agent/demo/http_get.hpp"
#include "agent/demo/provider.hpp"

namespace jeton::agent::demo {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::milliseconds report_interval{100};
constexpr std::chrono::milliseconds api_interval{250};
constexpr std::chrono::milliseconds open_interval{20};
constexpr int reads_between_clocks = 4096;

struct ApiCounts {
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> refused{0};
};

// Uses the token as an application does, on a short-lived connection each time.
void call_api_for_ever(const Token& token, std::uint16_t port, ApiCounts& counts) {
  Reader reader(token);
  for (;;) {
    std::this_thread::sleep_for(api_interval);
    const auto current = reader.current();
    if (!current) continue;
    const unsigned status = get_from_port(port, "/api", "Bearer " + std::string(current->value())).status;
    if (status == 200) ++counts.accepted;
    if (status == 401) ++counts.refused;
  }
}

Token open_token(const std::string& directory) {
  Options where;
  where.directory = directory;
  for (;;) {
    auto token = Token::try_open(token_name, where);
    if (token) return std::move(*token);
    std::this_thread::sleep_for(open_interval);  // the agent has not made the segment yet
  }
}

// A token is looked at whole when it is new, and again and again while it stays.
void examine(const View& view, ReaderReport& report) {
  if (!checked_token_serial(view.value())) ++report.torn;
  if (view.generation() == report.generation) return;
  if (view.generation() < report.generation) ++report.older;
  ++report.tokens;
  report.generation = view.generation();
  report.expires_at_ms = view.expires_at().time_since_epoch().count();
  std::snprintf(report.fingerprint, sizeof report.fingerprint, "%s", SecretString(view.value()).fingerprint().c_str());
}

void read_some(Reader& reader, ReaderReport& report) {
  const auto before = std::chrono::system_clock::now();
  for (int i = 0; i < reads_between_clocks; ++i) {
    const auto current = reader.current();
    ++report.reads;
    if (!current) {
      if (report.generation != 0) ++report.expired;
    } else if (i == 0 || current->generation() != report.generation) {
      if (current->expires_at() <= before) ++report.expired;
      examine(*current, report);
    }
  }
}

bool send(const ReaderReport& report) {
  return ::write(STDOUT_FILENO, &report, sizeof report) == static_cast<ssize_t>(sizeof report);
}

}  // namespace

void run_reader(const std::string& directory, std::uint16_t api_port) {
  ::signal(SIGPIPE, SIG_IGN);
  const Token token = open_token(directory);
  static_cast<void>(token.wait_valid());
  ApiCounts api;
  std::thread(call_api_for_ever, std::cref(token), api_port, std::ref(api)).detach();

  Reader reader(token);
  ReaderReport report;
  auto next_report = Steady::now();
  for (;;) {
    read_some(reader, report);
    if (Steady::now() < next_report) continue;
    next_report += report_interval;
    report.api_accepted = api.accepted;
    report.api_refused = api.refused;
    // The other thread uses objects on this stack, so the process ends here and does not return.
    if (!send(report)) ::_exit(0);
  }
}

}  // namespace jeton::agent::demo
