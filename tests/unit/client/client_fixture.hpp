// A runtime directory with a segment "api" that the agent's own code writes, for tests of libjeton.
#pragma once

#include <gtest/gtest.h>
#include <jeton/jeton.h>

#include <memory>
#include <string>

#include "agent/segment/segment_store.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/segment/sample.hpp"

namespace jeton::test {

struct CloseToken {
  void operator()(jeton_token* token) const { jeton_close(token); }
};
struct CloseReader {
  void operator()(jeton_reader* reader) const { jeton_reader_close(reader); }
};
using TokenPtr = std::unique_ptr<jeton_token, CloseToken>;
using ReaderPtr = std::unique_ptr<jeton_reader, CloseReader>;

class ClientTest : public testing::Test {
 protected:
  void make_store(std::size_t capacity = 1024) {
    store = std::make_unique<agent::SegmentStore>(
        *runtime, agent::SegmentOptions{"api", capacity, {}, agent::Policy::warn}, wall_now());
  }
  void publish(agent::Generation generation, std::string_view value = "secret-value") {
    store->publish(sample_record(generation, value), wall_now());
  }
  // Published as valid; runs out after `lifetime`.
  void publish_for(agent::Generation generation, std::chrono::milliseconds lifetime) {
    agent::Record record = sample_record(generation);
    record.expires_at = wall_now() + lifetime;
    store->publish(record, wall_now());
  }

  [[nodiscard]] std::string directory() const { return (dir / "run").string(); }
  [[nodiscard]] std::filesystem::path file() const { return dir / "run" / "segments" / "api"; }

  jeton_status open(jeton_token** token, std::uint32_t flags = 0, const char* name = "api") const {
    const std::string path = directory();
    jeton_options options = JETON_OPTIONS_INIT;
    options.directory = path.c_str();
    options.flags = flags;
    return jeton_open(&options, name, token);
  }
  [[nodiscard]] TokenPtr must_open(std::uint32_t flags = 0) const {
    jeton_token* token = nullptr;
    EXPECT_EQ(open(&token, flags), JETON_OK);
    return TokenPtr(token);
  }
  [[nodiscard]] static ReaderPtr must_open_reader(const TokenPtr& token) {
    jeton_reader* reader = nullptr;
    EXPECT_EQ(jeton_reader_open(token.get(), &reader), JETON_OK);
    return ReaderPtr(reader);
  }
  // The value, or the status's text in brackets.
  [[nodiscard]] static std::string read(const TokenPtr& token) {
    char buffer[4096];
    std::size_t size = 0;
    const jeton_status status = jeton_read(token.get(), buffer, sizeof(buffer), &size, nullptr);
    return status == JETON_OK ? std::string(buffer, size) : std::string("<") + jeton_status_text(status) + ">";
  }
  [[nodiscard]] static std::string current(const ReaderPtr& reader) {
    const jeton_view* view = nullptr;
    const jeton_status status = jeton_current(reader.get(), &view);
    return status == JETON_OK ? std::string(view->value, view->value_size)
                              : std::string("<") + jeton_status_text(status) + ">";
  }

  TempDir dir;
  std::unique_ptr<agent::RuntimeDir> runtime = std::make_unique<agent::RuntimeDir>(dir / "run", agent::Policy::warn);
  std::unique_ptr<agent::SegmentStore> store;
};

}  // namespace jeton::test
