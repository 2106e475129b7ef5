// The only place that knows the YAML parser: text in, Node tree out.
//
// Takes the part of YAML a configuration needs: maps, sequences, text. Refuses, with the place and what to do, a key
// that is repeated, anchors and aliases, merge keys, tags, a second document, keys that are not text. Bounded: 1 MiB a
// file, 20,000 nodes, 32 levels. Never throws for what the text contains.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/config/yaml/node.hpp"

namespace jeton::agent {

inline constexpr std::size_t max_config_bytes = 1024 * 1024;
inline constexpr std::size_t max_config_nodes = 20'000;
inline constexpr std::size_t max_config_depth = 32;

// Nothing if the text cannot be read at all (one problem says why). A tree may come with errors in `problems`; what
// they are about is Kind::invalid in it. An empty text is a null node.
[[nodiscard]] std::optional<Node> parse_yaml(const std::string& file, std::string_view text, Problems& problems);

}  // namespace jeton::agent
