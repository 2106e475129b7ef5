// The ACL user of systemd/README.md, so that a right which is missing there is missing in a test too.
#pragma once

#include <string>
#include <vector>

namespace jeton::test {

// Arguments of a client that make it: ACL SETUSER agent on >PASSWORD and every key, channel and command that the page
// grants, then `more` (the ones that a deployment needs besides: "+info"). Throws if it has no such block.
[[nodiscard]] std::vector<std::string> documented_user(const std::string& password,
                                                       const std::vector<std::string>& more = {});

}  // namespace jeton::test
