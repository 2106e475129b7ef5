// A client of a host under chaos, as a process of its own. It writes its history to stdout, a line with each write(2),
// so that a kill loses nothing that happened before.
//
//   jeton_chaos_client DIR HOST WHO SEED read        reads the token, and waits for the next publication for a moment
//   jeton_chaos_client DIR HOST WHO SEED lock NAME   takes the lock, works for a while, gives it back
// SIGTERM ends it.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <jeton/client.hpp>
#include <random>
#include <string>
#include <thread>

#include "agent/demo/provider.hpp"
#include "tests/chaos/history.hpp"

namespace {

using namespace jeton::chaos;
using nlohmann::json;
using std::chrono::milliseconds;

constexpr milliseconds lock_ttl{4'000};
constexpr milliseconds lock_wait{3'000};
constexpr milliseconds look_interval{50};

volatile sig_atomic_t stop = 0;

void sleep_a_while(milliseconds duration) { std::this_thread::sleep_for(duration); }

class Client {
 public:
  Client(std::string directory, int host, std::string who, std::uint64_t seed)
      : directory_(std::move(directory)), host_(host), who_(std::move(who)), random_(seed) {}

  void read_tokens() const {
    jeton::Options options;
    options.directory = directory_;
    options.allow_missing = true;
    const jeton::Token token("api", options);
    jeton::Reader reader(token);
    for (bool copy = false; stop == 0; copy = !copy) {
      const jeton::Generation generation = copy ? read_copy(token) : read_view(reader);
      const Moment begin = now();
      const auto change = token.wait_change(generation, milliseconds(150));
      if (change) note("publication", begin, {{"generation", *change}});
      sleep_a_while(look_interval);
    }
  }

  void take_locks(const std::string& name) {
    jeton::LockOptions options;
    options.directory = directory_;
    options.ttl = lock_ttl;
    jeton::Lock lock(name, options);
    while (stop == 0) {
      const Moment begin = now();
      const jeton::Status status = lock.acquire(lock_wait);
      json grant{{"lock", name}, {"status", status.name()}, {"ttl_ms", lock_ttl.count()}};
      if (status.ok()) grant["fence"] = lock.fence();
      if (!status.ok()) grant["reason"] = lock.reason();
      note("acquire", begin, grant);
      if (status.ok()) work_and_give_back(lock);
      sleep_a_while(milliseconds(below(status.ok() || status == JETON_LOCK_BUSY ? 200 : 500)));
    }
  }

 private:
  void note(const std::string& operation, Moment begin, json more) const {
    const Moment end = now();
    more["who"] = who_;
    more["host"] = host_;
    const std::string line = history_line(operation, begin, end, std::move(more));
    if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::_Exit(1);
  }

  jeton::Generation note_token(Moment begin, const std::string& value, jeton::Generation generation,
                               jeton::Time expires_at) const {
    const bool whole = jeton::agent::demo::checked_token_serial(value).has_value();
    note("read", begin,
         {{"status", "JETON_OK"},
          {"token", whole ? fingerprint(value) : "torn"},
          {"generation", generation},
          {"expires_at_ms", expires_at.time_since_epoch().count()}});
    return generation;
  }
  jeton::Generation note_failure(Moment begin, jeton::Status status) const {
    note("read", begin, {{"status", status.name()}});
    return 0;
  }
  jeton::Generation read_copy(const jeton::Token& token) const {
    const Moment begin = now();
    const auto copy = token.read();
    if (!copy) return note_failure(begin, copy.status());
    return note_token(begin, copy->value, copy->info.generation(), copy->info.expires_at());
  }
  jeton::Generation read_view(jeton::Reader& reader) const {
    const Moment begin = now();
    const auto view = reader.current();
    if (!view) return note_failure(begin, view.status());
    return note_token(begin, std::string(view->value()), view->generation(), view->expires_at());
  }

  // Each look that finds it held is noted: the holder believed in it from the grant until then, whatever comes next.
  void work_and_give_back(jeton::Lock& lock) {
    const json about{{"lock", lock.name()}, {"fence", lock.fence()}};
    const auto noted = [&](const char* operation, Moment begin, const char* key, const std::string& value) {
      json line = about;
      line[key] = value;
      note(operation, begin, line);
    };
    // Some work takes longer than the lock lasts without renewals.
    const bool is_long = below(4) == 0;
    const auto end = std::chrono::steady_clock::now() + milliseconds(is_long ? 8'000 : 50 + below(600));
    while (stop == 0 && std::chrono::steady_clock::now() < end) {
      const Moment begin = now();
      if (lock.lost()) return noted("lost", begin, "reason", lock.reason());
      noted("held", begin, "status", "JETON_OK");
      sleep_a_while(look_interval);
    }
    const Moment begin = now();
    const jeton::Status status = lock.unlock();
    noted("release", begin, "status", status.name());
  }

  int below(int end) { return std::uniform_int_distribution<int>(0, end - 1)(random_); }

  std::string directory_;
  int host_;
  std::string who_;
  std::mt19937_64 random_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) return 2;
  ::signal(SIGTERM, [](int) { stop = 1; });
  try {
    Client client(argv[1], std::atoi(argv[2]), argv[3], std::stoull(argv[4]));
    if (std::string(argv[5]) == "read") {
      client.read_tokens();
    } else {
      client.take_locks(argv[6]);
    }
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
  return 0;
}
