#include "tests/fuzz/cli_trial.hpp"

#include <signal.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <exception>
#include <optional>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "agent/cli/command_line.hpp"
#include "agent/config/text/values.hpp"
#include "libclient/ctl/command_line.hpp"
#include "libclient/ctl/duration.hpp"
#include "libclient/ctl/handover.hpp"
#include "libclient/ctl/signals.hpp"
#include "tests/fuzz/message_check.hpp"

namespace jeton::fuzz {
namespace {

using Words = std::vector<std::string>;

Words words_of(std::string_view input) {
  const char between = input.find('\0') != std::string_view::npos ? '\0' : '\n';
  Words words;
  for (std::size_t end = 0; end != std::string_view::npos;) {
    end = input.find(between);
    words.emplace_back(input.substr(0, end));
    input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
  }
  return words;
}

// A value is a word, or the end of one: --option=VALUE, -oVALUE.
template <typename Matches>
bool some_word_ends_with(const Words& words, Matches matches) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    for (std::size_t begin = 0; begin <= word.size(); ++begin) {
      if (matches(word.substr(begin))) return true;
    }
    return false;
  });
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

// Looks at what a command is given; a value that an option does not set is its default.
class Values {
 public:
  explicit Values(const Words& given) : words(given) {}

  void text(const std::string& value) {
    const auto is_it = [&](std::string_view end) { return end == value; };
    if (!value.empty() && !some_word_ends_with(words, is_it)) complaint_ = "a text that is no word: " + value;
  }
  void texts(const std::vector<std::string>& values) {
    for (const std::string& value : values) text(value);
  }
  void number(std::uint64_t value, std::uint64_t otherwise) {
    const auto is_it = [&](std::string_view end) { return whole_number(end) == value; };
    if (value != otherwise && !some_word_ends_with(words, is_it)) {
      complaint_ = "a number that is no word: " + std::to_string(value);
    }
  }
  void duration(std::optional<std::chrono::milliseconds> value, std::chrono::milliseconds otherwise = {}) {
    const auto is_it = [&](std::string_view end) {
      return ctl::parse_duration(end) == value || agent::parse_duration(end) == value;
    };
    if (value && *value != otherwise && !some_word_ends_with(words, is_it)) {
      complaint_ = "a duration that is no word: " + std::to_string(value->count());
    }
  }
  void signal(std::optional<int> value, int otherwise = 0) {
    const auto is_it = [&](std::string_view end) { return ctl::parse_signal(end) == value; };
    if (value && *value != otherwise && !some_word_ends_with(words, is_it)) {
      complaint_ = "a signal that is no word: " + std::to_string(*value);
    }
  }
  // What runs behind --.
  void command(const Words& value) {
    must(!value.empty() && value.size() < words.size(), "no command");
    must(std::equal(value.rbegin(), value.rend(), words.rbegin()), "a command that was not given");
  }
  void must(bool holds, const char* otherwise) {
    if (!holds) complaint_ = otherwise;
  }
  [[nodiscard]] const std::string& complaint() const { return complaint_; }

 protected:
  const Words& words;

 private:
  std::string complaint_;
};

struct AgentValues : Values {
  using Values::Values;
  void operator()(const agent::RunOptions& o) { texts(o.files); }
  void operator()(const agent::CheckOptions& o) { texts(o.files), text(o.user); }
  void operator()(const agent::ReloadOptions& o) { text(o.runtime_dir); }
  void operator()(const agent::FetchOptions& o) { text(o.name), texts(o.files), text(o.user); }
  void operator()(const agent::AnswersOptions& o) { text(o.name), texts(o.files); }
  void operator()(const agent::KeygenOptions& o) { text(o.file); }
  void operator()(const agent::demo::DemoOptions& o) {
    duration(o.run_for);
    duration(o.lifetime, std::chrono::seconds(10));
    must(o.lifetime >= std::chrono::seconds(2) && o.lifetime <= std::chrono::hours(1), "a lifetime out of its bounds");
  }
  void operator()(const agent::DemoReaderOptions& o) { text(o.directory); }
};

