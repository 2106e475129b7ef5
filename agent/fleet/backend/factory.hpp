// The coordinator and the lock store that the configuration asks for.
#pragma once

#include <filesystem>
#include <memory>

#include "agent/base/random.hpp"
#include "agent/base/timers.hpp"
#include "agent/config/model/config.hpp"
#include "agent/fleet/coordinator.hpp"
#include "agent/record/fleet_codec.hpp"

namespace jeton::agent {

// The fleet's tokens and the locks of applications: on the same servers over the same connections, or both in this
// host's own memory and files. Timers and random outlive them. Does not connect: start() does.
[[nodiscard]] Backends make_backends(const CoordinationConfig& config, const std::filesystem::path& runtime_dir,
                                     Timers& timers, Random& random);

// The coordinator of this host alone: for its host-local tokens, and for standalone mode while the fleet's coordinator
// cannot be reached. Null if the fleet's coordinator is local itself.
[[nodiscard]] std::unique_ptr<Coordinator> make_host_coordinator(const CoordinationConfig& config,
                                                                 const std::filesystem::path& runtime_dir,
                                                                 Timers& timers, Random& random);

// Seals with the keys of the configuration, if there are any. Reads them; throws Error.
[[nodiscard]] FleetCodec make_codec(const CoordinationConfig& config);

}  // namespace jeton::agent
