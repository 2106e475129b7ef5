// racing_copy, racing_zero: copy and clear bytes that another process or thread may be writing or reading meanwhile.
//
// A reader copies a slot first and finds out afterwards, from `control`, whether the writer touched it. If it did, the
// copy is thrown away; but the copying itself must not be undefined behaviour, and memcpy on racing memory is. The
// literature's answer, a loop of relaxed atomic loads (Boehm, "Can seqlocks get along with programming language
// memory models?", HPL-2012-68; P1478 proposes it as a function of the library), costs 4 to 7 times memcpy at 1 KiB,
// because a compiler neither widens nor merges atomics. So on x86-64 and aarch64 the bytes are moved by instructions
// written out in assembly. To the compiler that is one opaque step with a memory clobber: it cannot assume anything
// about the bytes read, invent a second read or move other accesses across; then only the machine's memory model
// matters, which defines racing loads: each yields old or new bytes. On other processors, and under ThreadSanitizer,
// which does not see into assembly, it is the loop of atomics.
//
// The orderings that make a torn copy detectable (tests/model/segment.pml checks them). Writer
// (agent/segment/slot_writer.hpp) publishing n:
//     W1  fill slot n & 1
//     W2  store-release control = n
//     W3  racing_release_fence
//     W4  wipe slot (n - 1) & 1, later fill it for n + 1
// Reader (libclient/src/slot_reader.hpp):
//     R1  load-acquire control = n
//     R2  racing_copy out of slot n & 1
//     R3  racing_acquire_fence
//     R4  load control again; the copy is good if the publication is still n and the state not retired
//   - R1 reads W2 of n (or a later change of flags, a release by the same thread), so all of W1 for n is visible to R2.
//   - If R2 sees a single byte that W4 stores for n + 1 or later, then W3 synchronises with R3, so W2 of n + 1 happens
//     before R4, and R4 cannot read n: the copy is refused.
// x86-64 keeps loads in order and stores in order, so R3 and W3 cost nothing there; on aarch64 they are `dmb`.
// ThreadSanitizer does not model fences. For it, the words are loaded with acquire and stored with release instead:
// that gives the same guarantee without a fence (a load after an acquire load stays behind it, W4 stays behind W2
// because W2 happens before each release store), and it sees every access.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "libclient/layout/racing_moves.hpp"

namespace jeton::layout {

#ifdef JETON_LAYOUT_TSAN
inline void racing_acquire_fence() {}
inline void racing_release_fence() {}
#else
inline void racing_acquire_fence() { __atomic_thread_fence(__ATOMIC_ACQUIRE); }
inline void racing_release_fence() { __atomic_thread_fence(__ATOMIC_RELEASE); }
#endif

namespace detail {

#ifdef JETON_LAYOUT_TSAN
inline constexpr int load_order = __ATOMIC_ACQUIRE;
inline constexpr int store_order = __ATOMIC_RELEASE;
#else
inline constexpr int load_order = __ATOMIC_RELAXED;
inline constexpr int store_order = __ATOMIC_RELAXED;
#endif

#ifdef JETON_LAYOUT_MOVES

// For 256 bytes and more. The rest after the last whole step, here and below, is moved by one more step that ends
// where the data ends and overlaps the step before it.
template <typename Vector>
inline void copy_large(unsigned char* t, const unsigned char* f, std::size_t size) {
  // Stores that cross cache lines cost twice as much: after a first step, begin at one.
  const std::size_t ahead = (0 - reinterpret_cast<std::uintptr_t>(t)) % 64;
  if (ahead != 0) {
    Vector::move_64(t, f);
    t += ahead;
    f += ahead;
    size -= ahead;
  }
  if (size >= 256) Vector::move_blocks(t, f, size / 256);
  t += size;
  f += size;
  for (std::size_t i = (size % 256 + 63) / 64; i > 0; --i) Vector::move_64(t - i * 64, f - i * 64);
}

inline void copy_large(unsigned char* t, const unsigned char* f, std::size_t size) {
#ifdef __x86_64__
  // VBMI2 came with Ice Lake and Zen 4. The processors with AVX-512 before them lower their clock for wide registers.
  if (__builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512vl"))
    return copy_large<Avx512>(t, f, size);
  if (__builtin_cpu_supports("avx")) return copy_large<Avx>(t, f, size);
  copy_large<Sse2>(t, f, size);
#else
  copy_large<Neon>(t, f, size);
#endif
}

inline void copy(unsigned char* t, const unsigned char* f, std::size_t size) {
  if (size >= 256) {
    copy_large(t, f, size);
  } else if (size >= 64) {
    for (std::size_t i = 0; i + 64 <= size; i += 64) move_64(t + i, f + i);
    if (size % 64 != 0) move_64(t + size - 64, f + size - 64);
  } else if (size >= 16) {
    for (std::size_t i = 0; i + 16 <= size; i += 16) move_16(t + i, f + i);
    if (size % 16 != 0) move_16(t + size - 16, f + size - 16);
  } else if (size >= 8) {
    move_8(t, f);
    move_8(t + size - 8, f + size - 8);
  } else if (size >= 4) {
    move_4(t, f);
    move_4(t + size - 4, f + size - 4);
  } else {
    for (std::size_t i = 0; i < size; ++i) move_1(t + i, f + i);
  }
}

#else

// Atomics on both sides; by words while both are aligned and a word is left.
inline void copy(unsigned char* to, const unsigned char* from, std::size_t size) {
  using Word = std::uint64_t;
  std::size_t done = 0;
  const auto misalignment =
      (reinterpret_cast<std::uintptr_t>(to) | reinterpret_cast<std::uintptr_t>(from)) % sizeof(Word);
  if (misalignment == 0) {
    for (; done + sizeof(Word) <= size; done += sizeof(Word)) {
      const Word word = __atomic_load_n(reinterpret_cast<const Word*>(from + done), load_order);
      __atomic_store_n(reinterpret_cast<Word*>(to + done), word, store_order);
    }
  }
  for (; done < size; ++done) __atomic_store_n(to + done, __atomic_load_n(from + done, load_order), store_order);
}

#endif

}  // namespace detail

// Either side may be the shared one; they do not overlap.
inline void racing_copy(void* to, const void* from, std::size_t size) {
  detail::copy(static_cast<unsigned char*>(to), static_cast<const unsigned char*>(from), size);
}

// Loads one field that may be changing, as racing_copy does for bytes.
template <typename Integer>
[[nodiscard]] inline Integer racing_load(const Integer& field) {
  return __atomic_load_n(&field, detail::load_order);
}

// Wipes superseded secrets; the compiler never leaves it out.
inline void racing_zero(void* to, std::size_t size) {
  alignas(64) static constexpr unsigned char zeros[1024] = {};
  auto* t = static_cast<unsigned char*>(to);
  while (size > 0) {
    const std::size_t step = size < sizeof(zeros) ? size : sizeof(zeros);
    racing_copy(t, zeros, step);
    t += step;
    size -= step;
  }
}

}  // namespace jeton::layout