struct CtlValues : Values {
  using Values::Values;
  void operator()(const ctl::GetOptions& o) { text(o.name), duration(o.min_ttl), duration(o.wait); }
  void operator()(const ctl::StatusOptions& o) { text(o.name); }
  void operator()(const ctl::DoctorOptions&) {}
  void operator()(const ctl::HistoryOptions& o) { text(o.name); }
  void operator()(const ctl::NamesOptions& o) { text(o.locks ? "locks" : "tokens"); }
  void operator()(const ctl::LogLevelOptions& o) { text(o.level); }
  void operator()(const ctl::WatchOptions& o) { text(o.name); }
  void operator()(const ctl::WaitOptions& o) { text(o.name), number(o.after, 0), duration(o.timeout); }
  void operator()(const ctl::RejectedOptions& o) { text(o.name), number(o.generation, 0), duration(o.wait); }
  void operator()(const ctl::RefreshOptions& o) { text(o.name), duration(o.wait); }
  void operator()(const ctl::ExecOptions& o) {
    std::string names;
    for (const std::string& name : o.names) names += (names.empty() ? "" : ",") + name;
    text(names);
    for (const auto& [variable, name] : o.env) {
      if (variable != ctl::variable_of(ctl::token_variable, name)) text(variable + "=" + name);
    }
    if (o.fd) number(static_cast<std::uint64_t>(*o.fd), 0);
    must(!o.fd || (*o.fd > 2 && !o.on_stdin), "a descriptor that cannot be");
    must(!o.restart_on_change || !o.signal_on_change, "a restart and a signal");
    signal(o.signal_on_change), signal(o.stop_signal, SIGTERM);
    duration(o.timeout), duration(o.splay);
    duration(o.settle, std::chrono::seconds(1));
    duration(o.grace, std::chrono::seconds(10));
    command(o.command);
  }
  void operator()(const ctl::LockRunOptions& o) {
    text(o.name), texts(o.also), text(o.metadata), duration(o.wait), duration(o.retry);
    duration(o.ttl, std::chrono::seconds(30));
    duration(o.grace, std::chrono::seconds(10));
    must(o.busy_status >= 0 && o.busy_status <= 255, "a status that no process ends with");
    number(static_cast<std::uint64_t>(o.busy_status), 124);
    command(o.command);
  }
  void operator()(const ctl::LockAcquireOptions& o) {
    text(o.name), text(o.owner), text(o.metadata), duration(o.ttl), duration(o.wait), duration(o.retry);
  }
  void operator()(const ctl::LockExtendOptions& o) { text(o.name), text(o.owner), duration(o.ttl); }
  void operator()(const ctl::LockReleaseOptions& o) {
    text(o.name), text(o.owner);
    must(o.force == o.owner.empty(), "a release without an owner");
  }
  void operator()(const ctl::LockShowOptions& o) { text(o.name); }
};

// An error may also name a part that is missing from the line.
constexpr std::array<std::string_view, 12> missing{"NAME",      "DIR",          "PORT",    "FILE",
                                                   "--ttl",     "--owner",      "--force", "--once",
                                                   "--dry-run", "--generation", "command", "--"};

// A message may replace control characters and characters beyond ASCII.
bool is_shown(char c) { return c > ' ' && c < 0x7F; }

// The part of a word that a message shows unchanged.
std::string_view shown_part(std::string_view word) {
  const auto* begin = std::find_if(word.begin(), word.end(), is_shown);
  const auto* end = std::find_if_not(begin, word.end(), is_shown);
  return {begin, std::min<std::size_t>(static_cast<std::size_t>(end - begin), 8)};
}

// The characters that a message shows unchanged, without those between and without what it puts in their place.
std::string shown(std::string_view text) {
  std::string kept(text);
  std::erase_if(kept, [](char c) { return !is_shown(c) || c == '?'; });
  return kept;
}

