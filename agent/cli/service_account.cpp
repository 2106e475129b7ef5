#include "agent/cli/service_account.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "agent/base/accounts.hpp"
#include "agent/base/bounded_wait.hpp"
#include "agent/base/environment.hpp"
#include "agent/base/error.hpp"
#include "agent/cli/service_credentials.hpp"
#include "agent/cli/service_unit.hpp"
#include "agent/config/secrets/environment_file.hpp"
#include "agent/config/secrets/secret_file.hpp"

// NOLINTBEGIN(concurrency-mt-unsafe): a process that changes its environment and its user here has one thread
namespace jeton::agent {
namespace {

constexpr const char* usual_user = "jeton";
constexpr const char* configuration_folder = "/etc/jeton/";

// The further credentials of the running service, which systemd decrypts or takes from its own credentials.
void add_credentials_of_the_running_service(Credentials& credentials) {
  std::error_code error;
  std::filesystem::directory_iterator entry(std::string("/run/credentials/") + service_unit, error);
  if (error) return;
  for (const auto& file : entry) {
    const std::string name = file.path().filename().string();
    if (credentials.contains(name) || !file.is_regular_file(error)) continue;
    if (auto secret = read_file_bytes(file.path().string(), file.path().string())) {
      credentials.emplace(name, std::move(*secret));
    }
  }
}

void set_variables(const std::string& pattern, bool may_be_missing) {
  const std::vector<std::string> files = environment_files(pattern);
  if (files.empty() && !may_be_missing)
    throw Error("EnvironmentFile= of the unit: " + pattern + " is missing, so the service cannot start");
  for (const std::string& file : files) {
    const auto text = read_file_bytes(file, file);
    if (!text) continue;  // it was there a moment ago
    for (const auto& [name, value] : parse_environment_file(text->reveal())) {
      ::setenv(name.c_str(), null_terminated(value.reveal()).reveal().data(), 1);
    }
  }
}

// Sets the variables that systemd sets for User=; the unit may set others.
void set_login_variables(const std::string& user) {
  const passwd* const entry = ::getpwnam(user.c_str());
  ::setenv("USER", user.c_str(), 1);
  ::setenv("LOGNAME", user.c_str(), 1);
  if (entry == nullptr) return;
  const std::string_view home = entry->pw_dir;
  const std::string_view shell = entry->pw_shell;
  if (home.starts_with('/') && home != "/") ::setenv("HOME", entry->pw_dir, 1);
  if (shell.starts_with('/') && !shell.ends_with("/nologin") && !shell.ends_with("/false")) {
    ::setenv("SHELL", entry->pw_shell, 1);
  }
}

// Keeps only those variables of root's shell that every service has.
void clear_environment() {
  std::vector<std::pair<const char*, std::string>> kept;
  for (const char* name : {"PATH", "LANG", "TERM"}) {
    if (const char* value = environment_variable(name)) kept.emplace_back(name, value);
  }
  ::clearenv();
  for (const auto& [name, value] : kept) ::setenv(name, value.c_str(), 1);
}

void become_user(const ServiceAccount& account) {
  const auto uid = find_user(account.user);
  if (!uid) throw Error("there is no user " + account.user + " on this host; run systemd-sysusers");
  const passwd* const entry = ::getpwuid(*uid);
  std::optional<unsigned> gid = entry == nullptr ? uid : std::optional<unsigned>(entry->pw_gid);
  if (!account.group.empty()) gid = find_group(account.group);
  if (!gid) throw Error("there is no group " + account.group + " on this host; run systemd-sysusers");
  std::vector<gid_t> groups(64);
  int count = static_cast<int>(groups.size());
  while (::getgrouplist(account.user.c_str(), *gid, groups.data(), &count) < 0) {
    groups.resize(static_cast<std::size_t>(count));
  }
  groups.resize(static_cast<std::size_t>(count));
  for (const std::string& name : account.more_groups) {
    if (const auto group = find_group(name)) groups.push_back(*group);
  }
  if (::setgroups(groups.size(), groups.data()) != 0 || ::setresgid(*gid, *gid, *gid) != 0 ||
      ::setresuid(*uid, *uid, *uid) != 0) {
    throw errno_error("cannot become user " + account.user + " (needs CAP_SETUID and CAP_SETGID)");
  }
}

// The files that the service itself reads must be readable for it.
void check_readable(ConfigFiles& files, const std::string& user) {
  for (const std::string& name : files.names) {
    if (!name.starts_with(configuration_folder) || ::access(name.c_str(), R_OK) == 0 || errno == ENOENT) continue;
    files.problems.error({name, 0, 0}, "the service runs as user " + user +
                                           " and cannot read this file: " + std::generic_category().message(errno) +
                                           "; change its mode to 0644, or its owner");
  }
}

// The account of the unit. Without a systemd that knows the unit: user jeton with /etc/jeton/credentials; nothing if
// there is no such user. `named` (--user) takes the place of the user.
std::optional<ServiceAccount> service_account(const std::string& named) {
  ServiceAccount account;
  account.user = usual_user;
  account.credentials = {{"jeton", usual_credentials}};
  if (auto of_unit = account_of_unit()) account = std::move(*of_unit);
  if (!named.empty()) {
    if (named != account.user) account.group.clear();
    account.user = named;
  }
  if (!account.has_unit && named.empty() && !find_user(account.user)) return std::nullopt;
  return account;
}

// Reads the credentials of the account and switches the process to it, permanently. Throws Error.
void become(const ServiceAccount& account) {
  ServiceView view;
  // A directory that the caller names takes precedence.
  const char* given = environment_variable("CREDENTIALS_DIRECTORY");
  if (given != nullptr) {
    add_credentials({}, given, view.credentials);
  } else {
    view.credentials = credentials_of(account);
    if (account.has_unit) add_credentials_of_the_running_service(view.credentials);
  }
  view.hidden = account.hidden;
  if (account.has_unit) clear_environment();
  if (account.has_unit) set_login_variables(account.user);
  for (const std::string& variable : account.environment) {
    const std::size_t equals = variable.find('=');
    if (equals != std::string::npos) {
      ::setenv(variable.substr(0, equals).c_str(), variable.substr(equals + 1).c_str(), 1);
    }
  }
  // They override the others (systemd.exec(5)).
  for (const auto& [file, may_be_missing] : account.variable_files) set_variables(file, may_be_missing);
  judge_as(std::move(view));
  become_user(account);
}

}  // namespace

Judged load_as_service(const std::vector<std::filesystem::path>& files, const std::string& named_user,
                       const std::string& of_token) {
  ConfigFiles texts = files.empty() ? read_default_files() : read_config_files(files);
  Judged judged;
  if (::geteuid() == 0 && named_user != "root") {
    const auto account = service_account(named_user);
    if (account && account->user != "root") {
      become(*account);
      check_readable(texts, account->user);
      judged.as = "user " + account->user + (named_user.empty() ? ", as the service" : "");
    }
  } else if (!named_user.empty() && named_user != "root") {
    throw Error("--user: only root can choose another user");
  }
  judged.result = load_config_files(std::move(texts), of_token);
  return judged;
}

}  // namespace jeton::agent
// NOLINTEND(concurrency-mt-unsafe)
