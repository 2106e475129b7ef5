// The ACL user of systemd/README.md, so that a right which is missing there is missing in a test too.
#pragma once

#include <string>
#include <vector>

namespace jeton::test {

// The arguments of the client command that creates the user: ACL SETUSER agent on >PASSWORD and every key, channel and
// command that the page grants, then `more` (rights that a deployment needs besides: "+info"). Throws if the page has
// no such block.
[[nodiscard]] std::vector<std::string> documented_user(const std::string& password,
                                                       const std::vector<std::string>& more = {});

}  // namespace jeton::test
