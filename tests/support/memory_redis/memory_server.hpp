// MemoryServer: a Redis server in memory, in the time of the Timers that it is given.
//
// It runs commands and scripts as redis-server does (commands.hpp, lua_engine.hpp), and speaks RESP2 with
// authentication, messages and tracking of keys. A test can make it die, freeze or refuse. Its clock is the wall clock
// at its creation plus virtual time plus an error that a test may set. One thread: the loop's.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "agent/base/random.hpp"
#include "agent/base/timers.hpp"
#include "agent/fleet/redis/client/address.hpp"
#include "tests/support/memory_redis/commands.hpp"
#include "tests/support/memory_redis/lua_engine.hpp"
#include "tests/support/memory_redis/session.hpp"

namespace jeton::test {

class MemoryServer {
 public:
  using Words = memory_redis::Words;
  using Reply = memory_redis::Reply;
  using Session = memory_redis::Session;

  // Both outlive it. `password`: that clients must give (requirepass); empty: none.
  MemoryServer(agent::Timers& timers, agent::Random& random, std::string password = {});
  ~MemoryServer();
  MemoryServer(const MemoryServer&) = delete;
  MemoryServer& operator=(const MemoryServer&) = delete;

  // For tests.

  // Runs a command like `redis-cli --raw`: returns the output without the last newline, nothing if the server is down.
  // It is not counted, never refused, and works for a frozen server too.
  std::string cli(const Words& words);
  void kill();     // like kill -9: data and connections are gone
  void restart();  // kills it first if it is up; with no data
  // Stops the server as kill() does, but its data is on its disk.
  void shut_down();
  // Ends all connections and keeps the data. Also after shut_down().
  void restart_with_data();
  // Its replica does not get the writes from now on.
  void stop_replication() { replica_ = databases_; }
  // The replica takes over at the same address: all connections end, and the data that it does not have is lost.
  void fail_over();
  // Like SIGSTOP: connections can be made and requests sent; they are answered after thaw(). Time goes on.
  void freeze() { frozen_ = true; }
  void thaw();
  // Each script of a client takes so long from now on: it does all that it does at its begin, nobody hears of it before
  // its end, and the server serves nobody meanwhile. Zero ends that.
  void set_script_time(agent::Duration time) { script_time_ = time; }
  // Every message comes to a subscriber up to so much later, and some come twice: so a later one may come before an
  // earlier one. Zero ends that.
  void set_message_disorder(agent::Duration longest) { message_disorder_ = longest; }
  void cut();  // every connection
  // Sets the difference of the server's clock to the right time.
  void set_clock_error(std::chrono::microseconds error);
  [[nodiscard]] std::chrono::microseconds clock_error() const;
  // So many millionths faster than the right time from now on.
  void set_clock_rate(std::int64_t millionths);
  // Every `command` ("*": every one), also of a script, is answered with the error; an empty error ends that.
  void refuse(const std::string& command, const std::string& error);
  // Every `command` of a client, known or not, is answered with the result of this function of its words; null ends
  // that.
  void answer(const std::string& command, std::function<Reply(const Words&)> reply);
  // The mode in the answer to HELLO: "standalone", "cluster", "sentinel".
  void set_mode(const std::string& mode) { mode_ = mode; }
  // The primary that it names to clients that use it as a sentinel.
  void name_primary(const agent::redis::Address& address) { primary_ = address; }
  // A connection that sent nothing for longer than this, and has no subscription, is ended within a second (`timeout`
  // of redis.conf); zero: none is.
  void set_idle_timeout(std::chrono::seconds timeout);
  // The number of replicas that have every write at once; WAIT counts them.
  void set_replicas(int count) { replicas_ = count; }
  // Makes WAIT return at once, as behind a proxy that does not wait for replicas.
  void set_wait_returns_at_once(bool at_once) { wait_returns_at_once_ = at_once; }
  // Commands of clients since it was made; a script is one.
  [[nodiscard]] std::uint64_t commands() const;
  [[nodiscard]] std::uint64_t commands(const std::string& name) const;
  [[nodiscard]] std::uint64_t scripts(const std::string& sha1) const;                       // calls by EVALSHA
  [[nodiscard]] std::uint64_t commands_of_scripts() const { return commands_of_scripts_; }  // not counted above
  [[nodiscard]] std::uint64_t commands_of(const std::string& client) const;                 // by the address
  [[nodiscard]] std::size_t connections() const { return sessions_.size(); }
  // Called when a command or the time has changed a key; not when all are gone at once.
  void observe(std::function<void(const std::string& key)> changed) { observer_ = std::move(changed); }
  // The address by which the command came that is run now; empty: there is none.
  [[nodiscard]] const std::string& client() const { return client_; }
  // A field of a hash of database 0, and the keys there with their TTL (none: they do not expire); in every state of
  // the server. Changes nothing.
  [[nodiscard]] std::string field(const std::string& key, const std::string& name) const;
  // The same of a string.
  [[nodiscard]] std::string text(const std::string& key) const;
  [[nodiscard]] std::map<std::string, std::optional<std::chrono::milliseconds>> keys() const;

