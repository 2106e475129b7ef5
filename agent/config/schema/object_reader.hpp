// ObjectReader: one section of the configuration with a fixed set of keys. The schema asks for every one of them, then
// calls finish(), which reports all other keys.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/config/schema/value_reader.hpp"

namespace jeton::agent {

class ObjectReader {
 public:
  // `node` may be null: the section is not there. `path` is empty for the whole document.
  ObjectReader(Reading& reading, const Node* node, std::string path, Place place)
      : reading_(reading), node_(node), path_(std::move(path)), place_(std::move(place)) {}

  [[nodiscard]] bool present() const { return node_ != nullptr; }
  [[nodiscard]] const Place& place() const { return place_; }
  [[nodiscard]] const std::string& path() const { return path_; }

  [[nodiscard]] ValueReader at(std::string_view key);
  // The same, and a problem if the section is there and the key is not.
  [[nodiscard]] ValueReader required(std::string_view key);
  // Unknown keys, each with the known one that was meant or all that are known.
  void finish() const;

 private:
  Reading& reading_;
  const Node* node_;
  std::string path_;
  Place place_;
  std::vector<std::string> known_;
};

}  // namespace jeton::agent
