// users and groups: the users of this host that have access.
#include "agent/config/schema/schema.hpp"

namespace jeton::agent {

AccessConfig read_accounts(ObjectReader& section, Reading& reading) {
  using Kind = AccountReference::Kind;
  AccessConfig config;
  const auto names = [&reading](const ValueReader& value, Kind kind) {
    std::vector<std::string> list = value.list();
    for (const std::string& name : list) {
      if (name.size() > 255 || name.find_first_of(" :/,") != std::string::npos) {
        value.error(value.path() + ": " + in_quotes(name) + " is not the name of a user or group");
      } else {
        reading.accounts.push_back({value.place(), kind, name});
      }
    }
    return list;
  };
  config.users = names(section.at("users"), Kind::user);
  config.groups = names(section.at("groups"), Kind::group);
  return config;
}

AccessConfig read_access(ObjectReader access, Reading& reading) {
  AccessConfig config = read_accounts(access, reading);
  access.finish();
  return config;
}

}  // namespace jeton::agent
