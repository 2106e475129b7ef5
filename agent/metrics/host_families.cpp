// The families of the host as a whole.
#include <prometheus/metric_family.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <numeric>
#include <string>
#include <utility>

#include "agent/base/tally.hpp"
#include "agent/metrics/families.hpp"

namespace jeton::agent {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

ClientMetric labelled(SampleLabels labels) {
  ClientMetric metric;
  metric.label.reserve(labels.size());
  for (auto& [name, value] : labels) metric.label.push_back({name, std::move(value)});
  return metric;
}

class Families {
 public:
  void add(const char* name, MetricType type, const char* help) { made_.push_back({name, help, type, {}}); }
  // Of the family that was added last.
  void value(double of, SampleLabels labels = {}) {
    made_.back().metric.push_back(sample(made_.back().type, of, std::move(labels)));
  }
  void durations(const DurationTally& tally, SampleLabels labels = {}) {
    ClientMetric metric = labelled(std::move(labels));
    metric.histogram.bucket.reserve(DurationTally::limits.size());
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < DurationTally::limits.size(); ++i) {
      count += tally.counts()[i];
      metric.histogram.bucket.push_back({count, in_seconds(DurationTally::limits[i])});
    }
    metric.histogram.sample_count = count + tally.counts().back();
    metric.histogram.sample_sum = in_seconds(tally.sum());
    made_.back().metric.push_back(std::move(metric));
  }
  // A family of one sample.
  void gauge(const char* name, double of, const char* help) {
    add(name, MetricType::Gauge, help);
    value(of);
  }
  void counter(const char* name, std::uint64_t of, const char* help) {
    add(name, MetricType::Counter, help);
    value(static_cast<double>(of));
  }
  void histogram(const char* name, const DurationTally& of, const char* help) {
    add(name, MetricType::Histogram, help);
    durations(of);
  }
  [[nodiscard]] std::vector<MetricFamily> take() { return std::move(made_); }

 private:
  std::vector<MetricFamily> made_;
};

void add_agent(Families& families, const MetricsInput& input) {
  const AgentStatus& status = input.status;
  families.add("jeton_build_info", MetricType::Gauge, "1; the label is the version of the agent.");
  families.value(1, {{"version", status.version}});
  families.add("jeton_tokens", MetricType::Gauge, "Configured tokens by state.");
  for (const TokenState state : {TokenState::none, TokenState::valid, TokenState::expired}) {
    const auto count = std::count_if(status.tokens.begin(), status.tokens.end(),
                                     [state](const TokenStatus& token) { return token.state == state; });
    families.value(static_cast<double>(count), {{"state", to_string(state)}});
  }
  families.counter("jeton_log_lines_dropped_total", status.log_lines_dropped,
                   "Lines that were lost because the log did not take them in time.");
  families.histogram("jeton_loop_lag_seconds", input.loop_lag,
                     "How late the event loop ran a timer, looked at every five seconds; counts suspend.");
  families.gauge("jeton_timers", static_cast<double>(input.timers), "Moments that the event loop waits for.");
}

void add_refreshes(Families& families, const RefreshTally& tally) {
  families.add("jeton_refreshes_total", MetricType::Counter, "Calls of this host to providers, by reason and outcome.");
  for (const RefreshReason reason : RefreshTally::reasons) {
    for (const RefreshOutcome outcome : RefreshTally::outcomes) {
      families.value(static_cast<double>(tally.count(reason, outcome)),
                     {{"reason", to_string(reason)}, {"outcome", to_string(outcome)}});
    }
  }
  families.add("jeton_refresh_duration_seconds", MetricType::Histogram,
               "Time from the call to the provider to the end of the publication.");
  for (const RefreshOutcome outcome : RefreshTally::outcomes) {
    families.durations(tally.durations(outcome), {{"outcome", to_string(outcome)}});
  }
}

