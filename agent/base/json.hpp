// Plain JSON, and WipingJson for texts that may hold a token. Pure functions, any thread. Include in .cpp files only.
//
// These functions are compiled once, because nlohmann's parser and serializer cost each file that
// instantiates them a second or more.
#pragma once

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/json_fwd.hpp"

namespace jeton::agent {

using Json = nlohmann::json;
// Members in the order in which they were added.
using OrderedJson = nlohmann::ordered_json;

// A text that nests deeper does not count as JSON: nlohmann's writer, and all code that walks a document, needs stack
// for each level.
inline constexpr std::size_t json_depth_limit = 100;

// is_discarded() if the text is not JSON.
[[nodiscard]] Json try_parse_json(std::string_view text);
[[nodiscard]] OrderedJson try_parse_ordered_json(std::string_view text);
[[nodiscard]] WipingJson try_parse_wiping_json(std::string_view text);
// Throws WipingJson::exception, with an id below 200 if the text is not JSON; what() may quote the text.
[[nodiscard]] WipingJson parse_wiping_json(std::string_view text);

// The whole number in `json`, which may be written as 1e3. Throws Error if it is none, or one that `Integer` cannot
// hold: get<Integer>() would wrap it, and is undefined for a large fraction.
template <typename Integer, typename AnyJson>
[[nodiscard]] Integer whole_number(const AnyJson& json) {
  constexpr double exact = 9007199254740992.0;  // 2^53: a double above it may be the rounded form of another number
  if (json.is_number_unsigned()) {
    const auto number = json.template get<std::uint64_t>();
    if (std::in_range<Integer>(number)) return static_cast<Integer>(number);
  } else if (json.is_number_integer()) {
    const auto number = json.template get<std::int64_t>();
    if (std::in_range<Integer>(number)) return static_cast<Integer>(number);
  } else if (json.is_number_float()) {
    const auto number = json.template get<double>();
    if (std::abs(number) <= exact && std::floor(number) == number) {
      const auto whole = static_cast<std::int64_t>(number);
      if (std::in_range<Integer>(whole)) return static_cast<Integer>(whole);
    }
  }
  throw Error("a member is not a whole number, or is out of range");
}

// The JSON text on one line. Bytes that are not UTF-8 become U+FFFD: a provider's error text may hold any bytes.
[[nodiscard]] std::string json_text(const Json& json);
[[nodiscard]] std::string json_text(const OrderedJson& json);
[[nodiscard]] SecretString json_text(const WipingJson& json);

}  // namespace jeton::agent
