#include "agent/config/secret_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "agent/base/bounded_wait.hpp"
#include "agent/base/environment.hpp"
#include "agent/base/error.hpp"
#include "agent/base/unique_fd.hpp"

namespace jeton::agent {

namespace {

constexpr std::size_t max_secret_bytes = 64 * 1024;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

std::optional<ServiceView>& view() {
  static std::optional<ServiceView> instance;
  return instance;
}

// Empty if it is not hidden.
std::string hides(const std::string& path) {
  if (!view()) return {};
  for (const std::string& folder : view()->hidden) {
    if (path.starts_with(folder + "/")) {
      return "the service does not see " + folder +
             " (PrivateTmp= or ProtectHome= of its unit); put the file below /etc/jeton";
    }
  }
  return {};
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
  std::array<char, 4096> buffer;
  ssize_t got = 0;
  while ((got = ::read(fd.get(), buffer.data(), buffer.size())) > 0 || (got < 0 && errno == EINTR)) {
    if (got > 0) secret.append({buffer.data(), static_cast<std::size_t>(got)});
    if (secret.size() > max_secret_bytes) break;
  }
  const int error = errno;
  wipe(buffer.data(), buffer.size());
  if (got < 0) throw errno_error(what, error);
  if (secret.size() > max_secret_bytes) throw Error(what + ": larger than 64 KiB; not a secret");
  return secret;
}

SecretString cleaned(const SecretString& raw, const std::string& what) {
  std::string_view text = raw.reveal();
  if (const char* fault = fault_of_secret_text(text)) throw Error(what + ": " + fault);
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  return SecretString(without_line_ends(text));
}

}  // namespace

void judge_as(ServiceView service) { view() = std::move(service); }

std::string_view without_line_ends(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

const char* fault_of_secret_text(std::string_view text) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    return "the text is UTF-16; save it as UTF-8 without a byte order mark";
  }
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  text = without_line_ends(text);
  if (text.find('\n') != std::string_view::npos) return nullptr;  // of several lines, such as PEM, nothing is sent bare
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  if (text.empty() || (!blank(text.front()) && !blank(text.back()))) return nullptr;
  return "it begins or ends with a blank, which would be sent; remove it, or give a secret that has one by ${env:NAME}";
}

std::optional<SecretString> read_secret_file(const std::string& path, const std::string& what) {
  if (const std::string hidden = hides(path); !hidden.empty()) throw Error(what + ": " + hidden);
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
    throw Error(what + ": the service is given no credential of that name; put the file into /etc/jeton/credentials");
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

std::string why_unreadable(const std::filesystem::path& file) {
  const std::string name = file.string();
  std::string hidden = hides(name);
  if (!hidden.empty()) return name + ": " + hidden;
  try {
    const int error = bounded(name, [name] { return ::access(name.c_str(), R_OK) == 0 ? 0 : errno; });
    return error == 0 ? std::string() : std::string(errno_error(name, error).what());
  } catch (const Error& e) {
    return e.what();
  }
}

}  // namespace jeton::agent
