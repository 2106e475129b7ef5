// AccessList: an access control list of a file (acl(5)), freed with its owner.
#pragma once

#include <acl/libacl.h>
#include <sys/acl.h>

#include <memory>

namespace jeton::agent {

// libacl gives out lists, and what it copies out of them, as memory to be freed with acl_free().
struct FreeAcl {
  void operator()(void* memory) const { ::acl_free(memory); }
};

using AccessList = std::unique_ptr<void, FreeAcl>;

// Calls action(entry, tag) for each of its entries.
template <typename Action>
void for_each_entry(const AccessList& list, const Action& action) {
  const auto all = static_cast<acl_t>(list.get());
  acl_entry_t entry = nullptr;
  for (int more = ::acl_get_entry(all, ACL_FIRST_ENTRY, &entry); more == 1;
       more = ::acl_get_entry(all, ACL_NEXT_ENTRY, &entry)) {
    acl_tag_t tag = ACL_UNDEFINED_TAG;
    if (::acl_get_tag_type(entry, &tag) == 0) action(entry, tag);
  }
}

// `right`: ACL_READ or another. The mask may still take it away.
[[nodiscard]] inline bool has_right(acl_entry_t entry, acl_perm_t right) {
  acl_permset_t rights = nullptr;
  return ::acl_get_permset(entry, &rights) == 0 && ::acl_get_perm(rights, right) == 1;
}

// Of ACL_USER and ACL_GROUP.
[[nodiscard]] inline unsigned qualifier_of(acl_entry_t entry) {
  const std::unique_ptr<void, FreeAcl> id(::acl_get_qualifier(entry));
  return id ? *static_cast<const unsigned*>(id.get()) : static_cast<unsigned>(-1);
}

}  // namespace jeton::agent
