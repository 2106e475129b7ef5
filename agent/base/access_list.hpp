// AccessList: an access control list of a file (acl(5)), freed with its owner.
#pragma once

#include <sys/acl.h>

#include <memory>

namespace jeton::agent {

// libacl gives out lists, and what it copies out of them, as memory to be freed with acl_free().
struct FreeAcl {
  void operator()(void* memory) const { ::acl_free(memory); }
};

using AccessList = std::unique_ptr<void, FreeAcl>;

}  // namespace jeton::agent
