// Problem: one mistake in the configuration, and Problems: the list that every stage of the loading adds to, so that
// one run reports all. A message names the mistake and the correction; it never shows a secret.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace jeton::agent {

// A position in a file. Line and column from 1, a column is a character; 0: the file as a whole.
struct Place {
  std::string file;
  int line = 0;
  int column = 0;
  [[nodiscard]] std::string text() const;  // "agent.yaml:12:5"
};

struct Problem {
  enum class Severity { warning, error };
  Severity severity = Severity::error;
  std::string file;
  int line = 0;    // 1-based; 0: the file as a whole
  int column = 0;  // 1-based
  std::string message;
  // "agent.yaml:12:5: error: unknown key 'graze'; did you mean 'grace'?"
  [[nodiscard]] std::string text() const;
};

class Problems {
 public:
  // Adds the message on one line: a control character becomes a space.
  void error(const Place& place, const std::string& message) { add(Problem::Severity::error, place, message); }
  void warning(const Place& place, const std::string& message) { add(Problem::Severity::warning, place, message); }

  void add(Problems more);

  [[nodiscard]] bool has_errors() const { return errors_ != 0; }
  // All that were added, also those that are too many for the list.
  [[nodiscard]] std::size_t errors() const { return errors_; }
  [[nodiscard]] std::size_t warnings() const { return warnings_; }
  // Takes the list out, in order of the files as they are named here, then of line and column.
  [[nodiscard]] std::vector<Problem> take_sorted(const std::vector<std::string>& files);

 private:
  void add(Problem::Severity severity, const Place& place, const std::string& message);

  std::vector<Problem> list_;
  std::size_t errors_ = 0;
  std::size_t warnings_ = 0;
};

// Text from a configuration as a message may show it: in quotes, shortened, control characters replaced.
[[nodiscard]] std::string in_quotes(const std::string& text);

}  // namespace jeton::agent
