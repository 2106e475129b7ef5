// A process that reads a token again and again through libjeton, as an application would, and reports what it saw:
//   jeton_test_reader RUNTIME_DIR TOKEN MILLISECONDS PAUSE_MICROSECONDS
// Alternates between Token::read and Reader::current. Says "generation N" of each new token on stderr, and prints one
// JSON object at the end, or on SIGTERM.
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <jeton/client.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "agent/demo/provider.hpp"

namespace {

volatile sig_atomic_t stop = 0;

struct Seen {
  unsigned long long reads = 0, torn = 0, expired = 0, older = 0, busy = 0, other = 0;
  std::vector<unsigned long long> serials;
  jeton::Generation generation = 0;
  int last_other = 0;

  void failure(jeton::Status status) {
    if (status == JETON_EXPIRED) {
      ++expired;
    } else if (status == JETON_BUSY) {
      ++busy;
    } else {
      ++other;
      last_other = status.code();
    }
  }
  void token(std::string_view value, jeton::Generation g, jeton::Time expires_at) {
    ++reads;
    if (expires_at + std::chrono::milliseconds(20) < std::chrono::system_clock::now()) ++expired;
    const auto serial = jeton::agent::demo::checked_token_serial(value);
    if (!serial) {
      ++torn;
      return;
    }
    if (g < generation || (!serials.empty() && *serial < serials.back())) ++older;
    if (g > generation) {
      serials.push_back(*serial);
      std::fprintf(stderr, "generation %llu\n", static_cast<unsigned long long>(g));
    }
    if (!serials.empty() && g == generation && *serial != serials.back()) ++torn;
    generation = g;
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 1;
  ::signal(SIGTERM, [](int) { stop = 1; });
  jeton::Options options;
  options.directory = argv[1];
  const jeton::Token token(argv[2], options);
  jeton::Reader reader(token);
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(std::atoll(argv[3]));
  const std::chrono::microseconds pause(std::atoll(argv[4]));

  Seen seen;
  // After the signal to end it reads once more, so that it has seen the newest token.
  bool last_look = false;
  for (bool copy = false; !last_look; copy = !copy) {
    last_look = stop != 0 || std::chrono::steady_clock::now() >= end;
    if (copy) {
      if (auto result = token.read()) {
        seen.token(result->value, result->info.generation(), result->info.expires_at());
      } else {
        seen.failure(result.status());
      }
    } else if (const auto view = reader.current()) {
      seen.token(view->value(), view->generation(), view->expires_at());
    } else {
      seen.failure(view.status());
    }
    if (pause.count() > 0) std::this_thread::sleep_for(pause);
  }
  std::string serials;
  for (const auto serial : seen.serials) serials += (serials.empty() ? "" : ",") + std::to_string(serial);
  std::printf(
      "{\"reads\":%llu,\"torn\":%llu,\"expired\":%llu,\"older\":%llu,\"busy\":%llu,\"other\":%llu,"
      "\"last_other\":%d,\"serials\":[%s]}\n",
      seen.reads, seen.torn, seen.expired, seen.older, seen.busy, seen.other, seen.last_other, serials.c_str());
  return 0;
}
