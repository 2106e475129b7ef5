// Reads secrets from files, also with the view of them that a command needs when it checks on behalf of the service.
// Any thread; judge_as() comes before all reading.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/secret.hpp"

namespace jeton::agent {

// The service's view of secrets, where it differs from that of this process (service_account.hpp).
struct ServiceView {
  // By file name, as systemd would leave them in $CREDENTIALS_DIRECTORY; the bytes of the files.
  std::map<std::string, SecretString> credentials;
  // Folders that its unit hides from it: /home, /tmp.
  std::vector<std::string> hidden;
};
void judge_as(ServiceView view);

// The text of a file, without a byte order mark at its start and line ends at its end. Nothing if the path does not
// exist. Throws Error that begins with `what`: no regular file, larger than 64 KiB, UTF-16, a blank or another
// invisible character at the beginning or the end (not of PEM), hidden from the service, or a file system that does not
// answer (bounded_wait.hpp).
[[nodiscard]] std::optional<SecretString> read_secret_file(const std::string& path, const std::string& what);

// The bytes of such a file as they are.
[[nodiscard]] std::optional<SecretString> read_file_bytes(const std::string& path, const std::string& what);

// The same for the credential NAME: NAME or jeton_NAME. Throws Error also if there is none.
[[nodiscard]] SecretString read_credential(const std::string& name, const std::string& what);

// Line ends at the end, which an editor or a heredoc leaves and which are not meant to be sent.
[[nodiscard]] std::string_view without_line_ends(std::string_view text);

// Why this text, line ends apart, is probably not the intended secret; nullptr if it may be.
[[nodiscard]] const char* fault_of_secret_text(std::string_view text);

// Why the service does not see this path: its unit hides the folder, or the folder of the target of a link. Empty: it
// sees the path, or this process does not check for the service.
[[nodiscard]] std::string why_hidden(const std::string& path);

// Why the service itself cannot open this file (R_OK of access(2)), or execute this program or enter this directory
// (X_OK); empty if it can.
[[nodiscard]] std::string why_inaccessible(const std::filesystem::path& path, int mode);

}  // namespace jeton::agent
