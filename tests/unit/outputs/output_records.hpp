// Tokens that a test writes by hand.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "agent/outputs/output_content.hpp"

namespace jeton::test {

struct KnownRecords final : agent::OutputTokens {
  explicit KnownRecords(const agent::Clock& c) : clock(c) {}

  [[nodiscard]] const agent::Record* record_of(const std::string& name) const override {
    const auto found = records.find(name);
    return found == records.end() ? nullptr : &found->second;
  }
  // The next token of this name.
  agent::Record& renew(const std::string& name, const std::string& value,
                       agent::Milliseconds lifetime = std::chrono::hours(1)) {
    agent::Record record;
    record.generation = ++generation;
    record.value = agent::SecretString(value);
    record.type = "Bearer";
    record.issued_at = clock.wall_now();
    record.expires_at = record.issued_at + lifetime;
    record.expires_boot = clock.boot_now() + lifetime;
    return records[name] = std::move(record);
  }

  const agent::Clock& clock;
  std::map<std::string, agent::Record> records;
  agent::Generation generation = 0;
};

}  // namespace jeton::test
