#include "agent/fleet/redis/client/command.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "agent/base/ascii.hpp"
#include "agent/base/excerpt.hpp"

namespace jeton::agent::redis {
namespace {

void append(WireBuffer& to, std::string_view text) { to.insert(to.end(), text.begin(), text.end()); }

// "$12\r\n": the size of what follows.
void append_size(WireBuffer& to, char kind, std::size_t size) {
  std::array<char, 24> head{};
  head[0] = kind;
  char* end = std::to_chars(head.data() + 1, head.data() + head.size(), size).ptr;
  *end++ = '\r';
  *end++ = '\n';
  append(to, std::string_view(head.data(), static_cast<std::size_t>(end - head.data())));
}

Command script_command(std::string_view verb, std::string_view script, const ScriptCall& call) {
  const std::string key_count = std::to_string(call.keys.size());
  std::vector<std::string_view> words{verb, script, key_count};
  words.reserve(words.size() + call.keys.size() + call.arguments.size());
  words.insert(words.end(), call.keys.begin(), call.keys.end());
  words.insert(words.end(), call.arguments.begin(), call.arguments.end());
  return Command(std::span<const std::string_view>(words));
}

struct Advice {
  std::string_view about;  // a code, or words of the error
  std::string_view what_to_do;
};

constexpr Advice advices[] = {
    {"NOAUTH", "the server requires a password: set coordination.redis.password (and username)"},
    {"WRONGPASS", "check coordination.redis.username and password"},
    {"NOPERM",
     "grant the ACL user this command, and the keys and channels of coordination.prefix, mirror_key and lock.key"},
    {"READONLY", "this server is a replica; the primary is looked for again, coordination.redis must lead to it"},
    {"LOADING", "the server is loading its data; it is asked again"},
    {"MASTERDOWN", "this replica has lost its primary; the primary is looked for again"},
    {"OOM", "the server is at its maxmemory: raise it or free memory"},
    {"NOREPLICAS", "the primary has too few replicas to take writes (min-replicas-to-write); repair the replication"},
    {"MISCONF", "the server cannot write its snapshot and refuses writes: look at its log and its disk"},
    {"WRONGTYPE",
     "another program has written it: find out which, then DEL the key, or choose another "
     "coordination.prefix (or lock.key)"},
    {"BUSY", "the server is kept busy by a script; it is asked again"},
    {"MOVED", "the keys live in a Redis Cluster: set coordination.redis.cluster; if it is set, look at CLUSTER NODES"},
    {"ASK", "the nodes of the cluster redirect in circles; check CLUSTER NODES"},
    {"TRYAGAIN", "the slot is being moved to another node; it works again when that is finished"},
    {"CLUSTERDOWN", "the cluster has lost too many nodes, or has slots without a node: redis-cli --cluster check"},
    {"NOSCRIPT", "the server forgets scripts at once; is it a proxy?"},
};

// For errors whose code says nothing; in lower case, because servers differ.
constexpr Advice advices_on_words[] = {
    {"unknown redis command called from",
     "the scripts need GET, SET, DEL, PTTL, PEXPIRE, PEXPIREAT, HGET, HMGET, HSET, PUBLISH and TIME under their own "
     "names: undo rename-command in redis.conf"},
    {"select is not allowed in cluster mode",
     "the server is a node of a Redis Cluster: set coordination.redis.cluster instead of an endpoint with a database"},
    {"cluster support disabled",
     "the server is no node of a Redis Cluster: set coordination.redis.endpoint instead of cluster"},
    {"db index is out of range", "the server has fewer databases (databases in redis.conf): choose a lower one"},
    {"unknown command",
     "jeton needs this command under its own name: undo rename-command in redis.conf, or use a service that has it"},
    {"unknown subcommand", "jeton needs this subcommand: use a server or service that has it"},
    {"unsupported command", "jeton needs this command: use a server or service that has it"},
};

std::string code_of(std::string_view text) {
  const auto end = std::find_if(text.begin(), text.end(), [](char c) { return c < 'A' || c > 'Z'; });
  // Older servers answer a wrong password with a plain ERR.
  if (text.starts_with("ERR") && text.find("invalid password") != std::string_view::npos) return "WRONGPASS";
  if (text.starts_with("ERR") && text.find("AUTH") != std::string_view::npos &&
      text.find("without any password") != std::string_view::npos) {
    return "WRONGPASS";
  }
  // A refusal inside a script has the words of the script's error: those of Redis 7.0, and of Redis 8 and Valkey 8.
  if (text.find("user executing the script can't") != std::string_view::npos) return "NOPERM";
  if (text.starts_with("ERR ACL failure in script:")) return "NOPERM";
  // Before Redis 7 an error inside of a script is wrapped: "ERR Error running script (call to f_...): ...: -OOM ...".
  if (text.starts_with("ERR Error ")) {
    for (const Advice& advice : advices) {
      if (text.find("-" + std::string(advice.about) + " ") != std::string_view::npos) return std::string(advice.about);
    }
  }
  return {text.begin(), end};
}

// "unknown command 'AUTH', with args beginning with: ..." would repeat our arguments, a password for example.
constexpr std::size_t longest_shown = 200;  // bytes

std::string shown(std::string_view text, std::span<const SecretString> secrets) {
  return excerpt(text.substr(0, text.find(", with args")), secrets, longest_shown);
}

std::string advice_on(std::string_view text) {
  const std::string code = code_of(text);
  for (const Advice& advice : advices) {
    if (advice.about == code) return "; " + std::string(advice.what_to_do);
  }
  std::string words(text);
  std::transform(words.begin(), words.end(), words.begin(), ascii_lower);
  for (const Advice& advice : advices_on_words) {
    if (words.find(advice.about) != std::string_view::npos) return "; " + std::string(advice.what_to_do);
  }
  return "";
}

[[noreturn]] void unexpected() {
  throw TransportError("the server answered something else than a Redis server does; check the endpoint");
}

}  // namespace

Command::Command(std::span<const std::string_view> arguments) {
  constexpr std::size_t longest_head = 24;
  std::size_t size = longest_head;
  for (const std::string_view argument : arguments) size += longest_head + argument.size() + 2;
  bytes_.reserve(size);
  append_size(bytes_, '*', arguments.size());
  for (const std::string_view argument : arguments) {
    append_size(bytes_, '$', argument.size());
    append(bytes_, argument);
    append(bytes_, "\r\n");
  }
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

const Reply& Reply::at(std::size_t index) const {
  if (type != Type::array || index >= elements.size()) unexpected();
  return elements[index];
}

std::int64_t Reply::as_integer() const {
  if (type != Type::integer) unexpected();
  return integer;
}

std::string_view Reply::as_text() const {
  if (type != Type::string && type != Type::status) unexpected();
  return text.reveal();
}

std::string_view Reply::value_of(std::string_view name) const {
  for (std::size_t i = 0; i + 1 < elements.size(); i += 2) {
    const bool is_text = elements[i].type == Type::string && elements[i + 1].type == Type::string;
    if (is_text && elements[i].text.reveal() == name) return elements[i + 1].text.reveal();
  }
  return {};
}

ServerError::ServerError(const std::string& where, std::string_view text, std::span<const SecretString> secrets)
    : TransportError(where + ": " + shown(text, secrets) + advice_on(text)),
      code_(code_of(text)),
      answer_(shown(text, secrets)) {}

bool ServerError::is_about_access() const { return code_ == "NOAUTH" || code_ == "WRONGPASS" || code_ == "NOPERM"; }
bool ServerError::is_about_role() const { return code_ == "READONLY" || code_ == "MASTERDOWN"; }

std::string with_place(const std::string& place, const std::string& reason) {
  return reason.starts_with(place) ? reason : place + ": " + reason;
}

}  // namespace jeton::agent::redis
