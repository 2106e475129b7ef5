// jeton_accepts: compares in place, so that no copy of a token is made for it.
#include <jeton/jeton.h>

#include <algorithm>

#include "libclient/src/expiry.hpp"
#include "libclient/src/token.hpp"

namespace jeton::client {
namespace {

// 0 if `size` bytes are equal. Takes the same time wherever they differ; the volatile keeps a compiler from finding
// out that it may stop early. `stored` may be overwritten meanwhile: the result counts only if the slot is still
// the current one afterwards.
unsigned char difference(const std::byte* stored, const unsigned char* presented, std::size_t size) {
  unsigned char piece[256];
  volatile unsigned char sum = 0;
  for (std::size_t done = 0; done < size; done += sizeof(piece)) {
    const std::size_t step = std::min(sizeof(piece), size - done);
    layout::racing_copy(piece, stored + done, step);
    for (std::size_t i = 0; i < step; ++i) {
      sum = static_cast<unsigned char>(sum | (piece[i] ^ presented[done + i]));
    }
  }
  layout::racing_zero(piece, sizeof(piece));  // no token bytes stay on the stack
  return sum;
}

}  // namespace
}  // namespace jeton::client

using namespace jeton::client;  // the C function below is outside every namespace

extern "C" jeton_status jeton_accepts(jeton_token* token, const void* presented, size_t size) {
  if (token == nullptr || presented == nullptr) return JETON_INVALID_ARGUMENT;
  const auto* bytes = static_cast<const unsigned char*>(presented);
  for (;;) {
    bool is_current = false;
    bool is_previous = false;
    const WallClock now;
    Mapping* mapping = nullptr;
    Snapshot snapshot;
    const jeton_status status = read_token(*token, &mapping, snapshot, [&](const auto& slot, const std::byte* content) {
      const std::byte* previous = content + slot.value_size + slot.type_size + slot.attributes_size;
      is_current = slot.value_size == size && difference(content, bytes, size) == 0;
      is_previous = slot.previous_size == size && difference(previous, bytes, size) == 0;
    });
    if (status != JETON_OK) return status;
    const jeton::layout::SlotHeader& slot = snapshot.slot;
    const bool expired = ran_out(*mapping, snapshot.control, expiry_of(slot), now);
    if (expired && found_replacement(*token, *mapping, now.ms())) continue;
    if (is_current && slot.value_size > 0 && (!expired || token->allows(JETON_ALLOW_EXPIRED))) return JETON_OK;
    const bool overlaps = slot.previous_generation != 0 && is_before(now, end_of_overlap(slot));
    return is_previous && overlaps ? JETON_OK : JETON_MISMATCH;
  }
}
