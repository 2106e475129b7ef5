// Commands about the server, its clients, messages and scripts.
#include <algorithm>

#include "agent/fleet/redis/client/command.hpp"
#include "tests/support/memory_redis/commands.hpp"
#include "tests/support/memory_redis/memory_server.hpp"

namespace jeton::test::memory_redis {
namespace {

// Its answer is made by the server, which keeps the session.
Reply answered_elsewhere(CommandContext&, const Words&) { return Reply::ok(); }

Reply ping(CommandContext&, const Words& words) {
  return words.size() > 1 ? Reply::bulk(words[1]) : Reply::status("PONG");
}

Reply echo(CommandContext&, const Words& words) { return Reply::bulk(words[1]); }

Reply auth(CommandContext& c, const Words& words) {
  if (c.server.password().empty()) {
    throw CommandError(
        "ERR AUTH <password> called without any password configured for the default user. Are you sure your "
        "configuration is correct?");
  }
  const bool right = words.back() == c.server.password() && (words.size() == 2 || words[1] == "default");
  if (!right) throw CommandError("WRONGPASS invalid username-password pair or user is disabled.");
  c.session.authenticated = true;
  return Reply::ok();
}

Reply select(CommandContext& c, const Words& words) {
  const std::int64_t number = to_integer(words[1]);
  if (number < 0 || number > 15) throw CommandError("ERR DB index is out of range");
  c.session.database = static_cast<int>(number);
  return Reply::ok();
}

Reply track(CommandContext& c, const Words& words) {
  if (upper_case(words.at(2)) != "ON") {
    c.session.tracking.reset();
    return Reply::ok();
  }
  Tracking tracking;
  bool broadcast = false;
  for (std::size_t i = 3; i < words.size(); ++i) {
    const std::string option = upper_case(words[i]);
    if (option == "BCAST") {
      broadcast = true;
    } else if (option == "REDIRECT" && i + 1 < words.size()) {
      tracking.redirect = static_cast<std::uint64_t>(to_integer(words[++i]));
    } else if (option == "PREFIX" && i + 1 < words.size()) {
      tracking.prefixes.push_back(words[++i]);
    } else {
      throw CommandError("ERR syntax error");
    }
  }
  if (!broadcast || tracking.redirect == 0) throw CommandError("ERR this server tracks with BCAST and REDIRECT only");
  c.session.tracking = std::move(tracking);
  return Reply::ok();
}

// CLIENT KILL TYPE normal | pubsub
Reply kill_clients(CommandContext& c, const Words& words) {
  if (words.size() != 4 || upper_case(words[2]) != "TYPE") throw CommandError("ERR syntax error");
  const bool subscribed = lower_case(words[3]) == "pubsub";
  const std::size_t before = c.server.connections();
  c.server.disconnect([&](const Session& session) { return session.subscribed() == subscribed; });
  return Reply::number(static_cast<std::int64_t>(before - c.server.connections()));
}

Reply client(CommandContext& c, const Words& words) {
  const std::string what = upper_case(words[1]);
  if (what == "ID") return Reply::number(static_cast<std::int64_t>(c.session.id));
  if (what == "GETNAME") return Reply::bulk(c.session.name);
  if (what == "TRACKING" && words.size() > 2) return track(c, words);
  if (what == "KILL") return kill_clients(c, words);
  if (what == "SETNAME" && words.size() == 3) {
    c.session.name = words[2];
    return Reply::ok();
  }
  if (what == "LIST") {
    std::string lines;
    for (const auto& [id, session] : c.server.sessions()) {
      lines += "id=" + std::to_string(id) + " name=" + session->name + " db=" + std::to_string(session->database) +
               " sub=" + std::to_string(session->channels.size()) + "\n";
    }
    return Reply::bulk(lines);
  }
  throw CommandError("ERR unknown subcommand '" + words[1] + "'. Try CLIENT HELP.");
}

Reply info(CommandContext& c, const Words&) {
  return Reply::bulk("# Server\r\nredis_version:7.0.15\r\nrun_id:" + c.server.run_id() + "\r\n");
}

Reply hello(CommandContext& c, const Words&) {
  return Reply::array({Reply::bulk("server"), Reply::bulk("redis"), Reply::bulk("proto"), Reply::number(2),
                       Reply::bulk("id"), Reply::number(static_cast<std::int64_t>(c.session.id)), Reply::bulk("mode"),
                       Reply::bulk(c.server.mode()), Reply::bulk("modules"), Reply::array({})});
}

Reply role(CommandContext&, const Words&) {
  return Reply::array({Reply::bulk("master"), Reply::number(0), Reply::array({})});
}

Reply sentinel(CommandContext& c, const Words& words) {
  if (lower_case(words[1]) != "get-master-addr-by-name") throw CommandError("ERR unknown subcommand");
  return Reply::array({Reply::bulk(c.server.primary().host), Reply::bulk(std::to_string(c.server.primary().port))});
}

Reply time(CommandContext& c, const Words&) {
  return Reply::array(
      {Reply::bulk(std::to_string(c.now_us / 1'000'000)), Reply::bulk(std::to_string(c.now_us % 1'000'000))});
}

Reply publish(CommandContext& c, const Words& words) { return Reply::number(c.server.publish(words[1], words[2])); }

Reply numsub(CommandContext& c, const Words& words) {
  if (upper_case(words[1]) != "NUMSUB") throw CommandError("ERR unknown subcommand '" + words[1] + "'.");
  std::vector<Reply> counts;
  for (std::size_t i = 2; i < words.size(); ++i) {
    const auto& sessions = c.server.sessions();
    counts.push_back(Reply::bulk(words[i]));
    counts.push_back(Reply::number(std::count_if(
        sessions.begin(), sessions.end(), [&](const auto& each) { return each.second->channels.contains(words[i]); })));
  }
  return Reply::array(std::move(counts));
}

std::string sha1_of(const std::string& text) { return agent::redis::Script(text).sha1(); }

// The words that both commands have after the text or the SHA-1: the number of keys, keys, arguments.
Reply run(CommandContext& c, const std::string& sha1, const Words& words) {
  const std::int64_t count = to_integer(words[2]);
  if (count < 0) throw CommandError("ERR Number of keys can't be negative");
  if (static_cast<std::size_t>(count) > words.size() - 3) {
    throw CommandError("ERR Number of keys can't be greater than number of args");
  }
  const auto arguments = words.begin() + 3 + count;
  return c.server.run_script(c.session, sha1, Words(words.begin() + 3, arguments), Words(arguments, words.end()));
}

Reply eval(CommandContext& c, const Words& words) {
  const std::string sha1 = sha1_of(words[1]);
  Reply compiled = c.server.lua().compile(words[1], sha1);
  if (compiled.is_error()) return compiled;
  c.server.scripts().insert(sha1);
  return run(c, sha1, words);
}

Reply evalsha(CommandContext& c, const Words& words) { return run(c, lower_case(words[1]), words); }

Reply script(CommandContext& c, const Words& words) {
  const std::string what = upper_case(words[1]);
  if (what == "FLUSH") {
    c.server.scripts().clear();
    return Reply::ok();
  }
  if (what == "LOAD" && words.size() == 3) {
    const std::string sha1 = sha1_of(words[2]);
    Reply compiled = c.server.lua().compile(words[2], sha1);
    if (compiled.is_error()) return compiled;
    c.server.scripts().insert(sha1);
    return Reply::bulk(sha1);
  }
  throw CommandError("ERR unknown subcommand '" + words[1] + "'. Try SCRIPT HELP.");
}

}  // namespace

std::vector<NamedCommand> server_commands() {
  return {{"PING", {-1, ping}},
          {"ECHO", {2, echo}},
          {"AUTH", {-2, auth}},
          {"SELECT", {2, select}},
          {"CLIENT", {-2, client}},
          {"INFO", {-1, info}},
          {"HELLO", {-1, hello}},
          {"ROLE", {1, role}},
          {"SENTINEL", {-2, sentinel}},
          {"TIME", {1, time}},
          {"PUBLISH", {3, publish}},
          {"PUBSUB", {-2, numsub}},
          {"EVAL", {-3, eval}},
          {"EVALSHA", {-3, evalsha}},
          {"SCRIPT", {-2, script}},
          {"WAIT", {3, answered_elsewhere}},
          {"SUBSCRIBE", {-2, answered_elsewhere}},
          {"UNSUBSCRIBE", {-2, answered_elsewhere}}};
}

}  // namespace jeton::test::memory_redis
