// The keys of tokens.NAME.source, by type.
#pragma once

#include "agent/config/model/sources/source_config.hpp"
#include "agent/config/schema/object_reader.hpp"

namespace jeton::agent {

// Reads `type` and the keys of that type; calls finish().
[[nodiscard]] SourceConfig read_source(ObjectReader source, Reading& reading);

// Each reads the keys of one type, without `type` and without finish(); NAME_schema.cpp.
[[nodiscard]] ExecSourceConfig read_exec_source(ObjectReader& source, Reading& reading);
[[nodiscard]] FileSourceConfig read_file_source(ObjectReader& source, Reading& reading);
[[nodiscard]] HttpSourceConfig read_http_source(ObjectReader& source, Reading& reading);
[[nodiscard]] JwtSourceConfig read_jwt_source(ObjectReader& source, Reading& reading);
[[nodiscard]] OAuth2SourceConfig read_oauth2_source(ObjectReader& source, Reading& reading);

}  // namespace jeton::agent
