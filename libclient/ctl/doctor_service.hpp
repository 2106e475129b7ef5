// The service of the agent as this host's systemd knows it, for `jetonctl doctor`: the unit, the journal's last error,
// and the configuration by `jeton-agent check`. Each program has a few seconds.
#pragma once

#include "libclient/ctl/finding.hpp"
#include "libclient/ctl/inherited_state.hpp"

namespace jeton::ctl {

// `answers`: whether the agent does; then only what is wrong with the unit is of interest.
[[nodiscard]] Findings examine_service(const InheritedState& inherited, bool answers);

// What `systemctl show` printed about the unit.
[[nodiscard]] Findings judge_unit(const std::string& properties, bool answers);

}  // namespace jeton::ctl
