// The coordinator that the configuration asks for.
#pragma once

#include <filesystem>
#include <memory>

#include "agent/base/random.hpp"
#include "agent/base/timers.hpp"
#include "agent/config/config.hpp"
#include "agent/coordination/coordinator.hpp"

namespace jeton::agent {

// Timers and random outlive it. Does not connect: start() does.
[[nodiscard]] std::unique_ptr<Coordinator> make_coordinator(const CoordinationConfig& config,
                                                            const std::filesystem::path& runtime_dir, Timers& timers,
                                                            Random& random);

// What this host agrees with itself through while the other cannot be reached; null if outage.fetch_alone is never.
[[nodiscard]] std::unique_ptr<Coordinator> make_alone_coordinator(const CoordinationConfig& config,
                                                                  const std::filesystem::path& runtime_dir,
                                                                  Timers& timers, Random& random);

}  // namespace jeton::agent
