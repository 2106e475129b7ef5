// The demo's provider as a program of its own, for a machine without the demo: jeton_test_provider URL_FILE
// [LIFETIME_S]. Writes its token URL to the file, then after each second its counters to stdout, until it is killed.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "agent/base/time.hpp"
#include "agent/demo/provider.hpp"

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) return 1;
  const jeton::agent::SystemClock clock;
  jeton::agent::demo::IssuerOptions options;
  options.lifetime = std::chrono::seconds(argc == 3 ? std::atoi(argv[2]) : 600);
  const jeton::agent::demo::Provider provider(options, clock);
  std::ofstream(argv[1]) << provider.token_url() << '\n';
  for (;; ::sleep(1)) {
    std::printf("issued %llu\n", static_cast<unsigned long long>(provider.counts().issued));
    std::fflush(stdout);
  }
}
