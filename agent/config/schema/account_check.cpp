#include "agent/config/schema/account_check.hpp"

#include "agent/base/accounts.hpp"

namespace jeton::agent {

void check_accounts(const std::vector<AccountReference>& references, Problems& problems) {
  for (const AccountReference& reference : references) {
    const bool user = reference.kind == AccountReference::Kind::user;
    if (user ? find_user(reference.name) : find_group(reference.name)) continue;
    const std::string kind = user ? "user" : "group";
    problems.error(reference.place, "there is no " + kind + " " + in_quotes(reference.name) +
                                        " on this host; create it, or remove it from the " + kind + "s");
  }
}

}  // namespace jeton::agent