void add_coordinator(Families& families, const MetricsInput& input) {
  const BackendHealth& health = input.status.coordinator;
  families.add("jeton_coordinator_up", MetricType::Gauge, "1 if the coordinator can be reached, otherwise 0.");
  families.value(health.reachable ? 1 : 0, {{"backend", health.backend}});
  families.gauge("jeton_coordinator_clock_offset_seconds", in_seconds(health.clock_offset),
                 "The wall clock of the coordinator minus that of this host.");
  if (!input.connections) return;
  families.histogram("jeton_coordinator_answer_duration_seconds", input.connections->answers,
                     "Time from a command to the coordinator to its answer.");
  families.counter("jeton_coordinator_reconnects_total", input.connections->reconnects,
                   "Connects to the coordinator after the first one of each connection.");
}

void add_locks(Families& families, const MetricsInput& input) {
  if (!input.status.locks) return;
  const LocksStatus& locks = *input.status.locks;
  const LockTally& tally = input.locks;
  families.gauge("jeton_locks_up", locks.store.reachable ? 1 : 0,
                 "1 if the locks of applications can be taken, otherwise 0.");
  families.gauge("jeton_locks_held", static_cast<double>(locks.sessions.held),
                 "Requests of this host's clients that hold their locks.");
  families.gauge("jeton_locks_waiting", static_cast<double>(locks.sessions.waiting),
                 "Requests of this host's clients that wait for a lock.");
  families.add("jeton_lock_requests_total", MetricType::Counter, "Requests for locks by outcome.");
  const auto& waits = tally.waits.counts();
  families.value(static_cast<double>(std::accumulate(waits.begin(), waits.end(), std::uint64_t{0})),
                 {{"outcome", "acquired"}});
  families.value(static_cast<double>(tally.busy), {{"outcome", "busy"}});
  families.value(static_cast<double>(tally.failed), {{"outcome", "failed"}});
  families.histogram("jeton_lock_wait_duration_seconds", tally.waits, "Time from a request to its locks.");
  families.histogram("jeton_lock_hold_duration_seconds", tally.holds,
                     "Time from then to the release or loss, without detached locks.");
  families.counter("jeton_locks_lost_total", tally.lost, "Locks that were lost while a client held them.");
}

void add_api(Families& families, const std::vector<ServerFigures>& servers) {
  families.add("jeton_api_connections", MetricType::Gauge, "Open connections of clients.");
  for (const ServerFigures& server : servers) {
    families.value(static_cast<double>(server.connections), {{"server", std::string(server.name)}});
  }
  families.add("jeton_api_connections_refused_total", MetricType::Counter, "Clients for whom no connection was left.");
  for (const ServerFigures& server : servers) {
    families.value(static_cast<double>(server.tally.refused_clients()), {{"server", std::string(server.name)}});
  }
  families.add("jeton_api_requests_total", MetricType::Counter, "Requests by kind of path and HTTP status.");
  for (const ServerFigures& server : servers) {
    for (const auto& [key, count] : server.tally.answers()) {
      families.value(static_cast<double>(count), {{"server", std::string(server.name)},
                                                  {"path", std::string(key.kind)},
                                                  {"code", std::to_string(key.status)}});
    }
  }
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// Of user and system, all threads.
double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

// Does not wait: the kernel makes the text from memory.
std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  statm >> size >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// By the names that every exporter uses.
void add_process(Families& families, WallTime started_at) {
  families.add("process_cpu_seconds_total", MetricType::Counter, "Processor time of the agent.");
  families.value(cpu_seconds());
  families.gauge("process_resident_memory_bytes", static_cast<double>(resident_bytes()),
                 "Resident memory of the agent.");
  families.gauge("process_start_time_seconds", in_seconds(started_at.time_since_epoch()),
                 "When the agent started, in seconds since the Unix epoch.");
}

}  // namespace

ClientMetric sample(MetricType type, double value, SampleLabels labels) {
  ClientMetric metric = labelled(std::move(labels));
  if (type == MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  return metric;
}

std::vector<MetricFamily> host_families(const MetricsInput& input) {
  Families families;
  add_agent(families, input);
  add_refreshes(families, input.refreshes);
  add_coordinator(families, input);
  add_locks(families, input);
  add_api(families, input.servers);
  add_process(families, input.status.started_at);
  return families.take();
}

}  // namespace jeton::agent
