#include "agent/cli/service_unit.hpp"

#include <systemd/sd-bus.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

namespace jeton::agent {
namespace {

constexpr const char* destination = "org.freedesktop.systemd1";
constexpr const char* service = "org.freedesktop.systemd1.Service";

struct Unref {
  void operator()(sd_bus* bus) const { ::sd_bus_flush_close_unref(bus); }
  void operator()(sd_bus_message* message) const { ::sd_bus_message_unref(message); }
};
using Message = std::unique_ptr<sd_bus_message, Unref>;

// The properties of the unit. One that cannot be read is empty.
class ServiceUnit {
 public:
  static std::optional<ServiceUnit> find() {
    ServiceUnit unit;
    sd_bus* bus = nullptr;
    if (::sd_bus_open_system(&bus) < 0) return std::nullopt;
    unit.bus_.reset(bus);
    sd_bus_message* reply = nullptr;
    const int loaded =
        ::sd_bus_call_method(bus, destination, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                             "LoadUnit", nullptr, &reply, "s", service_unit);
    const Message owned(reply);
    const char* path = nullptr;
    if (loaded < 0 || ::sd_bus_message_read(reply, "o", &path) < 0) return std::nullopt;
    unit.path_ = path;
    if (unit.text("LoadState", "org.freedesktop.systemd1.Unit") != "loaded") return std::nullopt;
    return unit;
  }

  // Each by the type of the property in org.freedesktop.systemd1.Service(5): s, b, as, a(ss), a(say), a(sb).
  std::string text(const char* property, const char* interface = service) const {
    char* value = nullptr;
    if (::sd_bus_get_property_string(bus_.get(), destination, path_.c_str(), interface, property, nullptr, &value) <
        0) {
      return {};
    }
    std::string text(value);
    std::free(value);
    return text;
  }

  bool flag(const char* property) const {
    int value = 0;
    return ::sd_bus_get_property_trivial(bus_.get(), destination, path_.c_str(), service, property, nullptr, 'b',
                                         &value) >= 0 &&
           value != 0;
  }

  std::vector<std::string> texts(const char* property) const {
    std::vector<std::string> all;
    const Message reply = read(property, "as");
    const char* value = nullptr;
    while (reply != nullptr && ::sd_bus_message_read(reply.get(), "s", &value) > 0) all.emplace_back(value);
    return all;
  }

  std::vector<std::pair<std::string, std::string>> pairs(const char* property) const {
    std::vector<std::pair<std::string, std::string>> all;
    const Message reply = read(property, "a(ss)");
    const char* first = nullptr;
    const char* second = nullptr;
    while (reply != nullptr && ::sd_bus_message_read(reply.get(), "(ss)", &first, &second) > 0) {
      all.emplace_back(first, second);
    }
    return all;
  }

  std::vector<std::pair<std::string, std::string>> bytes(const char* property) const {
    std::vector<std::pair<std::string, std::string>> all;
    const Message reply = read(property, "a(say)");
    while (reply != nullptr && ::sd_bus_message_enter_container(reply.get(), 'r', "say") > 0) {
      const char* id = nullptr;
      const void* data = nullptr;
      std::size_t size = 0;
      if (::sd_bus_message_read(reply.get(), "s", &id) < 0 ||
          ::sd_bus_message_read_array(reply.get(), 'y', &data, &size) < 0) {
        break;
      }
      all.emplace_back(id, std::string(static_cast<const char*>(data), size));
      ::sd_bus_message_exit_container(reply.get());
    }
    return all;
  }

  std::vector<std::pair<std::string, bool>> flagged(const char* property) const {
    std::vector<std::pair<std::string, bool>> all;
    const Message reply = read(property, "a(sb)");
    const char* first = nullptr;
    int second = 0;
    while (reply != nullptr && ::sd_bus_message_read(reply.get(), "(sb)", &first, &second) > 0) {
      all.emplace_back(first, second != 0);
    }
    return all;
  }

 private:
  // An array, entered; null if it cannot be read.
  Message read(const char* property, const char* type) const {
    sd_bus_message* reply = nullptr;
    if (::sd_bus_get_property(bus_.get(), destination, path_.c_str(), service, property, nullptr, &reply, type) < 0) {
      return nullptr;
    }
    Message owned(reply);
    if (::sd_bus_message_enter_container(reply, 'a', type + 1) < 0) return nullptr;
    return owned;
  }

  std::unique_ptr<sd_bus, Unref> bus_;
  std::string path_;
};

std::vector<std::string> hidden_folders(const ServiceUnit& unit) {
  std::vector<std::string> hidden;
  for (const std::string& path : unit.texts("InaccessiblePaths")) {
    hidden.push_back(path.substr(std::min(path.find('/'), path.size())));  // without "-" and "+"
  }
  const std::string home = unit.text("ProtectHome");
  if (unit.flag("PrivateTmp")) hidden.insert(hidden.end(), {"/tmp", "/var/tmp"});
  if (home == "yes" || home == "tmpfs") hidden.insert(hidden.end(), {"/home", "/root", "/run/user"});
  return hidden;
}

}  // namespace

std::optional<ServiceAccount> account_of_unit() {
  const auto unit = ServiceUnit::find();
  if (!unit) return std::nullopt;
  ServiceAccount account;
  account.has_unit = true;
  account.user = unit->text("User");
  account.group = unit->text("Group");
  account.more_groups = unit->texts("SupplementaryGroups");
  account.credentials = unit->pairs("LoadCredential");
  account.environment = unit->texts("Environment");
  account.variable_files = unit->flagged("EnvironmentFiles");
  account.texts = unit->bytes("SetCredential");
  account.hidden = hidden_folders(*unit);
  const std::array<std::array<const char*, 3>, 5> folders{
      {{"RuntimeDirectory", "RUNTIME_DIRECTORY", "/run/"},
       {"StateDirectory", "STATE_DIRECTORY", "/var/lib/"},
       {"CacheDirectory", "CACHE_DIRECTORY", "/var/cache/"},
       {"LogsDirectory", "LOGS_DIRECTORY", "/var/log/"},
       {"ConfigurationDirectory", "CONFIGURATION_DIRECTORY", "/etc/"}}};
  for (const auto& [property, variable, root] : folders) {
    std::string paths;
    for (const std::string& name : unit->texts(property)) paths += (paths.empty() ? "" : ":") + (root + name);
    if (!paths.empty()) account.environment.insert(account.environment.begin(), variable + ("=" + paths));
  }
  if (account.user.empty()) account.user = "root";
  return account;
}

}  // namespace jeton::agent
