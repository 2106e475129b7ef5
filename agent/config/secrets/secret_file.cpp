#include "agent/config/secrets/secret_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "agent/base/bounded_wait.hpp"
#include "agent/base/environment.hpp"
#include "agent/base/error.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/config/text/values.hpp"

namespace jeton::agent {

namespace {

// In a text in UTF-8: white space of any kind, and invisible characters.
bool is_invisible(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(character[i])); };
  if (character.size() == 1) return byte(0) <= ' ' || byte(0) == 0x7F;
  if (character.size() == 2) return byte(0) == 0xC2 && (byte(1) <= 0xA0 || byte(1) == 0xAD);
  if (character.size() != 3) return false;
  const unsigned code = ((byte(0) & 0x0FU) << 12U) | ((byte(1) & 0x3FU) << 6U) | (byte(2) & 0x3FU);
  return code == 0x1680 || code == 0x180E || (code >= 0x2000 && code <= 0x200F) || (code >= 0x2028 && code <= 0x202F) ||
         (code >= 0x205F && code <= 0x206F) || code == 0x3000 || code == 0xFEFF;
}

bool begins_or_ends_invisibly(std::string_view text) {
  if (text.empty() || !is_utf8(text)) return false;
  std::size_t last = text.size() - 1;
  while ((static_cast<unsigned char>(text[last]) & 0xC0U) == 0x80U) --last;
  return is_invisible(text.substr(0, utf8_length(text, 0))) || is_invisible(text.substr(last));
}

// UTF-16 of ASCII text, as Windows writes it: every second byte is a NUL.
bool is_utf16_without_mark(std::string_view text) {
  if (text.size() < 4 || text.size() % 2 != 0) return false;
  for (const std::size_t first : {std::size_t{0}, std::size_t{1}}) {
    bool wide = true;
    for (std::size_t at = 0; at < text.size(); ++at) wide = wide && (text[at] == '\0') == (at % 2 == first);
    if (wide) return true;
  }
  return false;
}

constexpr std::size_t max_secret_bytes = 64 * 1024;

std::optional<ServiceView>& view() {
  static std::optional<ServiceView> instance;
  return instance;
}

// The bytes as they are; nothing if the path does not exist.
std::optional<SecretString> read_bytes(const std::string& path, const std::string& what) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd && errno == ENOENT) return std::nullopt;
  if (!fd) throw errno_error(what);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throw errno_error(what);
  if (!S_ISREG(status.st_mode)) throw Error(what + ": not a regular file");

  SecretString secret;
  secret.reserve(static_cast<std::size_t>(std::min<off_t>(status.st_size, max_secret_bytes)) + 1);
  if (!read_to_end(fd.get(), max_secret_bytes, secret)) throw errno_error(what);
  if (secret.size() > max_secret_bytes) throw Error(what + ": larger than 64 KiB; not a secret");
  return secret;
}

SecretString cleaned(const SecretString& raw, const std::string& what) {
  const std::string_view text = raw.reveal();
  if (const char* fault = fault_of_secret_text(text)) throw Error(what + ": " + fault);
  return SecretString(without_line_ends(without_byte_order_mark(text)));
}

}  // namespace

void judge_as(ServiceView service) { view() = std::move(service); }

std::string why_hidden(const std::string& path) {
  if (!view()) return {};
  std::string end;
  try {
    end = bounded(path, [path] {
      std::error_code unknown;
      return std::filesystem::weakly_canonical(path, unknown).string();
    });
  } catch (const Error&) {
    // The error is reported where the file is opened.
  }
  for (const std::string& folder : view()->hidden) {
    if (!path.starts_with(folder + "/") && !end.starts_with(folder + "/")) continue;
    return "the service does not see " + folder +
           " (PrivateTmp=, ProtectHome= or InaccessiblePaths= of its unit); put the file below /etc/jeton";
  }
  return {};
}

std::string_view without_line_ends(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

const char* fault_of_secret_text(std::string_view text) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF") || is_utf16_without_mark(text)) {
    return "the text is UTF-16; save it as UTF-8 without a byte order mark";
  }
  text = without_line_ends(without_byte_order_mark(text));
  if (text.find("-----BEGIN ") != std::string_view::npos || !begins_or_ends_invisibly(text)) return nullptr;
  return "it begins or ends with a blank, an empty line or another invisible character, which would be sent; "
         "remove it; if the secret needs it, use ${env:NAME}";
}

std::optional<SecretString> read_secret_file(const std::string& path, const std::string& what) {
  if (const std::string hidden = why_hidden(path); !hidden.empty()) throw Error(what + ": " + hidden);
  const auto raw = read_file_bytes(path, what);
  return raw ? std::optional(cleaned(*raw, what)) : std::nullopt;
}

std::optional<SecretString> read_file_bytes(const std::string& path, const std::string& what) {
  return bounded(what, [path, what] { return read_bytes(path, what); });
}

SecretString read_credential(const std::string& name, const std::string& what) {
  if (view()) {
    for (const std::string& file : {name, "jeton_" + name}) {
      const auto found = view()->credentials.find(file);
      if (found != view()->credentials.end()) return cleaned(found->second, what);
    }
    throw Error(what +
                ": the service gets no credential with that name; put the file, and no link to it, into "
                "/etc/jeton/credentials");
  }
  const char* directory = environment_variable("CREDENTIALS_DIRECTORY");
  if (directory == nullptr) {
    throw Error(what +
                ": $CREDENTIALS_DIRECTORY is not set; systemd sets it for the service, and check and fetch know the "
                "service's credentials when root runs them");
  }
  // LoadCredential=jeton:DIR calls the files of a directory jeton_NAME.
  for (const char* prefix : {"/", "/jeton_"}) {
    if (auto secret = read_secret_file(directory + (prefix + name), what)) return std::move(*secret);
  }
  throw Error(what + ": neither " + name + " nor jeton_" + name + " is in " + directory);
}

std::string why_inaccessible(const std::filesystem::path& path, int mode) {
  const std::string name = path.string();
  std::string hidden = why_hidden(name);
  if (!hidden.empty()) return name + ": " + hidden;
  try {
    const int error = bounded(name, [name, mode] { return ::access(name.c_str(), mode) == 0 ? 0 : errno; });
    return error == 0 ? std::string() : std::string(errno_error(name, error).what());
  } catch (const Error& e) {
    return e.what();
  }
}

}  // namespace jeton::agent
