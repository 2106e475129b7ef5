// example_publisher DIR: keeps a token "example" in DIR and replaces it ten times a second until it is killed.
#include <chrono>
#include <string>
#include <thread>

#include "agent/segment/segment_store.hpp"
#include "tests/unit/segment/sample.hpp"

int main(int argc, char** argv) {
  if (argc != 2) return 1;
  jeton::agent::RuntimeDir runtime(argv[1], jeton::agent::Policy::warn);
  jeton::agent::SegmentStore store(runtime, {"example", 1024, {}, jeton::agent::Policy::warn}, jeton::test::wall_now());
  for (jeton::agent::Generation generation = 1;; ++generation) {
    store.publish(jeton::test::sample_record(generation, "example-token-" + std::to_string(generation)),
                  jeton::test::wall_now());
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}
