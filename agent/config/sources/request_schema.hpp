// Parts of a request that several types of source have: URL, parameters, headers, and how it leaves the host.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "agent/config/object_reader.hpp"
#include "agent/config/sources/egress_config.hpp"

namespace jeton::agent {

// An http or https URL without a fragment; http:// to another host than loopback is an error without `allow_http`.
[[nodiscard]] std::optional<SecretTemplate> read_url(const ValueReader& value, bool allow_http);

[[nodiscard]] std::map<std::string, SecretTemplate> read_fields(const ValueReader& fields,
                                                                SecretUse use = SecretUse::any);

[[nodiscard]] std::map<std::string, SecretTemplate> read_headers(const ValueReader& headers, Reading& reading);

// Its keys stand beside the others of the source; egress_schema.cpp.
[[nodiscard]] EgressConfig read_egress(ObjectReader& source, Reading& reading);

}  // namespace jeton::agent
