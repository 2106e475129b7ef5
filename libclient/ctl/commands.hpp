// The commands of jetonctl. Each returns its exit status or throws Failure.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "libclient/ctl/duration.hpp"
#include "libclient/ctl/failure.hpp"
#include "libclient/ctl/output.hpp"

namespace jeton::ctl {

struct Common {
  std::filesystem::path dir;  // the agent's runtime_dir
  Format format = Format::table;
};

// Prints the token, from the segment alone.
struct GetOptions {
  std::string name;
  Milliseconds min_ttl{0};           // with less left, a token counts as not valid
  std::optional<Milliseconds> wait;  // how long for one that is
  bool header = false;               // as an HTTP header line
};
[[nodiscard]] Exit run_get(const Common& common, const GetOptions& options);

// What the agent says about itself and its tokens, or about one; without an agent, what the segments say.
struct StatusOptions {
  std::string name;  // empty: all
};
[[nodiscard]] Exit run_status(const Common& common, const StatusOptions& options);

// A line per change of the segment, until interrupted or nobody reads.
struct WatchOptions {
  std::string name;
};
[[nodiscard]] Exit run_watch(const Common& common, const WatchOptions& options);

// Blocks until the token is valid and its generation is above `after`; prints the generation.
struct WaitOptions {
  std::string name;
  std::uint64_t after = 0;
  std::optional<Milliseconds> timeout;  // empty: for ever
};
[[nodiscard]] Exit run_wait(const Common& common, const WaitOptions& options);

// Tells the agent that the provider refused the token of this generation.
struct RejectedOptions {
  std::string name;
  std::uint64_t generation = 0;
  std::optional<Milliseconds> wait;  // how long for a newer one; empty: not at all
};
[[nodiscard]] Exit run_rejected(const Common& common, const RejectedOptions& options);

// Asks the agent for a new token now.
struct RefreshOptions {
  std::string name;
  std::optional<Milliseconds> wait;
};
[[nodiscard]] Exit run_refresh(const Common& common, const RefreshOptions& options);

}  // namespace jeton::ctl
