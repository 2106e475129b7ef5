// The attributes of a view.
#include <jeton/jeton.h>

#include <string_view>

#include "libclient/layout/attributes.hpp"

namespace {

jeton::layout::AttributeCursor cursor_of(const jeton_view& view) {
  return jeton::layout::AttributeCursor({static_cast<const char*>(view.attributes), view.attributes_size});
}

}  // namespace

extern "C" jeton_status jeton_attribute(const jeton_view* view, const char* name, const char** value,
                                        size_t* value_size) {
  if (view == nullptr || name == nullptr || value == nullptr || value_size == nullptr) return JETON_INVALID_ARGUMENT;
  std::string_view key;
  std::string_view found;
  for (auto cursor = cursor_of(*view); cursor.next(key, found);) {
    if (key != name) continue;
    *value = found.data();
    *value_size = found.size();
    return JETON_OK;
  }
  return JETON_NOT_FOUND;
}

extern "C" jeton_status jeton_attribute_at(const jeton_view* view, size_t index, const char** name, size_t* name_size,
                                           const char** value, size_t* value_size) {
  if (view == nullptr || name == nullptr || name_size == nullptr || value == nullptr || value_size == nullptr) {
    return JETON_INVALID_ARGUMENT;
  }
  std::string_view key;
  std::string_view found;
  auto cursor = cursor_of(*view);
  for (size_t i = 0; cursor.next(key, found); ++i) {
    if (i != index) continue;
    *name = key.data();
    *name_size = key.size();
    *value = found.data();
    *value_size = found.size();
    return JETON_OK;
  }
  return JETON_NOT_FOUND;
}
