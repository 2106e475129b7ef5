#include "agent/config/schema/object_reader.hpp"

#include <algorithm>

#include "agent/config/text/values.hpp"

namespace jeton::agent {

ValueReader ObjectReader::at(std::string_view key) {
  known_.emplace_back(key);
  const std::string path = path_.empty() ? std::string(key) : path_ + "." + std::string(key);
  const Node::Entry* entry = node_ == nullptr ? nullptr : node_->find(key);
  if (entry == nullptr) return {reading_, nullptr, path, place_};
  return {reading_, &entry->value, path, entry->key_place};
}

ValueReader ObjectReader::required(std::string_view key) {
  ValueReader value = at(key);
  if (present() && !value.present()) {
    reading_.problems.error(
        place_, "missing required key " + in_quotes(std::string(key)) + (path_.empty() ? "" : " in " + path_));
  }
  return value;
}

void ObjectReader::finish() const {
  if (node_ == nullptr) return;
  const std::vector<std::string_view> known(known_.begin(), known_.end());
  for (const Node::Entry& entry : node_->entries) {
    if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
    std::string message = "unknown key " + in_quotes(entry.key) + (path_.empty() ? "" : " in " + path_);
    if (const auto meant = nearest(entry.key, known)) {
      message += "; did you mean " + in_quotes(std::string(*meant)) + "?";
    } else {
      message += "; known keys:";
      for (const std::string_view key : known) message += (key == known.front() ? " " : ", ") + std::string(key);
    }
    reading_.problems.error(entry.key_place, message);
  }
}

}  // namespace jeton::agent
