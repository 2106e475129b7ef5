#include "libclient/src/mapping.hpp"

#include <sys/mman.h>

#include <cstdlib>

namespace jeton::client {

void destroy(Mapping* mapping) noexcept {
  if (mapping == nullptr) return;
  ::munmap(const_cast<std::byte*>(mapping->base), static_cast<std::size_t>(mapping->geometry.segment_size));
  mapping->~Mapping();
  std::free(mapping);
}

}  // namespace jeton::client
