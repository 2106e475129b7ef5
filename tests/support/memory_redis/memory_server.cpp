#include "tests/support/memory_redis/memory_server.hpp"

#include <numeric>
#include <utility>

namespace jeton::test {

using memory_redis::CommandContext;
using memory_redis::CommandEntry;
using memory_redis::CommandError;
using memory_redis::lower_case;
using memory_redis::upper_case;

MemoryServer::MemoryServer(agent::Timers& timers, agent::Random& random, std::string password)
    : timers_(timers),
      random_(random),
      password_(std::move(password)),
      epoch_us_(agent::to_unix_ms(timers.clock().wall_now()) * 1000 -
                timers.clock().boot_now().time_since_epoch().count() / 1'000'000 * 1000),
      run_id_(random.hex(20)),
      lua_([this](const Words& words) {
        ++commands_of_scripts_;
        const std::string name = upper_case(words[0]);
        if (name == "SUBSCRIBE" || name == "UNSUBSCRIBE" || name == "WAIT") {
          return Reply::error("ERR This Redis command is not allowed from script");
        }
        return execute(*running_script_, name, words, true);
      }) {}

MemoryServer::~MemoryServer() {
  *alive_ = false;
  cut();
  cancel_script_end();
  cancel_expiry();
  if (idle_look_) timers_.cancel(*idle_look_);
}

std::string MemoryServer::cli(const Words& words) {
  if (!up_) return "";
  Session session;
  session.authenticated = true;
  const bool names_database = words.at(0) == "-n";
  if (names_database) session.database = std::stoi(words.at(1));
  const Words command = names_database ? Words(words.begin() + 2, words.end()) : words;
  const Reply reply = execute(session, upper_case(command.at(0)), command, false);
  tell_changes();
  arm_expiry();
  return memory_redis::to_raw_text(reply);
}

void MemoryServer::kill() {
  shut_down();
  databases_.clear();
  keys_changed_ = true;
}

void MemoryServer::shut_down() {
  up_ = frozen_ = false;
  cancel_script_end();
  cut();
  scripts_.clear();
}

void MemoryServer::restart() {
  kill();
  run_id_ = random_.hex(20);
  up_ = true;
}

void MemoryServer::fail_over() {
  databases_ = std::exchange(replica_, {});
  restart_with_data();
}

void MemoryServer::restart_with_data() {
  auto kept = std::move(databases_);
  restart();
  databases_ = std::move(kept);
  keys_changed_ = true;
  arm_expiry();
}

void MemoryServer::thaw() {
  frozen_ = false;
  serve_again();
}

void MemoryServer::serve_again() {
  if (!serves()) return;
  for (auto& [weak, bytes] : std::exchange(unsaid_, {})) {
    const auto session = weak.lock();
    if (session && session->open) session->send(std::move(bytes));
  }
  expire();
  while (!unserved_.empty() && serves()) {
    const auto session = unserved_.front();
    unserved_.pop_front();
    serve(session);
  }
  if (!serves()) return;
  for (const auto& session : std::exchange(finished_, {})) disconnected(session);
}

void MemoryServer::cancel_script_end() {
  if (script_end_) timers_.cancel(*std::exchange(script_end_, std::nullopt));
}

void MemoryServer::cut() {
  unsaid_.clear();
  unserved_.clear();
  finished_.clear();
  disconnect([](const Session&) { return true; });
}

void MemoryServer::disconnect(const std::function<bool(const Session&)>& which) {
  std::vector<std::shared_ptr<Session>> ended;
  for (const auto& [id, session] : sessions_) {
    if (which(*session)) ended.push_back(session);
  }
  for (const auto& session : ended) {
    session->open = false;
    sessions_.erase(session->id);
  }
  for (const auto& session : ended) session->close();
}

void MemoryServer::refuse(const std::string& command, const std::string& error) {
  if (error.empty()) {
    refusals_.erase(command);
  } else {
    refusals_[command] = error;
  }
}

void MemoryServer::answer(const std::string& command, std::function<Reply(const Words&)> reply) {
  if (reply) {
    answers_[command] = std::move(reply);
  } else {
    answers_.erase(command);
  }
}

std::uint64_t MemoryServer::commands() const {
  return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& count) { return sum + count.second; });
}

std::uint64_t MemoryServer::commands(const std::string& name) const {
  const auto found = counts_.find(name);
  return found == counts_.end() ? 0 : found->second;
}

std::uint64_t MemoryServer::scripts(const std::string& sha1) const {
  const auto found = script_calls_.find(sha1);
  return found == script_calls_.end() ? 0 : found->second;
}

std::uint64_t MemoryServer::commands_of(const std::string& client) const {
  const auto found = client_counts_.find(client);
  return found == client_counts_.end() ? 0 : found->second;
}

std::shared_ptr<memory_redis::Session> MemoryServer::accept(std::function<void(std::string)> send,
                                                            std::function<void()> close, const std::string& client) {
  auto session = std::make_shared<Session>();
  session->client = client;
  session->commands_of = &client_counts_[client];
  session->id = ++last_session_;
  session->authenticated = password_.empty();
  session->send = [this, weak = std::weak_ptr(session), pass_on = std::move(send)](std::string bytes) {
    if (script_end_) {
      unsaid_.emplace_back(weak, std::move(bytes));
    } else {
      pass_on(std::move(bytes));
    }
  };
  session->close = std::move(close);
  session->last_request = timers_.clock().boot_now();
  sessions_.emplace(session->id, session);
  return session;
}