bool names_one(std::string_view message, const Words& words) {
  const auto named = [&](std::string_view part) { return message.find(part) != std::string_view::npos; };
  // Of -qx, where -q is an option and -x is none, it is -x.
  const auto names_rest = [said = shown(message)](std::string_view word) {
    if (word.size() < 3 || word[0] != '-' || word[1] == '-') return false;
    for (std::size_t at = 2; at < word.size(); ++at) {
      if (said.find("-" + shown(word.substr(at)).substr(0, 8)) != std::string::npos) return true;
    }
    return false;
  };
  return std::any_of(missing.begin(), missing.end(), named) ||
         std::any_of(words.begin() + 1, words.end(),
                     [&](std::string_view word) { return named(shown_part(word)) || names_rest(word); });
}

// "PROGRAM: MESSAGE", and where the help is.
std::string error_complaint(std::string_view text, const std::string& program, const Words& words) {
  const std::string begin = program + ": ";
  const std::string end = "\nRun " + program + " --help for more.\n";
  if (!text.starts_with(begin) || !text.ends_with(end)) return "an error of another form: " + std::string(text);
  text.remove_prefix(begin.size());
  text.remove_suffix(std::min(end.size(), text.size()));
  constexpr std::string_view no_secret = "\n";  // none is on a command line
  if (std::string complaint = message_complaint(text, no_secret); !complaint.empty()) return complaint;
  return names_one(text, words) ? "" : "an error that names nothing: " + std::string(text);
}

std::string end_complaint(bool ended_well, const std::string& program, const Words& words, const std::string& out,
                          const std::string& err) {
  if (!ended_well) return out.empty() ? error_complaint(err, program, words) : "an error on standard output";
  return err.empty() && !out.empty() ? "" : "a help that is none";
}

std::string agent_complaint(const Words& words, const std::vector<const char*>& argv) {
  std::ostringstream out;
  std::ostringstream err;
  const auto line = agent::parse_command_line(static_cast<int>(words.size()), argv.data(), out, err);
  if (!line.command) {
    if (line.status != 0 && line.status != 1) return "a status that is not documented";
    return end_complaint(line.status == 0, "jeton-agent", words, out.str(), err.str());
  }
  AgentValues values(words);
  std::visit(values, *line.command);
  values.must(out.str().empty() && err.str().empty(), "a text beside a command");
  return values.complaint();
}

std::string ctl_complaint(const Words& words, const std::vector<const char*>& argv) {
  std::ostringstream out;
  std::ostringstream err;
  const auto line = ctl::parse_command_line(static_cast<int>(words.size()), argv.data(), out, err);
  if (!line.command) {
    const auto given = [&](const char* word) { return std::find(words.begin(), words.end(), word) != words.end(); };
    const bool may_run = given("run") || given("exec");
    const bool documented = line.exit == ctl::Exit::done || line.exit == ctl::Exit::error ||
                            (line.exit == ctl::Exit::run_failed && may_run);
    if (!documented) return "a status that is not documented";
    return end_complaint(line.exit == ctl::Exit::done, "jetonctl", words, out.str(), err.str());
  }
  CtlValues values(words);
  std::visit(values, *line.command);
  values.text(line.dir);
  values.must(out.str().empty() && err.str().empty(), "a text beside a command");
  return values.complaint();
}

}  // namespace

std::string try_command_line(std::string_view input) {
  const Words words = words_of(input);
  std::vector<const char*> argv;
  for (const std::string& word : words) argv.push_back(word.c_str());
  argv.push_back(nullptr);
  try {
    return words.front() == "jetonctl" ? ctl_complaint(words, argv) : agent_complaint(words, argv);
  } catch (const std::exception& e) {
    return std::string("an exception that none may let out: ") + e.what();
  }
}

}  // namespace jeton::fuzz
