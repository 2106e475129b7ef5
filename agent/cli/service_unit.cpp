#include "agent/cli/service_unit.hpp"

#include <systemd/sd-bus.h>

#include <cstdlib>

namespace jeton::agent {
namespace {

constexpr const char* destination = "org.freedesktop.systemd1";
constexpr const char* service = "org.freedesktop.systemd1.Service";

}  // namespace

void ServiceUnit::Deleter::operator()(sd_bus* bus) const { ::sd_bus_flush_close_unref(bus); }
void ServiceUnit::Deleter::operator()(sd_bus_message* message) const { ::sd_bus_message_unref(message); }

std::optional<ServiceUnit> ServiceUnit::find() {
  ServiceUnit unit;
  sd_bus* bus = nullptr;
  if (::sd_bus_open_system(&bus) < 0) return std::nullopt;
  unit.bus_.reset(bus);
  sd_bus_message* reply = nullptr;
  const int loaded = ::sd_bus_call_method(bus, destination, "/org/freedesktop/systemd1",
                                          "org.freedesktop.systemd1.Manager", "LoadUnit", nullptr, &reply, "s", name);
  const Message owned(reply);
  const char* path = nullptr;
  if (loaded < 0 || ::sd_bus_message_read(reply, "o", &path) < 0) return std::nullopt;
  unit.path_ = path;
  if (unit.text("org.freedesktop.systemd1.Unit", "LoadState") != "loaded") return std::nullopt;
  return unit;
}

std::string ServiceUnit::text(const char* property) const { return text(service, property); }

bool ServiceUnit::flag(const char* property) const {
  int value = 0;
  return ::sd_bus_get_property_trivial(bus_.get(), destination, path_.c_str(), service, property, nullptr, 'b',
                                       &value) >= 0 &&
         value != 0;
}

std::vector<std::string> ServiceUnit::texts(const char* property) const {
  std::vector<std::string> all;
  const Message reply = read(property, "as");
  const char* value = nullptr;
  if (reply == nullptr || ::sd_bus_message_enter_container(reply.get(), 'a', "s") < 0) return all;
  while (::sd_bus_message_read(reply.get(), "s", &value) > 0) all.emplace_back(value);
  return all;
}

std::vector<std::pair<std::string, std::string>> ServiceUnit::pairs(const char* property) const {
  std::vector<std::pair<std::string, std::string>> all;
  const Message reply = read(property, "a(ss)");
  const char* first = nullptr;
  const char* second = nullptr;
  if (reply == nullptr || ::sd_bus_message_enter_container(reply.get(), 'a', "(ss)") < 0) return all;
  while (::sd_bus_message_read(reply.get(), "(ss)", &first, &second) > 0) all.emplace_back(first, second);
  return all;
}

std::vector<std::pair<std::string, std::string>> ServiceUnit::bytes(const char* property) const {
  std::vector<std::pair<std::string, std::string>> all;
  const Message reply = read(property, "a(say)");
  if (reply == nullptr || ::sd_bus_message_enter_container(reply.get(), 'a', "(say)") < 0) return all;
  while (::sd_bus_message_enter_container(reply.get(), 'r', "say") > 0) {
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

std::vector<std::pair<std::string, bool>> ServiceUnit::flagged(const char* property) const {
  std::vector<std::pair<std::string, bool>> all;
  const Message reply = read(property, "a(sb)");
  const char* first = nullptr;
  int second = 0;
  if (reply == nullptr || ::sd_bus_message_enter_container(reply.get(), 'a', "(sb)") < 0) return all;
  while (::sd_bus_message_read(reply.get(), "(sb)", &first, &second) > 0) all.emplace_back(first, second != 0);
  return all;
}

ServiceUnit::Message ServiceUnit::read(const char* property, const char* type) const {
  sd_bus_message* reply = nullptr;
  const int got =
      ::sd_bus_get_property(bus_.get(), destination, path_.c_str(), service, property, nullptr, &reply, type);
  return got < 0 ? nullptr : Message(reply);
}

std::string ServiceUnit::text(const char* interface, const char* property) const {
  char* value = nullptr;
  if (::sd_bus_get_property_string(bus_.get(), destination, path_.c_str(), interface, property, nullptr, &value) < 0) {
    return {};
  }
  std::string text(value);
  std::free(value);
  return text;
}

}  // namespace jeton::agent
