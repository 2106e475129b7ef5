// ApiTally: the requests to one server of the API since the agent started, by kind of path and status, for /metrics. No
// path of a client is in it, so it stays small whatever clients ask. One thread: the loop's.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

namespace jeton::agent {

class ApiTally {
 public:
  struct Key {
    std::string_view kind;  // of a constant (routes.hpp); "unread": the request could not be read
    unsigned status = 0;
    auto operator<=>(const Key&) const = default;
  };

  void answered(std::string_view kind, unsigned status) { ++answers_[Key{kind, status}]; }
  // A client was refused because no connection was left.
  void refused() { ++refused_; }

  [[nodiscard]] const std::map<Key, std::uint64_t>& answers() const { return answers_; }
  [[nodiscard]] std::uint64_t refused_clients() const { return refused_; }

 private:
  std::map<Key, std::uint64_t> answers_;
  std::uint64_t refused_ = 0;
};

}  // namespace jeton::agent
