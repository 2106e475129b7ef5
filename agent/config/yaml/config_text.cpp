#include "agent/config/yaml/config_text.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include "agent/base/bounded_wait.hpp"
#include "agent/base/error.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/config/text/utf8.hpp"
#include "agent/config/yaml/yaml_document.hpp"

namespace jeton::agent {

namespace {

std::string reason(int error) { return std::generic_category().message(error); }

// The mistake in the character at `at`; nullptr if there is none.
const char* complaint(const std::string& text, std::size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte == 0) return "a NUL byte; the file must be UTF-8 text";
  if (byte == '\r' && (at + 1 == text.size() || text[at + 1] != '\n')) {
    return "a carriage return without a line feed; end lines with a line feed";
  }
  if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F) {
    return "a control character; the file must be plain text";
  }
  if (utf8_length(text, at) == 0) return "not UTF-8 text; save the file as UTF-8";
  return nullptr;
}

// The whole text. Throws Error that says why not.
std::string read_text(const std::filesystem::path& file) {
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) throw Error(reason(errno));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throw Error(reason(errno));
  if (S_ISDIR(status.st_mode)) throw Error("it is a directory; name a file in it");
  if (!S_ISREG(status.st_mode)) throw Error("it is not a regular file");

  SecretString text;
  if (!read_to_end(fd.get(), max_config_bytes, text)) throw Error(reason(errno));
  if (text.size() > max_config_bytes) throw Error("it is larger than 1 MiB");
  return std::string(text.reveal());
}

}  // namespace

std::optional<ConfigText> read_config_text(const std::filesystem::path& file, Problems& problems) {
  try {
    return ConfigText{file.string(), bounded(file.string(), [file] { return read_text(file); })};
  } catch (const Error& e) {
    problems.error({file.string(), 0, 0}, std::string("cannot read the configuration file: ") + e.what());
    return std::nullopt;
  }
}

bool check_config_text(ConfigText& text, Problems& problems) {
  if (text.text.size() > max_config_bytes) {
    problems.error({text.name, 0, 0}, "the configuration is larger than 1 MiB");
    return false;
  }
  text.text.erase(0, text.text.size() - without_byte_order_mark(text.text).size());
  Place place{text.name, 1, 1};
  for (std::size_t at = 0; at < text.text.size();) {
    if (const char* why = complaint(text.text, at)) {
      problems.error(place, why);
      return false;
    }
    if (text.text[at] == '\n') {
      ++place.line;
      place.column = 1;
    } else {
      ++place.column;
    }
    at += utf8_length(text.text, at);
  }
  return true;
}

}  // namespace jeton::agent
