// Finds the few members of the agent's JSON that the library reads, in place: no memory, no exceptions, no recursion.
//
// Only the requested members are read; a text that is not JSON has no members. A Json is a part of another owner's
// buffer.
#pragma once

#include <cstddef>
#include <cstdint>

namespace jeton::client {

struct Json {
  const char* begin = nullptr;
  const char* end = nullptr;
};

// The member `key` of an object. False: it is not an object, or has no such member.
[[nodiscard]] bool find_member(Json object, const char* key, Json& value) noexcept;

// The items of a list, one by one: `rest` begins as the list. False: behind the last.
[[nodiscard]] bool next_item(Json& rest, Json& item) noexcept;

// Copies a string, terminated and cut where `capacity` ends; unprintable characters become question marks. False: the
// value is not a string.
bool read_text(Json value, char* buffer, std::size_t capacity) noexcept;
[[nodiscard]] bool read_number(Json value, std::uint64_t& number) noexcept;

[[nodiscard]] bool is_true(Json value) noexcept;

// Whether the value is this string.
[[nodiscard]] bool is_text(Json value, const char* text) noexcept;

// Appends `text` as a JSON string behind `*size`. False: there is no room.
[[nodiscard]] bool append_text(char* buffer, std::size_t capacity, std::size_t* size, const char* text) noexcept;

}  // namespace jeton::client
