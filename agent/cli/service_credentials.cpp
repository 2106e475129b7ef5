#include "agent/cli/service_credentials.hpp"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/config/secrets/secret_file.hpp"

namespace jeton::agent {
namespace {

bool has_text(const ServiceAccount& account, const std::string& id) {
  return std::any_of(account.texts.begin(), account.texts.end(), [&](const auto& text) { return text.first == id; });
}

// Nothing: there is no such file, and systemd does without it.
std::optional<std::filesystem::path> path_of(const std::string& id, const std::filesystem::path& path,
                                             const ServiceAccount& account,
                                             const std::vector<std::filesystem::path>& stores) {
  std::error_code ignored;
  if (path.is_relative()) {
    for (const std::filesystem::path& store : stores) {
      if (std::filesystem::exists(store / path, ignored)) return store / path;
    }
    return std::nullopt;
  }
  const bool missing = !std::filesystem::exists(path, ignored);
  const bool may_be_missing = path == usual_credentials || has_text(account, id);  // the text is the default
  if ((missing && may_be_missing) || std::filesystem::is_socket(path, ignored)) return std::nullopt;
  return path;
}

}  // namespace

void add_credentials(const std::string& id, const std::filesystem::path& path, Credentials& credentials) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) {
    auto secret = read_file_bytes(path.string(), path.string());
    if (!secret)
      throw Error("LoadCredential= of the unit: " + path.string() + " is missing, so the service cannot start");
    credentials.emplace(id, std::move(*secret));
    return;
  }
  for (std::filesystem::recursive_directory_iterator file(path, error), end; !error && file != end;
       file.increment(error)) {
    const bool is_hidden = file->path().filename().string().starts_with('.');
    if (is_hidden || id.empty()) file.disable_recursion_pending();
    std::error_code ignored;
    // systemd follows no link there.
    const auto status = id.empty() ? file->status(ignored) : file->symlink_status(ignored);
    if (is_hidden || !std::filesystem::is_regular_file(status)) continue;
    std::string name = file->path().lexically_relative(path).string();
    std::replace(name.begin(), name.end(), '/', '_');
    try {
      if (auto secret = read_file_bytes(file->path().string(), file->path().string())) {
        credentials.emplace(id.empty() ? name : id + "_" + name, std::move(*secret));
      }
    } catch (const Error&) {
      // A credential that no token uses may be damaged. One that a token uses is reported at its reference.
    }
  }
  if (error) throw errno_error("LoadCredential= of the unit: " + path.string(), error.value());
}

Credentials credentials_of(const ServiceAccount& account, const std::vector<std::filesystem::path>& stores) {
  Credentials credentials;
  for (const auto& [id, path] : account.credentials) {
    if (const auto found = path_of(id, path, account, stores)) add_credentials(id, *found, credentials);
  }
  for (const auto& [id, text] : account.texts) credentials.emplace(id, text);
  return credentials;
}

}  // namespace jeton::agent
