#include "agent/config/yaml/config_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <system_error>

#include "agent/base/ascii.hpp"
#include "agent/base/bounded_wait.hpp"
#include "agent/base/error.hpp"
#include "agent/base/secret.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/config/text/values.hpp"

namespace jeton::agent {

namespace {

constexpr std::size_t max_config_bytes = std::size_t{16} * 1024 * 1024;
constexpr const char* too_large = "larger than 16 MiB; move some of its tokens to other files in agent.d";

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
  if (text.size() > max_config_bytes) throw Error(std::string("it is ") + too_large);
  return std::string(text.reveal());
}

// Nothing, and a problem that names the path and the reason, if it cannot be read.
std::optional<ConfigText> read_config_text(const std::filesystem::path& file, Problems& problems) {
  try {
    return ConfigText{file.string(), bounded(file.string(), [file] { return read_text(file); })};
  } catch (const Error& e) {
    problems.error({file.string(), 0, 0}, std::string("cannot read the configuration file: ") + e.what());
    return std::nullopt;
  }
}

bool ends_like_yaml(const std::filesystem::path& file) {
  std::string ending = file.extension().string();
  for (char& c : ending) c = ascii_lower(c);
  return ending == ".yaml" || ending == ".yml" || ending == ".json";
}

// The paths in a directory, sorted. Throws Error, but not if the directory is missing; a dangling link is probably a
// mistake.
std::vector<std::filesystem::path> list(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    files.push_back(entry->path());
  }
  std::error_code ignored;
  const bool is_link = std::filesystem::is_symlink(std::filesystem::symlink_status(directory, ignored));
  if (error && (error.value() != ENOENT || is_link)) throw errno_error(directory.string(), error.value());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

ConfigFiles read_config_files(const std::vector<std::filesystem::path>& files) {
  ConfigFiles result;
  for (const std::filesystem::path& file : files) {
    result.names.push_back(file.string());
    if (auto text = read_config_text(file, result.problems)) result.texts.push_back(std::move(*text));
  }
  if (files.empty()) result.problems.error({}, "no configuration file is given; name one with --config");
  return result;
}

ConfigFiles read_default_files(const std::filesystem::path& folder) {
  const std::filesystem::path drop_ins = folder / "agent.d";
  Problems problems;
  std::vector<std::filesystem::path> files{folder / "agent.yaml"};
  try {
    for (const std::filesystem::path& file : bounded(drop_ins.string(), [drop_ins] { return list(drop_ins); })) {
      if (file.filename().string().starts_with('.')) continue;  // of editors
      if (file.extension() == ".yaml") {
        files.push_back(file);
      } else if (ends_like_yaml(file)) {
        problems.warning({file.string(), 0, 0}, "is not read: only files whose name ends in .yaml are read; rename it");
      }
    }
  } catch (const Error& e) {
    problems.error({drop_ins.string(), 0, 0},
                   std::string("cannot read the folder; without it, its tokens would be removed: ") + e.what());
  }
  ConfigFiles result = read_config_files(files);
  result.problems.add(std::move(problems));
  return result;
}

bool check_config_text(ConfigText& text, Problems& problems) {
  if (text.text.size() > max_config_bytes) {
    problems.error({text.name, 0, 0}, std::string("the configuration is ") + too_large);
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
