// Immutable<T>: a value that never changes, so that its copies share one object. A configuration is copied to each of
// its users, and a source of a token alone takes two kilobytes.
#pragma once

#include <memory>
#include <utility>

namespace jeton::agent {

template <typename T>
class Immutable {
 public:
  Immutable() : Immutable(T{}) {}
  Immutable(T value)  // NOLINT(google-explicit-constructor): it stands for its value
      : value_(std::make_shared<const T>(std::move(value))) {}
  // No move: each of them has a value at any time.
  Immutable(const Immutable&) = default;
  Immutable& operator=(const Immutable&) = default;
  ~Immutable() = default;

  operator const T&() const { return *value_; }  // NOLINT(google-explicit-constructor): it stands for its value
  [[nodiscard]] const T* operator->() const { return value_.get(); }
  [[nodiscard]] const T& operator*() const { return *value_; }

  friend bool operator==(const Immutable& a, const Immutable& b) { return a.value_ == b.value_ || *a == *b; }

 private:
  std::shared_ptr<const T> value_;
};

}  // namespace jeton::agent
