#include "agent/fleet/redis/client/command.hpp"

#include <hiredis/hiredis.h>
#include <openssl/sha.h>

#include <array>
#include <cstdio>
#include <memory>
#include <new>

namespace jeton::agent::redis {
namespace {

Command script_command(std::string_view verb, std::string_view script, const ScriptCall& call) {
  const std::string key_count = std::to_string(call.keys.size());
  std::vector<std::string_view> words{verb, script, key_count};
  words.insert(words.end(), call.keys.begin(), call.keys.end());
  words.insert(words.end(), call.arguments.begin(), call.arguments.end());
  return Command(std::span<const std::string_view>(words));
}

}  // namespace

Command::Command(std::span<const std::string_view> arguments) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string_view argument : arguments) {
    texts.push_back(argument.data() == nullptr ? "" : argument.data());
    sizes.push_back(argument.size());
  }
  char* formatted = nullptr;
  const auto size =
      ::redisFormatCommandArgv(&formatted, static_cast<int>(arguments.size()), texts.data(), sizes.data());
  if (size < 0) throw std::bad_alloc();
  const std::unique_ptr<char, decltype(&::redisFreeCommand)> owner(formatted, &::redisFreeCommand);
  const auto length = static_cast<std::size_t>(size);
  bytes_.assign(formatted, formatted + length);
  wipe(formatted, length);
}

Script::Script(std::string_view text) : text_(text) {
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  ::SHA1(reinterpret_cast<const unsigned char*>(text_.data()), text_.size(), digest.data());
  for (const unsigned char byte : digest) {
    std::array<char, 3> hex{};
    std::snprintf(hex.data(), hex.size(), "%02x", byte);
    sha1_.append(hex.data());
  }
}

Command ScriptCall::by_sha1() const { return script_command("EVALSHA", script.sha1(), *this); }

Command ScriptCall::by_text() const { return script_command("EVAL", script.text(), *this); }

}  // namespace jeton::agent::redis
