// Helpers of the tests of the sources exec, file and jwt: a loop, a folder, and the tokens of the host.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <stdexcept>

#include "agent/base/unique_fd.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/provider/made_source.hpp"

namespace jeton::test {

using namespace std::chrono_literals;
using agent::SourceError;

struct KnownTokens final : agent::TokenValues {
  std::optional<agent::SecretString> token_value(const std::string& name) const override {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(agent::SecretString(found->second));
  }
  std::map<std::string, std::string> values;
};

struct NoHttp final : agent::HttpTransport {
  agent::Task<agent::HttpResponse> perform(agent::HttpRequest /*request*/) override {
    throw std::logic_error("a local source sends no request");
  }
};

class LocalSourceTest : public testing::Test {
 protected:
  std::unique_ptr<agent::Source> source_by(agent::SourceConfig config, std::size_t capacity = 8192) {
    return make_source(token_by(std::move(config), capacity), {no_http, loop.timers, tokens, loop.random});
  }
  agent::FetchedToken fetch(agent::Source& source) { return loop.run(source.fetch({})); }

  agent::FetchedToken fetch_by(agent::SourceConfig config) { return fetch(*source_by(std::move(config))); }

  // The error of a fetch that must fail.
  SourceError failure_of(agent::SourceConfig config) { return failure(*source_by(std::move(config))); }
  SourceError failure(agent::Source& source) {
    try {
      static_cast<void>(fetch(source));
    } catch (const SourceError& e) {
      return e;
    }
    ADD_FAILURE() << "the fetch did not fail";
    return {SourceError::Kind::transient, "nothing"};
  }

  TempDir dir;
  NoHttp no_http;
  KnownTokens tokens;
  Loop loop;
};

class ExecTest : public LocalSourceTest {
 protected:
  // Runs `script` by /bin/sh, with the folder of the test as $1.
  agent::ExecSourceConfig script(const std::string& text) const {
    agent::ExecSourceConfig config;
    config.command = {"/bin/sh", dir.write("script", text).string(), dir.path().string()};
    config.timeout = 20s;
    return config;
  }
  [[nodiscard]] std::string file(const char* name) const { return read_file(dir / name); }
  // The processes of a script, which note themselves.
  [[nodiscard]] std::vector<pid_t> pids() const { return noted_pids(dir / "pids"); }
  [[nodiscard]] bool all_gone() const { return test::all_gone(pids()); }

  static constexpr const char* print_token = "echo '{\"access_token\":\"tok-12345678\",\"expires_in\":60}'\n";
};

}  // namespace jeton::test
