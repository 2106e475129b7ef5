#include "agent/http/curl_global.hpp"

#include <curl/curl.h>
#include <malloc.h>

#include <cstdlib>
#include <cstring>

#include "agent/base/error.hpp"
#include "agent/base/secret.hpp"

namespace jeton::agent {
namespace {

void wiping_free(void* p) {
  if (p == nullptr) return;
  wipe(p, ::malloc_usable_size(p));
  std::free(p);
}

// realloc() may leave the old bytes behind, so memory moves by hand.
void* wiping_realloc(void* old, std::size_t size) {
  if (old == nullptr) return std::malloc(size);
  const std::size_t old_size = ::malloc_usable_size(old);
  if (size != 0 && size <= old_size && size > old_size / 2) return old;
  void* moved = std::malloc(size);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, old, size < old_size ? size : old_size);
  wiping_free(old);
  return moved;
}

char* wiping_strdup(const char* text) { return ::strdup(text); }

CURLcode initialise() {
  return ::curl_global_init_mem(CURL_GLOBAL_DEFAULT, std::malloc, wiping_free, wiping_realloc, wiping_strdup,
                                std::calloc);
}

}  // namespace

void initialise_curl() {
  static const CURLcode result = initialise();
  if (result != CURLE_OK) throw Error(std::string("libcurl cannot start: ") + ::curl_easy_strerror(result));
}

}  // namespace jeton::agent
