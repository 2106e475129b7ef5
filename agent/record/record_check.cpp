#include "agent/record/record_check.hpp"

#include <algorithm>

#include "agent/base/error.hpp"
#include "libclient/layout/attributes.hpp"
#include "libclient/layout/geometry.hpp"

namespace jeton::agent {
namespace {

constexpr std::chrono::hours clock_tolerance{24};  // between the clock of the host that wrote it and ours
static_assert(max_type_size == layout::max_type_size && max_attributes_size == layout::attributes_capacity);

constexpr std::size_t max_host_size = 255;  // bytes

bool prints(char c) { return c >= '!' && c <= '~'; }

bool prints(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return prints(c); });
}

void check(bool good, const char* fault) {
  if (!good) throw Error(fault);
}

}  // namespace

std::size_t size_in_segment(const Attributes& attributes) {
  std::size_t size = 0;
  for (const auto& [name, value] : attributes) size += layout::attribute_overhead + name.size() + value.size();
  return size;
}

std::optional<std::string> fault_of_value(std::string_view value) {
  if (value.empty()) return "is empty";
  const auto bad = std::find_if(value.begin(), value.end(), [](char c) { return !prints(c); });
  if (bad == value.end()) return std::nullopt;
  const char* kind = static_cast<unsigned char>(*bad) > 0x7f ? "not ASCII"
                     : *bad == ' '                           ? "a space"
                                                             : "a control character";
  return std::string("holds a character that is not allowed in a token (") + kind + " at byte " +
         std::to_string(bad - value.begin() + 1) + ")";
}

bool is_token_type(std::string_view type) { return type.size() <= max_type_size && prints(type); }

void check_record(const Record& record, WallTime now) {
  check(record.generation > 0 && record.generation < fence_limit(now), "record has a generation out of range");
  check(record.first_generation <= record.generation, "record has a first generation above its own");
  const auto check_time = [&](WallTime time) {
    check(time >= WallTime{} && time <= now + max_lifetime + clock_tolerance, "record has a time out of range");
  };
  const auto check_value = [](const SecretString& value) {
    if (const auto fault = fault_of_value(value.reveal())) throw Error("the value of the record " + *fault);
  };
  check_time(record.issued_at);
  check_time(record.expires_at);
  check_value(record.value);
  check(is_token_type(record.type), "the type of the record is not a word such as Bearer");
  check(record.attributes.size() <= max_attributes, "the record has too many attributes");
  for (const auto& [name, text] : record.attributes) {
    check(name.size() <= max_attribute_size && text.size() <= max_attribute_size,
          "the record has an attribute that is too long");
  }
  check(record.fetched_by.size() <= max_host_size && prints(record.fetched_by),
        "the record has no name of a host in fetched_by");
  if (!record.previous) return;
  check(record.previous->generation > 0 && record.previous->generation < record.generation,
        "record has a previous token that is not older than its own");
  check_time(record.previous->accept_until);
  check_time(record.previous->expires_at);
  check_value(record.previous->value);
}

}  // namespace jeton::agent
