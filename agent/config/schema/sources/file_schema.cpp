// tokens.NAME.source of type file.
#include <sys/stat.h>

#include <chrono>

#include "agent/base/bounded_wait.hpp"
#include "agent/config/schema/sources/source_schema.hpp"
#include "agent/config/secrets/secret_file.hpp"

namespace jeton::agent {

namespace {

using namespace std::chrono_literals;
using FileFormat = FileSourceConfig::Format;

// It need not be there yet.
std::optional<std::filesystem::path> read_path(const ValueReader& value) {
  const auto path = value.text();
  if (!path) return std::nullopt;
  if (!path->starts_with('/') || path->ends_with('/')) {
    value.error(value.path() + " must be the absolute path of a file");
    return std::nullopt;
  }
  if (const std::string hidden = why_hidden(*path); !hidden.empty()) value.error(value.path() + ": " + hidden);
  if (const auto status = bounded_stat(*path)) {
    if (!S_ISREG(status->st_mode)) value.error(value.path() + ": " + *path + " is not a regular file");
    if (S_ISREG(status->st_mode) && (status->st_mode & S_IROTH) != 0)
      value.warning(*path + " can be read by every user; let its writer set mode 0600 or 0640");
  }
  return *path;
}

}  // namespace

FileSourceConfig read_file_source(ObjectReader& source, Reading& /*reading*/) {
  FileSourceConfig config;
  assign(config.path, read_path(source.required("path")));
  assign(config.format,
         source.at("format").choice<FileFormat>({{"text", FileFormat::text}, {"json", FileFormat::json}}));
  const ValueReader lifetime = source.at("lifetime");
  config.lifetime = lifetime.duration(1s, 366 * 24h);
  const ValueReader response = source.at("response");
  config.response = read_response(response.object());
  if (config.format == FileFormat::text && response.present())
    response.error(response.path() + " is for format json; a text is the token itself");
  if (config.format == FileFormat::json && lifetime.present())
    lifetime.error(lifetime.path() + " is for format text; set response.default_lifetime");
  return config;
}

}  // namespace jeton::agent
