// ModelSegment: a segment in a variable. It survives its agent, as a segment does; what an agent does to it after its
// crash is lost. Counts generations that went back, which no segment may do.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>

#include "agent/record/record_file.hpp"
#include "agent/segment/token_store.hpp"

namespace jeton::test {

struct ModelSegment {
  std::optional<agent::Record> record;
  bool expired = false;
  bool rejected = false;
  std::uint64_t went_back = 0;
  int failing_writes = 0;
  std::function<void()> observer{};  // after each publication

  [[nodiscard]] agent::Generation generation() const { return record ? record->generation : 0; }
};

class ModelStore final : public agent::TokenStore {
 public:
  explicit ModelStore(ModelSegment& segment) : segment_(segment) {}
  void die() { alive_ = false; }

  [[nodiscard]] std::optional<agent::Record> adopted() const override {
    auto record = segment_.record;
    if (record) record->state = {};  // is in no segment
    return record;
  }
  [[nodiscard]] agent::Generation generation() const override { return segment_.generation(); }
  void publish(const agent::Record& next, agent::WallTime now) override {
    if (!alive_) return;
    if (segment_.failing_writes > 0) {
      --segment_.failing_writes;
      throw std::runtime_error("the segment cannot be mapped");
    }
    if (next.generation < segment_.generation()) ++segment_.went_back;
    if (next.generation > segment_.generation()) segment_.rejected = false;
    segment_.record = next;
    segment_.expired = now >= next.expires_at;
    if (segment_.observer) segment_.observer();
  }
  void mark_expired() override {
    if (alive_) segment_.expired = true;
  }
  void mark_rejected() override {
    if (alive_) segment_.rejected = true;
  }
  [[nodiscard]] bool rejected() const override { return segment_.rejected; }
  void heartbeat(agent::WallTime) override {}
  void retire() override {}

 private:
  ModelSegment& segment_;
  bool alive_ = true;
};

// The production record file, until its agent's crash.
class MortalKeeper final : public agent::RecordKeeper {
 public:
  MortalKeeper(const std::filesystem::path& directory, const std::string& name, agent::FleetCodec codec)
      : file_(directory, name, std::move(codec)) {}
  void die() { alive_ = false; }

  [[nodiscard]] std::optional<agent::Record> load() override { return file_.load(); }
  void save(const agent::Record& record) override {
    if (alive_) file_.save(record);
  }
  void keep_answer(const agent::SecretString& answer, agent::WallTime at) override {
    if (alive_) file_.keep_answer(answer, at);
  }
  void forget_answers() override {
    if (alive_) file_.forget_answers();
  }

 private:
  agent::RecordFile file_;
  bool alive_ = true;
};

}  // namespace jeton::test
