// Where and of what a figure was taken; figures of two machines cannot be compared.
#pragma once

#include <string>

namespace jeton::bench {

struct Machine {
  std::string cpu;
  unsigned cores = 0;
  std::string kernel;
  std::string date;  // UTC, ISO 8601
  std::string compiler;
  std::string build;
};

[[nodiscard]] Machine this_machine();

}  // namespace jeton::bench
