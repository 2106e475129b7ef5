#include "agent/provider/json_pointer.hpp"

#include <charconv>

namespace jeton::agent {
namespace {

// ~1 is an escaped slash, ~0 an escaped tilde.
WipingText unescaped(std::string_view token) {
  WipingText out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    const bool escape = token[i] == '~' && i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1');
    out.push_back(!escape ? token[i] : token[i + 1] == '0' ? '~' : '/');
    if (escape) ++i;
  }
  return out;
}

const WipingJson* element(const WipingJson& array, std::string_view token) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), index);
  const bool leading_zero = token.size() > 1 && token.front() == '0';
  if (error != std::errc{} || end != token.data() + token.size() || leading_zero || index >= array.size()) {
    return nullptr;
  }
  return &array[index];
}

}  // namespace

const WipingJson* find_by_pointer(const WipingJson& root, std::string_view pointer) {
  const WipingJson* current = &root;
  while (current != nullptr && !pointer.empty()) {
    if (pointer.front() != '/') return nullptr;
    pointer.remove_prefix(1);
    const std::string_view token = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(token.size());
    if (current->is_object()) {
      const auto member = current->find(unescaped(token));
      current = member == current->end() ? nullptr : &*member;
    } else {
      current = current->is_array() ? element(*current, token) : nullptr;
    }
  }
  return current;
}

}  // namespace jeton::agent
