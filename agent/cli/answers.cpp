#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "agent/base/time.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/cli/commands.hpp"
#include "agent/cli/service_account.hpp"
#include "agent/config/model/config.hpp"
#include "agent/fleet/backend/factory.hpp"
#include "agent/record/record_file.hpp"
#include "agent/service/hardening.hpp"

namespace jeton::agent {
namespace {

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

}  // namespace

int run_answers(const AnswersOptions& options) {
  const std::vector<std::filesystem::path> files(options.files.begin(), options.files.end());
  const std::string& name = options.name;
  const LoadResult loaded = load_as_service(files, {}, name).result;
  for (const Problem& problem : loaded.problems) std::cerr << problem.text() << '\n';
  if (!loaded.config) return 1;
  try {
    harden_process(false);
    const std::filesystem::path directory = state_dir_of(loaded.config->agent);
    const UnreadAnswers kept(directory, name, make_codec(loaded.config->coordination));
    const std::vector<UnreadAnswers::Kept> all = kept.all();
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

}  // namespace jeton::agent
