// ServiceUnit: the properties of jeton-agent.service as systemd has them, drop-ins included, by the bus of the system's
// manager. A property that cannot be read is empty. One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

struct sd_bus;
struct sd_bus_message;

namespace jeton::agent {

class ServiceUnit {
 public:
  static constexpr const char* name = "jeton-agent.service";

  // Nothing: there is no such manager, or no such unit.
  [[nodiscard]] static std::optional<ServiceUnit> find();

  // Each by the type of the property in org.freedesktop.systemd1.Service(5): s, b, as, a(ss), a(say), a(sb).
  [[nodiscard]] std::string text(const char* property) const;
  [[nodiscard]] bool flag(const char* property) const;
  [[nodiscard]] std::vector<std::string> texts(const char* property) const;
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> pairs(const char* property) const;
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> bytes(const char* property) const;
  [[nodiscard]] std::vector<std::pair<std::string, bool>> flagged(const char* property) const;

 private:
  struct Deleter {
    void operator()(sd_bus* bus) const;
    void operator()(sd_bus_message* message) const;
  };
  using Message = std::unique_ptr<sd_bus_message, Deleter>;

  [[nodiscard]] Message read(const char* property, const char* type) const;
  [[nodiscard]] std::string text(const char* interface, const char* property) const;

  std::unique_ptr<sd_bus, Deleter> bus_;
  std::string path_;
};

}  // namespace jeton::agent
