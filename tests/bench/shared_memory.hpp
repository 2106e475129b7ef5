// Memory that this process and those it forks share.
#pragma once

#include <sys/mman.h>

#include <new>

#include "tests/bench/bench.hpp"

namespace jeton::bench {

template <typename T>
class SharedMemory {
 public:
  SharedMemory() {
    void* memory = ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    require(memory != MAP_FAILED, "mmap");
    object_ = new (memory) T;
  }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory() { ::munmap(object_, sizeof(T)); }
  [[nodiscard]] T* operator->() const { return object_; }

 private:
  T* object_ = nullptr;
};

}  // namespace jeton::bench