void MemoryServer::receive(const std::shared_ptr<Session>& session, std::string_view bytes) {
  session->requests.feed(bytes);
  session->last_request = timers_.clock().boot_now();
  if (serves()) {
    serve(session);
  } else {
    unserved_.push_back(session);
  }
}

void MemoryServer::finished(const std::shared_ptr<Session>& session) {
  if (serves()) {
    disconnected(session);
  } else {
    finished_.push_back(session);
  }
}

void MemoryServer::disconnected(const std::shared_ptr<Session>& session) {
  session->open = false;
  std::erase(unserved_, session);
  sessions_.erase(session->id);
}

// All that has come whole, until the session has to wait or ends.
void MemoryServer::serve(const std::shared_ptr<Session>& session) {
  while (session->open && !session->waiting && serves()) {
    const auto words = session->requests.next();
    if (!words) break;
    ++*session->commands_of;
    client_ = session->client;
    handle(session, *words);
    client_.clear();
  }
  if (!serves()) unserved_.push_back(session);  // it may have sent more behind its script
  tell_changes();
  arm_expiry();
}

void MemoryServer::handle(const std::shared_ptr<Session>& session, const Words& words) {
  const std::string name = words.empty() ? "" : upper_case(words[0]);
  ++counts_[name];
  if (name == "EVALSHA" && words.size() > 1) ++script_calls_[words[1]];
  const bool subscribes = name == "SUBSCRIBE" || name == "UNSUBSCRIBE";
  if (session->subscribed() && !subscribes && name != "PING") {
    session->reply(Reply::error("ERR Can't execute '" + lower_case(name) +
                                "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this "
                                "context"));
    return;
  }
  Reply reply = execute(*session, name, words, true);
  if (reply.is_error()) {
    session->reply(reply);
    return;
  }
  if (subscribes) {
    subscribe(*session, words, name == "SUBSCRIBE");
  } else if (name == "WAIT") {
    wait_for_replicas(session, words);
  } else if (name == "PING" && session->subscribed()) {
    session->reply(Reply::array({Reply::bulk("pong"), Reply::bulk(words.size() > 1 ? words[1] : "")}));
  } else {
    session->reply(reply);
  }
}

void MemoryServer::subscribe(Session& session, const Words& words, bool on) {
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (on) {
      session.channels.insert(words[i]);
    } else {
      session.channels.erase(words[i]);
    }
    session.reply(Reply::array({Reply::bulk(on ? "subscribe" : "unsubscribe"), Reply::bulk(words[i]),
                                Reply::number(static_cast<std::int64_t>(session.channels.size()))}));
  }
}

void MemoryServer::wait_for_replicas(const std::shared_ptr<Session>& session, const Words& words) {
  const auto wanted = memory_redis::to_integer(words.at(1));
  const std::chrono::milliseconds limit{memory_redis::to_integer(words.at(2))};
  if (replicas_ >= wanted || wait_returns_at_once_) {
    session->reply(Reply::number(replicas_));
    return;
  }
  session->waiting = true;
  timers_.schedule(timers_.clock().boot_now() + limit, [this, session, alive = alive_] {
    if (!*alive || !session->open) return;
    session->waiting = false;
    session->reply(Reply::number(replicas_));
    receive(session, "");
  });
}

memory_redis::Reply MemoryServer::execute(Session& session, const std::string& name, const Words& words,
                                          bool may_refuse) {
  ++session.commands;
  if (const auto made_up = answers_.find(name); may_refuse && made_up != answers_.end()) return made_up->second(words);
  const CommandEntry* command = memory_redis::find_command(name);
  if (command == nullptr) {
    std::string text = "ERR unknown command '" + (words.empty() ? "" : words[0]) + "', with args beginning with: ";
    for (std::size_t i = 1; i < words.size(); ++i) text += "'" + words[i] + "' ";
    return Reply::error(text);
  }
  const auto count = static_cast<int>(words.size());
  if (command->arity > 0 ? count != command->arity : count < -command->arity) {
    return Reply::error("ERR wrong number of arguments for '" + lower_case(name) + "' command");
  }
  if (!session.authenticated && name != "AUTH") return Reply::error("NOAUTH Authentication required.");
  if (may_refuse && !refusals_.empty()) {
    auto refusal = refusals_.find(name);
    if (refusal == refusals_.end()) refusal = refusals_.find("*");
    if (refusal != refusals_.end()) return Reply::error(refusal->second);
  }
  try {
    CommandContext context{*this, session, database(session.database), now_us()};
    return command->run(context, words);
  } catch (const CommandError& e) {
    return Reply::error(e.what());
  }
}

memory_redis::Reply MemoryServer::run_script(Session& session, const std::string& sha1, const Words& keys,
                                             const Words& arguments) {
  if (running_script_ != nullptr) throw CommandError("ERR This Redis command is not allowed from script");
  if (!scripts_.contains(sha1)) return Reply::error("NOSCRIPT No matching script. Please use EVAL.");
  if (script_time_ > agent::Duration{0} && !script_end_) {
    script_end_ = timers_.schedule(timers_.clock().boot_now() + script_time_, [this] {
      script_end_.reset();
      serve_again();
    });
  }
  running_script_ = &session;
  Reply reply = lua_.run(sha1, keys, arguments);
  running_script_ = nullptr;
  return reply;
}

}  // namespace jeton::test
