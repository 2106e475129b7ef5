// A token the way one would share it without libjeton: a Boost interprocess_mutex and bytes in a mapped file.
#pragma once

#include <array>
#include <boost/interprocess/file_mapping.hpp>
#include <boost/interprocess/mapped_region.hpp>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <boost/interprocess/sync/scoped_lock.hpp>
#include <cstring>
#include <filesystem>
#include <new>
#include <string>

#include "tests/bench/segment_of_bench.hpp"

namespace jeton::bench {

class LockedToken {
 public:
  explicit LockedToken(const test::TempDir& dir)
      : mapping_(dir.write("locked", std::string(sizeof(Shared), '\0')).c_str(), boost::interprocess::read_write),
        region_(mapping_, boost::interprocess::read_write),
        shared_(new (region_.get_address()) Shared) {
    shared_->value.fill('x');
  }
  void read(char* to) {
    const boost::interprocess::scoped_lock<boost::interprocess::interprocess_mutex> lock(shared_->mutex);
    std::memcpy(to, shared_->value.data(), shared_->value.size());
  }

 private:
  struct Shared {
    boost::interprocess::interprocess_mutex mutex;
    alignas(64) std::array<char, token_size> value;
  };
  boost::interprocess::file_mapping mapping_;
  boost::interprocess::mapped_region region_;
  Shared* shared_;
};

}  // namespace jeton::bench
