// The steps of racing_copy.hpp, which says why they are written in assembly: each moves a fixed number of bytes.
// JETON_LAYOUT_MOVES is defined where there are any; JETON_LAYOUT_TSAN under ThreadSanitizer, where there are none.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__SANITIZE_THREAD__)
#define JETON_LAYOUT_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define JETON_LAYOUT_TSAN 1
#endif
#endif

namespace jeton::layout::detail {

#if !defined(JETON_LAYOUT_TSAN) && defined(__x86_64__)

// Each moves a fixed number of bytes; all loads of a step come before its stores.
inline void move_1(unsigned char* to, const unsigned char* from) {
  unsigned char scratch;
  asm volatile("movb (%2), %0\n\tmovb %0, (%1)" : "=&q"(scratch) : "r"(to), "r"(from) : "memory");
}
inline void move_4(unsigned char* to, const unsigned char* from) {
  std::uint32_t scratch;
  asm volatile("movl (%2), %0\n\tmovl %0, (%1)" : "=&r"(scratch) : "r"(to), "r"(from) : "memory");
}
inline void move_8(unsigned char* to, const unsigned char* from) {
  std::uint64_t scratch;
  asm volatile("movq (%2), %0\n\tmovq %0, (%1)" : "=&r"(scratch) : "r"(to), "r"(from) : "memory");
}
// Here and below, the vector registers are cleared afterwards: a core dump contains them too, and they would hold the
// last piece of a token.
inline void move_16(unsigned char* to, const unsigned char* from) {
  asm volatile("movdqu (%1), %%xmm0\n\tmovdqu %%xmm0, (%0)\n\tpxor %%xmm0, %%xmm0"
               :
               : "r"(to), "r"(from)
               : "memory", "xmm0");
}
// Steps of 64 and of 256 bytes, in the widest registers that the machine has and that cost nothing elsewhere.
struct Sse2 {
  static void move_64(unsigned char* to, const unsigned char* from) {
    asm volatile(
        "movdqu (%1), %%xmm0\n\tmovdqu 16(%1), %%xmm1\n\tmovdqu 32(%1), %%xmm2\n\tmovdqu 48(%1), %%xmm3\n\t"
        "movdqu %%xmm0, (%0)\n\tmovdqu %%xmm1, 16(%0)\n\tmovdqu %%xmm2, 32(%0)\n\tmovdqu %%xmm3, 48(%0)\n\t"
        "pxor %%xmm0, %%xmm0\n\tpxor %%xmm1, %%xmm1\n\tpxor %%xmm2, %%xmm2\n\tpxor %%xmm3, %%xmm3"
        :
        : "r"(to), "r"(from)
        : "memory", "xmm0", "xmm1", "xmm2", "xmm3");
  }
  static void move_blocks(unsigned char* to, const unsigned char* from, std::size_t blocks) {
    for (std::size_t i = 0; i < blocks * 256; i += 64) move_64(to + i, from + i);
  }
};

// Doubles the speed of 1 KiB over SSE2.
struct Avx {
  static void move_64(unsigned char* to, const unsigned char* from) { Sse2::move_64(to, from); }
  static void move_blocks(unsigned char* to, const unsigned char* from, std::size_t blocks) {
    asm volatile(
        "1:\n\t"
        "vmovdqu (%1), %%ymm0\n\tvmovdqu 32(%1), %%ymm1\n\tvmovdqu 64(%1), %%ymm2\n\tvmovdqu 96(%1), %%ymm3\n\t"
        "vmovdqu 128(%1), %%ymm4\n\tvmovdqu 160(%1), %%ymm5\n\tvmovdqu 192(%1), %%ymm6\n\tvmovdqu 224(%1), %%ymm7\n\t"
        "vmovdqu %%ymm0, (%0)\n\tvmovdqu %%ymm1, 32(%0)\n\tvmovdqu %%ymm2, 64(%0)\n\tvmovdqu %%ymm3, 96(%0)\n\t"
        "vmovdqu %%ymm4, 128(%0)\n\tvmovdqu %%ymm5, 160(%0)\n\tvmovdqu %%ymm6, 192(%0)\n\tvmovdqu %%ymm7, 224(%0)\n\t"
        "subq $-256, %0\n\tsubq $-256, %1\n\tdecq %2\n\tjnz 1b\n\t"
        "vpxor %%xmm0, %%xmm0, %%xmm0\n\tvpxor %%xmm1, %%xmm1, %%xmm1\n\t"
        "vpxor %%xmm2, %%xmm2, %%xmm2\n\tvpxor %%xmm3, %%xmm3, %%xmm3\n\t"
        "vpxor %%xmm4, %%xmm4, %%xmm4\n\tvpxor %%xmm5, %%xmm5, %%xmm5\n\t"
        "vpxor %%xmm6, %%xmm6, %%xmm6\n\tvpxor %%xmm7, %%xmm7, %%xmm7\n\t"
        "vzeroupper"
        : "+r"(to), "+r"(from), "+r"(blocks)
        :
        : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7");
  }
};

// A compiler without the option for AVX-512 knows no registers above 15, and has nothing in them.
#ifdef __AVX512F__
#define JETON_LAYOUT_CLOBBERS "memory", "cc", "xmm16", "xmm17", "xmm18", "xmm19"
#else
#define JETON_LAYOUT_CLOBBERS "memory", "cc"
#endif
// The upper sixteen registers, which need no vzeroupper.
struct Avx512 {
  static void move_64(unsigned char* to, const unsigned char* from) {
    asm volatile("vmovdqu64 (%1), %%zmm16\n\tvmovdqu64 %%zmm16, (%0)\n\tvpxorq %%xmm16, %%xmm16, %%xmm16"
                 :
                 : "r"(to), "r"(from)
                 : JETON_LAYOUT_CLOBBERS);
  }
  static void move_blocks(unsigned char* to, const unsigned char* from, std::size_t blocks) {
    asm volatile(
        "1:\n\t"
        "vmovdqu64 (%1), %%zmm16\n\tvmovdqu64 64(%1), %%zmm17\n\t"
        "vmovdqu64 128(%1), %%zmm18\n\tvmovdqu64 192(%1), %%zmm19\n\t"
        "vmovdqu64 %%zmm16, (%0)\n\tvmovdqu64 %%zmm17, 64(%0)\n\t"
        "vmovdqu64 %%zmm18, 128(%0)\n\tvmovdqu64 %%zmm19, 192(%0)\n\t"
        "subq $-256, %0\n\tsubq $-256, %1\n\tdecq %2\n\tjnz 1b\n\t"
        "vpxorq %%xmm16, %%xmm16, %%xmm16\n\tvpxorq %%xmm17, %%xmm17, %%xmm17\n\t"
        "vpxorq %%xmm18, %%xmm18, %%xmm18\n\tvpxorq %%xmm19, %%xmm19, %%xmm19"
        : "+r"(to), "+r"(from), "+r"(blocks)
        :
        : JETON_LAYOUT_CLOBBERS);
  }
};
#undef JETON_LAYOUT_CLOBBERS

inline void move_64(unsigned char* to, const unsigned char* from) { Sse2::move_64(to, from); }
#define JETON_LAYOUT_MOVES 1

#elif !defined(JETON_LAYOUT_TSAN) && defined(__aarch64__)

inline void move_1(unsigned char* to, const unsigned char* from) {
  std::uint32_t scratch;
  asm volatile("ldrb %w0, [%2]\n\tstrb %w0, [%1]" : "=&r"(scratch) : "r"(to), "r"(from) : "memory");
}
inline void move_4(unsigned char* to, const unsigned char* from) {
  std::uint32_t scratch;
  asm volatile("ldr %w0, [%2]\n\tstr %w0, [%1]" : "=&r"(scratch) : "r"(to), "r"(from) : "memory");
}
inline void move_8(unsigned char* to, const unsigned char* from) {
  std::uint64_t scratch;
  asm volatile("ldr %0, [%2]\n\tstr %0, [%1]" : "=&r"(scratch) : "r"(to), "r"(from) : "memory");
}
// As above, the vector registers are cleared afterwards.
inline void move_16(unsigned char* to, const unsigned char* from) {
  asm volatile("ldr q0, [%1]\n\tstr q0, [%0]\n\tmovi v0.2d, #0" : : "r"(to), "r"(from) : "memory", "v0");
}
struct Neon {
  static void move_64(unsigned char* to, const unsigned char* from) {
    asm volatile(
        "ldp q0, q1, [%1]\n\tldp q2, q3, [%1, #32]\n\tstp q0, q1, [%0]\n\tstp q2, q3, [%0, #32]\n\t"
        "movi v0.2d, #0\n\tmovi v1.2d, #0\n\tmovi v2.2d, #0\n\tmovi v3.2d, #0"
        :
        : "r"(to), "r"(from)
        : "memory", "v0", "v1", "v2", "v3");
  }
  static void move_blocks(unsigned char* to, const unsigned char* from, std::size_t blocks) {
    for (std::size_t i = 0; i < blocks * 256; i += 64) move_64(to + i, from + i);
  }
};
inline void move_64(unsigned char* to, const unsigned char* from) { Neon::move_64(to, from); }
#define JETON_LAYOUT_MOVES 1
#endif

}  // namespace jeton::layout::detail
