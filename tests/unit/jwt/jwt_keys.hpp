// Keys for every algorithm, made by the openssl command once in a process, and two implementations of JWS that are not
// ours.
#pragma once

#include <array>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

#include "agent/jwt/base64url.hpp"
#include "agent/jwt/jwt_signer.hpp"
#include "tests/support/process.hpp"
#include "tests/support/rsa_key.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::test {

class JwtKeys {
 public:
  // Those of all tests that do not change them.
  static const JwtKeys& shared() {
    static const JwtKeys keys;
    return keys;
  }
  // `rsa`: names another key of RSA.
  explicit JwtKeys(const std::string& rsa = {}) {
    add("rsa", rsa_key(rsa));
    add("ec", checked({"openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"}));
    add("ed", checked({"openssl", "genpkey", "-algorithm", "ED25519"}));
    dir_.write("hs.pem", checked({"openssl", "rand", "-hex", "24"}).substr(0, 48));
    dir_.write("hs.pub", private_key(agent::JwtAlgorithm::hs256));
  }

  [[nodiscard]] std::string file(std::string_view name) const { return (dir_ / name).string(); }
  [[nodiscard]] std::string private_file(agent::JwtAlgorithm algorithm) const { return file(stem(algorithm) + ".pem"); }
  // The secret itself for HS256.
  [[nodiscard]] std::string private_key(agent::JwtAlgorithm algorithm) const {
    return read_file(private_file(algorithm));
  }

  // By the python of the distribution, which has its packages.
  [[nodiscard]] RunResult verify_by_pyjwt(agent::JwtAlgorithm algorithm, std::string_view token) const {
    ProcessOptions options;
    options.input = token;
    return run({"/usr/bin/python3", JETON_JWT_VERIFY, std::string(name_of(algorithm)), file(stem(algorithm) + ".pub")},
               options);
  }

  [[nodiscard]] RunResult verify_by_openssl(agent::JwtAlgorithm algorithm, std::string_view token) const {
    using agent::JwtAlgorithm;
    const std::size_t dot = token.rfind('.');
    const std::string bytes(agent::base64url_decode(token.substr(dot + 1)).value().reveal());
    dir_.write("text", token.substr(0, dot));
    dir_.write("signature", algorithm == JwtAlgorithm::es256 ? der(bytes) : bytes);
    if (algorithm == JwtAlgorithm::hs256) {
      const std::string mac = checked({"openssl", "mac", "-digest", "SHA256", "-macopt",
                                       "key:" + private_key(algorithm), "-binary", "-in", file("text"), "HMAC"});
      return {mac == bytes ? 0 : 1, "", "the MACs differ"};
    }
    std::vector<std::string> argv{
        "openssl", "pkeyutl",  "-verify",         "-pubin", "-inkey",    file(stem(algorithm) + ".pub"),
        "-rawin",  "-sigfile", file("signature"), "-in",    file("text")};
    if (algorithm != JwtAlgorithm::eddsa && algorithm != JwtAlgorithm::ed25519)
      argv.insert(argv.end(), {"-digest", "sha256"});
    if (algorithm == JwtAlgorithm::ps256) {
      argv.insert(argv.end(), {"-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:digest", "-pkeyopt",
                               "rsa_mgf1_md:sha256"});
    }
    return run(argv);
  }

 private:
  static std::string stem(agent::JwtAlgorithm algorithm) {
    constexpr std::array stems{"hs", "rsa", "rsa", "ec", "ed", "ed"};
    return stems.at(static_cast<std::size_t>(algorithm));
  }
  static std::string checked(const std::vector<std::string>& argv) {
    RunResult result = run(argv);
    if (result.status != 0) throw std::runtime_error("openssl: " + result.err);
    return result.out;
  }
  void add(const std::string& name, const std::string& key) {
    dir_.write(name + ".pem", key);
    dir_.write(name + ".pub", checked({"openssl", "pkey", "-pubout", "-in", file(name + ".pem")}));
  }
  // An ASN.1 INTEGER from 32 bytes.
  static std::string integer(std::string bytes) {
    bytes.erase(0, std::min(bytes.find_first_not_of('\0'), bytes.size() - 1));
    if ((static_cast<unsigned char>(bytes.front()) & 0x80U) != 0) bytes.insert(0, 1, '\0');
    return "\x02" + std::string(1, static_cast<char>(bytes.size())) + bytes;
  }
  static std::string der(const std::string& raw) {
    if (raw.size() != 64) throw std::runtime_error("an ES256 signature of " + std::to_string(raw.size()) + " bytes");
    const std::string both = integer(raw.substr(0, 32)) + integer(raw.substr(32));
    return "\x30" + std::string(1, static_cast<char>(both.size())) + both;
  }

  TempDir dir_;
};

}  // namespace jeton::test
