// The sections of jeton_bench, in the order of a whole run. Each prints and adds its figures and goals.
#pragma once

#include "tests/bench/report.hpp"

namespace jeton::bench {

void bench_read(Report& report);     // one reader, 1 KiB: beside the least that can be done, and what people do instead
void bench_sizes(Report& report);    // one reader, 64 B to 64 KiB
void bench_readers(Report& report);  // 1 to 8 reading processes, with a writer at several rates
void bench_wake(Report& report);     // from publication to a waiter being awake
void bench_open(Report& report);     // jeton_open
void bench_syscalls(Report& report);      // system calls of the read path
void bench_instructions(Report& report);  // counted by callgrind

}  // namespace jeton::bench