  // For the network.

  [[nodiscard]] bool is_up() const { return up_; }
  // `client`: the address of this server by which it comes.
  [[nodiscard]] std::shared_ptr<Session> accept(std::function<void(std::string)> send, std::function<void()> close,
                                                const std::string& client = {});
  void receive(const std::shared_ptr<Session>& session, std::string_view bytes);
  // The client has closed its end: requests that it sent before are still served, also after thaw().
  void finished(const std::shared_ptr<Session>& session);
  // The connection is broken: requests that were not served are lost.
  void disconnected(const std::shared_ptr<Session>& session);

  // For commands.

  [[nodiscard]] const std::string& password() const { return password_; }
  [[nodiscard]] const std::string& run_id() const { return run_id_; }
  [[nodiscard]] const std::string& mode() const { return mode_; }
  [[nodiscard]] const agent::redis::Address& primary() const { return primary_; }
  [[nodiscard]] const std::map<std::uint64_t, std::shared_ptr<Session>>& sessions() const { return sessions_; }
  std::int64_t publish(const std::string& channel, const std::string& message);
  // None: every database.
  void flush(std::optional<int> number);
  void disconnect(const std::function<bool(const Session&)>& which);
  Reply run_script(Session& session, const std::string& sha1, const Words& keys, const Words& arguments);
  std::set<std::string>& scripts() { return scripts_; }  // that clients may call, by SHA-1
  memory_redis::LuaEngine& lua() { return lua_; }

 private:
  [[nodiscard]] bool serves() const { return !frozen_ && !script_end_; }
  void serve_again();
  void cancel_script_end();
  void deliver(const std::shared_ptr<Session>& session, const Reply& message);
  void serve(const std::shared_ptr<Session>& session);
  void handle(const std::shared_ptr<Session>& session, const Words& words);
  void subscribe(Session& session, const Words& words, bool on);
  void wait_for_replicas(const std::shared_ptr<Session>& session, const Words& words);
  // `name`: of the command, in upper case.
  Reply execute(Session& session, const std::string& name, const Words& words, bool may_refuse);
  memory_redis::Database& database(int number);
  void key_changed(const std::string& key);
  // Copied, because a message may end its connection.
  [[nodiscard]] std::vector<std::shared_ptr<Session>> subscribers_of(const std::string& channel) const;
  void invalidate(const Session& tracker, const Reply& keys);
  void tell_changes();
  void expire();
  void cancel_expiry();
  void arm_expiry();
  void find_next_expiry();
  void end_idle();
  [[nodiscard]] std::int64_t now_us() const;

  agent::Timers& timers_;
  agent::Random& random_;
  std::string password_;
  std::int64_t epoch_us_;                     // of boot time zero, by the right clock
  std::chrono::microseconds clock_error_{0};  // when the rate was set
  std::int64_t clock_rate_ = 0;               // millionths
  agent::BootTime rate_set_at_{};
  std::string run_id_;
  std::string mode_ = "standalone";
  agent::redis::Address primary_;
  std::chrono::seconds idle_timeout_{0};
  std::optional<agent::Timers::Id> idle_look_;
  bool up_ = true;
  bool frozen_ = false;
  agent::Duration script_time_{0};
  std::optional<agent::Timers::Id> script_end_;                        // of a script that takes its time
  std::deque<std::pair<std::weak_ptr<Session>, std::string>> unsaid_;  // until it ends
  agent::Duration message_disorder_{0};
  int replicas_ = 0;
  bool wait_returns_at_once_ = false;
  std::map<int, memory_redis::Database> databases_;
  std::map<int, memory_redis::Database> replica_;  // since its replication stopped
  std::set<std::string> scripts_;
  memory_redis::LuaEngine lua_;
  Session* running_script_ = nullptr;
  std::map<std::uint64_t, std::shared_ptr<Session>> sessions_;  // by their number, so in the order of their coming
  std::set<std::uint64_t> untold_;                              // sessions that track a key that has changed
  bool keys_changed_ = false;                                   // since the next expiry was found
  std::optional<std::int64_t> next_expiry_ms_;
  std::deque<std::shared_ptr<Session>> unserved_;   // while it does not serve
  std::vector<std::shared_ptr<Session>> finished_;  // while it does not serve
  std::uint64_t last_session_ = 0;
  std::function<void(const std::string& key)> observer_;
  std::map<std::string, std::string> refusals_;
  std::map<std::string, std::function<Reply(const Words&)>> answers_;
  std::map<std::string, std::uint64_t> counts_;
  std::map<std::string, std::uint64_t> script_calls_;
  std::uint64_t commands_of_scripts_ = 0;
  std::unordered_map<std::string, std::uint64_t> client_counts_;
  std::string client_;
  std::optional<agent::Timers::Id> expiry_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for scheduled work
};

}  // namespace jeton::test
