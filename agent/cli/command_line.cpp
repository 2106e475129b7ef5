#include "agent/cli/command_line.hpp"

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/excerpt.hpp"
#include "agent/config/text/values.hpp"

namespace jeton::agent {
namespace {

constexpr std::size_t longest_message = 400;
constexpr Milliseconds shortest_lifetime{2'000};
constexpr Milliseconds longest_lifetime{3'600'000};

// The targets of the options. The given command moves its own options to `chosen`.
struct Draft {
  RunOptions run;
  CheckOptions check;
  ReloadOptions reload;
  FetchOptions fetch;
  bool dry_run = false;
  AnswersOptions answers;
  KeygenOptions keygen;
  std::string demo_for;
  std::string demo_lifetime = "10s";
  bool no_color = false;
  DemoReaderOptions reader;
  std::optional<Command> chosen;
};

// CLI11 itself only says that a command is missing when it is misspelt.
std::string usage_error(const CLI::App* app, const CLI::Error& error) {
  std::string what = error.what();
  const auto extras = app->remaining();
  if (app->get_parent() == nullptr && app->get_subcommands().empty() && !extras.empty() && !extras.front().empty()) {
    const bool option = extras.front().front() == '-';
    what = (option ? "no option '" : "no command '") + excerpt(extras.front()) + "'";
    std::vector<std::string> names;
    for (const CLI::App* command : app->get_subcommands([](const CLI::App* c) { return !c->get_group().empty(); })) {
      names.push_back(command->get_name());
    }
    const auto meant = nearest(extras.front(), {names.begin(), names.end()});
    if (meant) {
      what += "; did you mean " + std::string(*meant) + "?";
    } else if (!option) {
      what += "; the commands are";
      for (const std::string& name : names) what += (name == names.front() ? " " : ", ") + name;
    }
  }
  return "jeton-agent: " + excerpt(what, {}, longest_message) + "\nRun jeton-agent --help for more.\n";
}

// An empty word would stand for the default: a variable is not set.
void refuse_empty(CLI::Option* option) {
  option->check([](const std::string& text) { return text.empty() ? "'' is empty; is a variable not set?" : ""; });
}

// One file each: CLI11 would take more for one option, NAME among them, and [a,b] for two.
void add_config(CLI::App* command, FileNames& files) {
  refuse_empty(command
                   ->add_option("-c,--config", files,
                                "Configuration file; may be given more than once. Default: /etc/jeton/agent.yaml, "
                                "then /etc/jeton/agent.d/*.yaml")
                   ->allow_extra_args(false));
}

void add_user(CLI::App* command, std::string& user) {
  refuse_empty(command->add_option(
      "--user", user,
      "Act as this user; only root may choose another (root: root itself). Default for root: the user of the service"));
}

void add_token(CLI::App* command, std::string& name) {
  command->add_option("NAME", name, "Name of the token in the configuration")->required();
}

void add_service_commands(CLI::App& app, Draft& draft) {
  CLI::App* run = app.add_subcommand("run", "Run the agent in the foreground");
  add_config(run, draft.run.files);
  run->callback([&draft] { draft.chosen = draft.run; });

  CLI::App* check =
      app.add_subcommand("check", "Check the configuration and print every problem; exit status 1 if one is an error");
  add_config(check, draft.check.files);
  add_user(check, draft.check.user);
  check->callback([&draft] { draft.chosen = draft.check; });

  CLI::App* reload =
      app.add_subcommand("reload", "Make the running agent read its configuration again; exit status 1 if it refuses");
  refuse_empty(reload->add_option("--dir", draft.reload.runtime_dir,
                                  "The agent's runtime_dir. Default: $JETON_DIR, $RUNTIME_DIRECTORY or /run/jeton"));
  reload->callback([&draft] { draft.chosen = draft.reload; });
}

void add_token_commands(CLI::App& app, Draft& draft) {
  CLI::App* fetch =
      app.add_subcommand("fetch", "Try the source of a token: show the request, or send it once; publishes nothing");
  add_token(fetch, draft.fetch.name);
  fetch->add_flag("--dry-run", draft.dry_run, "Show the request, secrets replaced by ***; send nothing");
  fetch->add_flag("--once", draft.fetch.once, "Send the request once and show the answer");
  add_config(fetch, draft.fetch.files);
  add_user(fetch, draft.fetch.user);
  fetch->callback([&draft] {
    if (draft.dry_run == draft.fetch.once) {
      throw CLI::ValidationError("fetch", "choose --dry-run (show the request, send nothing) or --once (send it once)");
    }
    draft.chosen = draft.fetch;
  });

  CLI::App* answers = app.add_subcommand(
      "answers", "Print the provider's answers that the agent could not read; they may hold a new refresh token");
  add_token(answers, draft.answers.name);
  add_config(answers, draft.answers.files);
  answers->callback([&draft] { draft.chosen = draft.answers; });

  CLI::App* keygen = app.add_subcommand("keygen", "Make a key for coordination.seal");
  refuse_empty(
      keygen->add_option("FILE", draft.keygen.file, "Create this file, with mode 0600. Default: standard output"));
  keygen->callback([&draft] { draft.chosen = draft.keygen; });
}

Milliseconds duration(const std::string& option, const std::string& text) {
  const auto value = parse_duration(text);
  if (!value) throw CLI::ValidationError(option, "'" + excerpt(text) + "' is not a duration such as 20s or 500ms");
  return *value;
}

demo::DemoOptions demo_options(const Draft& draft) {
  demo::DemoOptions options;
  if (!draft.demo_for.empty()) options.run_for = duration("--for", draft.demo_for);
  options.lifetime = duration("--lifetime", draft.demo_lifetime);
  if (options.lifetime < shortest_lifetime || options.lifetime > longest_lifetime) {
    throw CLI::ValidationError("--lifetime", "must be between 2s and 1h");
  }
  options.color = !draft.no_color;
  return options;
}

void add_demo_commands(CLI::App& app, Draft& draft) {
  CLI::App* demo = app.add_subcommand(
      "demo", "Run a provider, an agent and a reader on this machine, and show what they do. Needs no configuration");
  refuse_empty(
      demo->add_option("--for", draft.demo_for, "End after this time with exit status 0. Default: run until Ctrl-C"));
  demo->add_option("--lifetime", draft.demo_lifetime, "How long each token lives")->capture_default_str();
  demo->add_flag("--no-color", draft.no_color, "No colors; the variable NO_COLOR does the same");
  demo->callback([&draft] { draft.chosen = demo_options(draft); });

  CLI::App* reader = app.add_subcommand("demo-reader", "The reader that the demo starts")->group("");
  reader->add_option("DIR", draft.reader.directory)->required();
  reader->add_option("PORT", draft.reader.port)->required();
  reader->callback([&draft] { draft.chosen = draft.reader; });
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv, std::ostream& out, std::ostream& err) {
  CLI::App app("jeton-agent: fetches each third-party API token once for the fleet and keeps it readable on this host");
  app.set_version_flag("--version", std::string("jeton-agent ") + JETON_VERSION);
  app.require_subcommand(1);
  app.failure_message(usage_error);
  Draft draft;
  add_service_commands(app, draft);
  add_token_commands(app, draft);
  add_demo_commands(app, draft);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return {std::nullopt, app.exit(e, out, err) == 0 ? 0 : 1};
  }
  return {std::move(draft.chosen), 0};
}

}  // namespace jeton::agent
