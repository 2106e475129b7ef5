// The commands fetch, answers and keygen.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/time.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/cli/command_line.hpp"
#include "agent/cli/service_account.hpp"
#include "agent/config/model/config.hpp"
#include "agent/config/text/values.hpp"
#include "agent/fleet/backend/factory.hpp"
#include "agent/provider/trial/trial.hpp"
#include "agent/record/record_file.hpp"
#include "agent/record/seal.hpp"
#include "agent/service/hardening.hpp"

namespace jeton::agent {
namespace {

// The configuration as the service sees it; nothing if it is wrong. Prints its problems.
std::optional<Config> load_for_token(const FileNames& names, const std::string& user, const std::string& token) {
  const std::vector<std::filesystem::path> files(names.begin(), names.end());
  LoadResult loaded = load_as_service(files, user, token).result;
  for (const Problem& problem : loaded.problems) std::cerr << problem.text() << '\n';
  return std::move(loaded.config);
}

int no_such_token(const char* command, const std::string& name, const Config& config) {
  std::vector<std::string_view> names;
  std::string list;
  for (const auto& [known, token] : config.tokens) {
    names.push_back(known);
    list += (list.empty() ? "" : ", ") + known;
  }
  const auto meant = nearest(name, names);
  std::cerr << "jeton-agent " << command << ": no token '" << name << "' is configured"
            << (meant ? "; did you mean '" + std::string(*meant) + "'?" : ";")
            << " known: " << (list.empty() ? "none" : list) << std::endl;
  return 1;
}

// On a terminal the answer must not move the cursor; a file gets it unchanged.
void show(const SecretString& answer) {
  SecretString text;
  for (const char& c : answer.reveal()) {
    const bool prints = (c >= ' ' && c <= '~') || c == '\n' || c == '\t';
    text.append(prints || ::isatty(STDOUT_FILENO) == 0 ? std::string_view(&c, 1) : "?");
  }
  text.append("\n");
  write_all(STDOUT_FILENO, text.reveal(), "standard output");
}

void write_line(int fd, const SecretString& key, const std::string& where) {
  SecretString line = key;
  line.append("\n");
  write_all(fd, line.reveal(), where);
}

// A file with a part of the key is removed: it would be in the way of the next attempt.
void write_new_file(const std::string& file, const SecretString& key) {
  const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) {
    const int error = errno;
    throw errno_error(file, error,
                      error == EEXIST ? "; it may be the only copy of a key: name another file, or remove it" : "");
  }
  try {
    write_line(fd.get(), key, file);
    if (::fsync(fd.get()) != 0) throw errno_error(file);
  } catch (const Error&) {
    ::unlink(file.c_str());
    throw;
  }
}

}  // namespace

int run_fetch(const FetchOptions& options) {
  const auto config = load_for_token(options.files, options.user, options.name);
  if (!config) return 1;
  if (!config->tokens.contains(options.name)) return no_such_token("fetch", options.name, *config);
  if (options.once) {
    std::cerr << "A real request follows: it counts against the provider's limits, and with many providers a new token "
                 "soon ends the one in use. Nothing is published.\n"
              << std::endl;
  }
  try {
    harden_process(false);
    const TrialMode mode = options.once ? TrialMode::once : TrialMode::dry_run;
    return try_source(*config, options.name, mode, std::cout, std::cerr) ? 0 : 3;
  } catch (const std::exception& e) {
    std::cerr << "jeton-agent fetch: " << e.what() << std::endl;
    return 1;
  }
}

int run_answers(const AnswersOptions& options) {
  const std::string& name = options.name;
  const auto config = load_for_token(options.files, {}, name);
  if (!config) return 1;
  try {
    harden_process(false);
    const std::filesystem::path directory = state_dir_of(config->agent);
    const UnreadAnswers kept(directory, name, make_codec(config->coordination));
    const std::vector<UnreadAnswers::Kept> all = kept.all();
    // An answer may be all that is left of a token that was taken out of the configuration.
    if (all.empty() && !config->tokens.contains(name)) return no_such_token("answers", name, *config);
    if (all.empty()) {
      std::cerr << "jeton-agent answers: " << directory.string() << " keeps no unread answer of " << name
                << "; another host may have fetched last" << std::endl;
      return 3;
    }
    for (const UnreadAnswers::Kept& one : all) {
      std::cerr << "answer of " << utc_text(one.at) << ", " << one.answer.size() << " bytes, not hidden:" << std::endl;
      show(one.answer);
    }
    return 0;
  } catch (const std::exception& e) {
    std::cerr << "jeton-agent answers: " << e.what() << std::endl;
    return 1;
  }
}

int run_keygen(const KeygenOptions& options) {
  const std::string& file = options.file;
  try {
    const SecretString key = Seal::new_key();
    if (file.empty()) {
      write_line(STDOUT_FILENO, key, "standard output");
      return 0;
    }
    write_new_file(file, key);
    std::fprintf(stderr, "%s: new key; copy it to every host, and make it readable by the agent's user only\n",
                 file.c_str());
    return 0;
  } catch (const Error& e) {
    std::fprintf(stderr, "jeton-agent keygen: %s\n", e.what());
    return 1;
  }
}

}  // namespace jeton::agent
