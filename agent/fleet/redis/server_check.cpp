#include "agent/fleet/redis/server_check.hpp"

#include <utility>

#include "agent/base/error.hpp"
#include "agent/fleet/redis/client/command.hpp"

namespace jeton::agent {
namespace {

using Level = Finding::Level;

constexpr std::size_t most_tokens = 100;  // whose keys are asked about

// A command as the agent sends it, for keys that no server has. Those of scripts are sent by themselves.
struct Trial {
  std::string right;  // as ACL SETUSER grants it
  redis::Command command;
};

// No token has this name: it has a character that names may not have.
RedisKeys trial_keys(const RedisServer& server) { return server.keys_of({Subject::Kind::token, "~doctor", {}}); }

std::vector<Trial> trials(const RedisKeys& keys) {
  std::vector<Trial> all;
  const auto add = [&all](std::string right, redis::Command command) {
    all.push_back({std::move(right), std::move(command)});
  };
  add("+get", {"GET", keys.lock});
  add("+set", {"SET", keys.lock, "doctor", "XX", "PX", "1000"});
  add("+del", {"DEL", keys.lock});
  add("+pttl", {"PTTL", keys.lock});
  add("+pexpire", {"PEXPIRE", keys.lock, "1000"});
  add("+pexpireat", {"PEXPIREAT", keys.lock, "1000"});
  add("+hget", {"HGET", keys.token, "generation"});
  add("+hmget", {"HMGET", keys.token, "generation"});
  add("+eval", {"EVAL", "return redis.call('PTTL', KEYS[1])", "1", keys.lock});
  add("+evalsha", {"EVALSHA", "0000000000000000000000000000000000000000", "1", keys.lock});  // no script has it
  add("+time", {"TIME"});
  add("+publish", {"PUBLISH", keys.channel, "doctor"});
  return all;
}

// The server's refusal of a command; an empty code: it was done.
struct Refused {
  std::string code;
  std::string answer;   // the server's words
  std::string message;  // with the place and a remedy
};

Task<Refused> refusal_by(std::shared_ptr<RedisServer> server, std::string key, redis::Command command) {
  Refused refused;
  try {
    static_cast<void>(co_await server->runner().command(key, std::move(command), server->deadline()));
  } catch (const redis::ServerError& e) {
    refused = {e.code(), e.answer(), e.what()};
  }
  co_return refused;
}

// INFO of the server that holds the key; an empty text: it does not say.
Task<std::string> info_of(std::shared_ptr<RedisServer> server, std::string key) {
  std::string info;
  try {
    redis::Command command({"INFO"});
    const redis::Reply reply = co_await server->runner().command(key, std::move(command), server->deadline());
    if (reply.type == redis::Reply::Type::string) info = reply.text.reveal();
  } catch (const redis::ServerError&) {
    // Not granted, renamed, or not there: what it would say is not judged.
  }
  co_return info;
}

Task<> examine_info(std::shared_ptr<RedisServer> server, ServerTerms terms, std::string key, ServerFindings& found) {
  const std::string info = co_await info_of(server, std::move(key));
  if (info.empty()) {
    found.add(Level::warning, "does not answer INFO: version, eviction, persistence and replicas are not known",
              found.command("ACL SETUSER USER +info"));
    co_return;
  }
  found.append(judge_server(server->display(), read_server_facts(info), terms));
}

// One finding about all rights that are missing, and one about a server that takes no writes.
Task<> examine_rights(std::shared_ptr<RedisServer> server, ServerFindings& found) {
  const RedisKeys keys = trial_keys(*server);
  std::string missing;
  std::string other;
  const std::string below_prefix = keys.token.substr(0, keys.token.find(":{")) + ":*'";
  std::vector<Trial> all = trials(keys);
  for (Trial& trial : all) {
    const Refused refused = co_await refusal_by(server, keys.lock, std::move(trial.command));
    if (refused.code == "NOPERM") {
      const bool of_command = refused.answer.find("access") == std::string::npos;
      const bool of_channel = refused.answer.find("channel") != std::string::npos;
      const std::string right = " " + (of_command ? trial.right : (of_channel ? "'&" : "'~") + below_prefix);
      if (missing.find(right) == std::string::npos) missing += right;
    } else if (!refused.code.empty() && refused.code != "NOSCRIPT" && other.empty()) {
      other = refused.message;
    }
  }
  if (!missing.empty()) {
    found.add(Level::problem, "the user of this agent lacks rights:" + missing,
              found.command("ACL SETUSER USER" + missing));
  }
  if (!other.empty()) found.add(Level::problem, "refuses what a refresh needs: " + other, found.command("INFO"));
  if (missing.empty() && other.empty()) found.add(Level::ok, "takes writes, and this agent's user has the rights");
}

// Keys that are not below the prefix need rights of their own.
Task<> examine_keys(std::shared_ptr<RedisServer> server, std::vector<Subject> tokens, ServerFindings& found) {
  if (tokens.size() > most_tokens) tokens.resize(most_tokens);
  for (const Subject& token : tokens) {
    const std::vector<std::string> keys{token.terms.lock.key, token.terms.mirror_key};
    for (const std::string& key : keys) {
      if (key.empty()) continue;
      redis::Command command({"PTTL", key});
      const Refused refused = co_await refusal_by(server, key, std::move(command));
      if (refused.code != "NOPERM") continue;
      found.add(Level::problem, "the user of this agent may not use the key " + key + " of token " + token.name,
                found.command("ACL SETUSER USER '~" + key + "'"));
    }
  }
}

}  // namespace

Task<Findings> examine_server(std::shared_ptr<RedisServer> server, ServerTerms terms, std::vector<Subject> tokens) {
  ServerFindings found(server->display());
  if (!server->is_connected()) {
    found.add(Level::problem, "not reachable: " + server->last_error(), found.command("PING"));
    co_return found.take();
  }
  try {
    co_await examine_info(server, terms, trial_keys(*server).lock, found);
    co_await examine_rights(server, found);
    co_await examine_keys(server, std::move(tokens), found);
    if (const auto offset = server->clock_offset()) found.append({judge_server_clock(server->display(), *offset)});
  } catch (const TransportError& e) {
    found.add(Level::problem, std::string("does not answer: ") + e.what(), found.command("PING"));
  }
  co_return found.take();
}

}  // namespace jeton::agent
