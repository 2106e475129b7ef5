#include "agent/config/yaml/problem.hpp"

#include <algorithm>
#include <tuple>

#include "agent/base/excerpt.hpp"

namespace jeton::agent {

namespace {

constexpr std::size_t max_quoted = 60;       // bytes
constexpr std::size_t max_message = 1'000;   // bytes; a list of possible values is long
constexpr std::size_t max_problems = 1'000;  // more are of no use

}  // namespace

std::string Place::text() const {
  if (line <= 0) return file;
  return file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

std::string Problem::text() const {
  const char* word = severity == Severity::error ? ": error: " : ": warning: ";
  return Place{file, line, column}.text() + word + message;
}

void Problems::add(Problem::Severity severity, const Place& place, const std::string& message) {
  ++(severity == Problem::Severity::error ? errors_ : warnings_);
  if (list_.size() < max_problems) {
    list_.push_back({severity, place.file, place.line, place.column, excerpt(message, {}, max_message)});
  }
}

void Problems::add(Problems more) {
  errors_ += more.errors_;
  warnings_ += more.warnings_;
  for (Problem& problem : more.list_) {
    if (list_.size() < max_problems) list_.push_back(std::move(problem));
  }
}

std::vector<Problem> Problems::take_sorted(const std::vector<std::string>& files) {
  const auto rank = [&files](const Problem& problem) {
    return std::make_tuple(std::find(files.begin(), files.end(), problem.file) - files.begin(), problem.line,
                           problem.column);
  };
  std::stable_sort(list_.begin(), list_.end(), [&](const Problem& a, const Problem& b) { return rank(a) < rank(b); });
  errors_ = 0;
  warnings_ = 0;
  return std::exchange(list_, {});
}

std::string in_quotes(const std::string& text) { return "'" + excerpt(text, {}, max_quoted) + "'"; }

}  // namespace jeton::agent
