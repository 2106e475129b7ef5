// Exec: `jetonctl exec` as a process on real segments; its commands write a line for each thing that they see into a
// file.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/ctl/ctl_host.hpp"

namespace jeton::test {

using Lines = std::vector<std::string>;

class Exec : public testing::Test {
 protected:
  // The words of exec up to the command, which is `script` of sh. In it, "note WORDS" writes a line, and $0 is
  // jetonctl.
  [[nodiscard]] std::vector<std::string> command(std::vector<std::string> words, const std::string& script) const {
    words.insert(words.begin(), "exec");
    const std::string note = "note() { echo \"$*\" >>" + file("lines") + "; }; ";
    words.insert(words.end(), {"--", "sh", "-c", note + script, JETONCTL});
    return host.command(std::move(words));
  }
  [[nodiscard]] RunResult run_to_its_end(std::vector<std::string> words, const std::string& script) const {
    return run(command(std::move(words), script), with_its_directory());
  }
  // In the background.
  [[nodiscard]] std::unique_ptr<Process> start(std::vector<std::string> words, const std::string& script) const {
    return std::make_unique<Process>(command(std::move(words), script), with_its_directory());
  }
  // That the commands have written.
  [[nodiscard]] Lines lines() const {
    std::ifstream in(file("lines"));
    Lines all;
    for (std::string line; std::getline(in, line);) all.push_back(line);
    return all;
  }
  [[nodiscard]] bool noted(const Lines& expected) const {
    return eventually([&] { return lines() == expected; });
  }
  [[nodiscard]] static bool says(const Process& ctl, const std::string& text) {
    return eventually([&] { return ctl.err().find(text) != std::string::npos; });
  }
  [[nodiscard]] std::string file(const std::string& name) const { return (dir / name).string(); }
  // With the next generation.
  void publish(agent::SegmentStore& store, const std::string& value, agent::Duration lifetime = std::chrono::hours(2)) {
    host.publish(store, host.record(++generation, lifetime, value));
  }

  CtlHost host;
  TempDir dir;
  agent::Generation generation = 6;

 private:
  [[nodiscard]] ProcessOptions with_its_directory() const { return {.env = {{"JETON_DIR", host.dir()}}}; }
};

}  // namespace jeton::test
