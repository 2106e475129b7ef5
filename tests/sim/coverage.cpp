#include "tests/sim/coverage.hpp"

#include <ostream>
#include <string>
#include <string_view>

namespace jeton::sim {
namespace {

template <typename Counts>
void add_each(Counts& sum, const Counts& more) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += more[i];
}

// Of those that were never counted.
template <typename Counts, typename NameOf>
void print_missing(const char* what, const Counts& counts, NameOf name_of_one, std::ostream& out) {
  std::string names;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) names += (names.empty() ? "" : ", ") + std::string(name_of_one(i));
  }
  if (!names.empty()) out << what << ": " << names << "\n";
}

std::string name_of_fault(std::size_t number) {
  const FaultInfo& kind = info(static_cast<FaultKind>(number));
  constexpr const char* targets[] = {"", " of a host", " of a server"};
  return std::string(kind.name) + targets[static_cast<std::size_t>(kind.target)];
}

[[maybe_unused]] std::string_view name_of_failpoint(std::size_t number) { return failpoint_names.at(number); }

}  // namespace

void Coverage::add(const Coverage& other) {
  add_each(injected, other.injected);
  add_each(took_effect, other.took_effect);
  add_each(reached, other.reached);
  add_each(armed, other.armed);
  add_each(killed, other.killed);
}

void print(const Coverage& coverage, std::ostream& out) {
  out << "| fault | times injected | took effect |\n|---|---|---|\n";
  for (std::size_t i = 0; i < fault_kind_count; ++i) {
    out << "| " << name_of_fault(i) << " | " << coverage.injected[i] << " | " << coverage.took_effect[i] << " |\n";
  }
  print_missing("faults that never took effect", coverage.took_effect, name_of_fault, out);
#ifdef JETON_FAILPOINTS
  out << "| failpoint | times reached | armed | killed an agent |\n|---|---|---|---|\n";
  for (std::size_t i = 0; i < failpoint_names.size(); ++i) {
    if (coverage.reached[i] == 0) continue;
    out << "| " << failpoint_names[i] << " | " << coverage.reached[i] << " | " << coverage.armed[i] << " | "
        << coverage.killed[i] << " |\n";
  }
  print_missing("failpoints that were never reached", coverage.reached, name_of_failpoint, out);
#else
  out << "this build has no failpoints\n";
#endif
}

}  // namespace jeton::sim
