// The files of a section `tls`, judged as libcurl and the connections to Redis use them. The functions read them, and
// do not return on a file system that does not answer. Any thread.
#pragma once

#include <filesystem>
#include <string>

namespace jeton::agent {

enum class TlsUse { authorities, certificate, key };

// Why the file cannot be used; empty: it can. Nothing of it is shown.
[[nodiscard]] std::string fault_of_tls_file(TlsUse use, const std::filesystem::path& file);

// Whether the key, which can be used, belongs to the certificate, which can too.
[[nodiscard]] bool is_key_of(const std::filesystem::path& key, const std::filesystem::path& certificate);

}  // namespace jeton::agent
