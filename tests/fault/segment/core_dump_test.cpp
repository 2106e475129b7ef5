// The core file of a crashed reader contains no token, except in copies that the application made.
#include <gtest/gtest.h>
#include <string.h>
#include <sys/resource.h>

#include <fstream>
#include <jeton/client.hpp>

#include "agent/base/random.hpp"
#include "agent/segment/segment_store.hpp"
#include "tests/fault/segment/child.hpp"
#include "tests/support/sanitizer.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/segment/sample.hpp"

namespace jeton::test {
namespace {

namespace fs = std::filesystem;

class CoreDump : public testing::Test {
 protected:
  void SetUp() override {
    if (sanitized) GTEST_SKIP() << "a sanitizer reserves terabytes, which no core file can hold";
    std::ifstream pattern("/proc/sys/kernel/core_pattern");
    std::getline(pattern, core_pattern);
    if (core_pattern.find_first_of("|/") != std::string::npos) {
      GTEST_SKIP() << "kernel.core_pattern is '" << core_pattern << "': core files do not go to the working directory";
    }
    // Another process thinks up the token, so that this one and its children never had it in their memory.
    Child agent([this](int to_parent) {
      agent::OsRandom random;
      const std::string secret = random.hex(300);
      agent::RuntimeDir runtime(directory, agent::Policy::warn);
      agent::SegmentStore store(runtime, {"api", 1024, {}, agent::Policy::warn}, wall_now());
      agent::Record record = sample_record(2, secret);
      record.previous = sample_previous(1, secret.substr(200));
      store.publish(record, wall_now());
      const std::string masked = mask(secret);
      tell(to_parent, masked.data(), masked.size());
      return 0;
    });
    ASSERT_TRUE(agent.receive(masked_token.data(), masked_token.size()));
    ASSERT_EQ(agent.wait(), 0);
    fs::create_directory(dir / "crash");
  }

  // Uses the token in every way, keeps its own copy or wipes it, and crashes. Returns the core file.
  std::string crash(bool keep_copy, bool unlinked = false) {
    Child reader([&](int) {
      if (::chdir((dir / "crash").c_str()) != 0) return 1;
      const rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
      ::setrlimit(RLIMIT_CORE, &unlimited);
      // Everything that a process can be told to dump, file mappings included.
      std::ofstream("/proc/self/coredump_filter") << "0x7f";

      char marker[] = "stack-is-in-the-core!";
      marker[20] = '?';
      jeton::Options options;
      options.directory = directory.string();
      const Token token("api", options);
      Reader cached(token);
      char buffer[1024];
      std::size_t size = 0;
      jeton_info info = JETON_INFO_INIT;
      if (!cached.current() || jeton_read(token.handle(), buffer, sizeof(buffer), &size, &info) != JETON_OK) return 2;
      if (jeton_inspect(token.handle(), &info) != JETON_OK || !token.wait_valid().ok()) return 3;
      // The name is gone, the mapping is not; nor what is known of it.
      if (unlinked && (::unlink((directory / "segments" / "api").c_str()) != 0 || !cached.current())) return 4;
      if (!keep_copy) ::explicit_bzero(buffer, sizeof(buffer));
      ::signal(SIGSEGV, SIG_DFL);
      ::raise(SIGSEGV);
      return marker[0] + buffer[0];
    });
    EXPECT_EQ(reader.wait(), 128 + SIGSEGV);
    for (const auto& entry : fs::directory_iterator(dir / "crash")) return read_file(entry.path());
    return {};
  }
  static std::string mask(std::string text) {
    for (char& c : text) c = static_cast<char>(c ^ 0x55);
    return text;
  }
  // How many of the pieces of the token stand in the core.
  [[nodiscard]] std::size_t pieces_in(const std::string& core) const {
    constexpr std::size_t piece = 12;
    const std::string secret = mask(masked_token);
    std::size_t found = 0;
    for (std::size_t i = 0; i + piece <= secret.size(); i += piece) {
      if (core.find(secret.substr(i, piece)) != std::string::npos) ++found;
    }
    return found;
  }

  TempDir dir;
  fs::path directory = dir / "run";
  std::string core_pattern;
  std::string masked_token = std::string(600, '\0');  // not as it is: readers are forks of this process
};

TEST_F(CoreDump, ReaderCrashes_CoreHoldsNoPieceOfTheToken) {
  const std::string core = crash(false);
  if (core.empty()) GTEST_SKIP() << "the kernel wrote no core file here";
  EXPECT_NE(core.find("stack-is-in-the-core?"), std::string::npos);
  EXPECT_EQ(pieces_in(core), 0U);
}

TEST_F(CoreDump, SegmentWasUnlinked_CoreHoldsNoPieceOfTheToken) {
  const std::string core = crash(false, true);
  if (core.empty()) GTEST_SKIP() << "the kernel wrote no core file here";
  EXPECT_NE(core.find("stack-is-in-the-core?"), std::string::npos);
  EXPECT_EQ(pieces_in(core), 0U);
}

TEST_F(CoreDump, ApplicationKeepsACopy_CoreHoldsIt) {
  const std::string core = crash(true);
  if (core.empty()) GTEST_SKIP() << "the kernel wrote no core file here";
  EXPECT_EQ(pieces_in(core), 50U);
}

}  // namespace
}  // namespace jeton::test
