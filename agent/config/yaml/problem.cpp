#include "agent/config/yaml/problem.hpp"

#include <algorithm>
#include <tuple>

namespace jeton::agent {

namespace {

constexpr std::size_t max_shown = 60;        // bytes of a quoted text
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

void Problems::add(Problem::Severity severity, const Place& place, std::string message) {
  ++(severity == Problem::Severity::error ? errors_ : warnings_);
  if (list_.size() < max_problems) {
    list_.push_back({severity, place.file, place.line, place.column, std::move(message)});
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

std::string in_quotes(const std::string& text) {
  std::string shown = "'";
  for (const char c : text) {
    if (shown.size() > max_shown && (static_cast<unsigned char>(c) & 0xC0U) != 0x80U) {  // not inside a character
      shown += "...";
      break;
    }
    shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  }
  return shown + "'";
}

}  // namespace jeton::agent
