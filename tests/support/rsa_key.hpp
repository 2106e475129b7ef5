// Private keys of RSA with 2048 bits, in PEM form, made by the openssl command.
#pragma once

#include <map>
#include <stdexcept>
#include <string>

#include "tests/support/process.hpp"

namespace jeton::test {

// One for each name in a process: to make one takes as long as most tests.
inline const std::string& rsa_key(const std::string& name = {}) {
  static std::map<std::string, std::string> keys;
  std::string& key = keys[name];
  if (key.empty()) {
    const RunResult made = run({"openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"});
    if (made.status != 0) throw std::runtime_error("openssl: " + made.err);
    key = made.out;
  }
  return key;
}

}  // namespace jeton::test
