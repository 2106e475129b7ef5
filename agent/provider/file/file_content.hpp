// Makes a token from a file. Any thread.
#pragma once

#include "agent/base/secret.hpp"
#include "agent/config/model/sources/source_config.hpp"
#include "agent/record/record.hpp"

namespace jeton::agent {

struct FileContent {
  SecretString text;
  WallTime written_at;  // its modification
};

// Throws SourceError(transient) if the file is missing, unreadable, no regular file, on a file system that does not
// answer (bounded_wait.hpp), or larger than a secret may be (64 KiB; response.max_body for json).
[[nodiscard]] FileContent read_content(const FileSourceConfig& config);

struct FileToken {
  FetchedToken token;
  bool expiry_is_configured = false;  // not the content's own: the same content, read again, expires later
};

// The only line of a text, without a byte order mark, is the token; its expiry is the `exp` of a JWT or `now` plus
// lifetime. In JSON, a lifetime counts from the time when the file was written, response.default_lifetime from `now`,
// and `exp` of a JWT counts if it is earlier than either. Throws SourceError, without any of the content: transient,
// unless response.error_rules say otherwise.
[[nodiscard]] FileToken parse_content(const FileContent& content, const FileSourceConfig& config, WallTime now);

}  // namespace jeton::agent
