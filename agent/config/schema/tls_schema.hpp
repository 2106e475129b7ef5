// The keys of a section `tls` that every client of the agent has.
#pragma once

#include "agent/config/model/tls_config.hpp"
#include "agent/config/schema/object_reader.hpp"

namespace jeton::agent {

// The files, of a section that may have more keys; without finish().
[[nodiscard]] ClientTlsConfig read_client_tls(ObjectReader& tls);

}  // namespace jeton::agent
