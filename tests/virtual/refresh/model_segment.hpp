// ModelSegment: a segment in a variable. It survives its agent, as a segment does; what an agent does to it after its
// crash is lost. Counts generations that went back, which no segment may do. With a directory the production segment is
// there, too: the agent reads that one, and it must hold the same, also for a reader with the code of libjeton.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>

#include "agent/record/record_file.hpp"
#include "agent/segment/token_store.hpp"
#include "tests/virtual/refresh/real_segment.hpp"

namespace jeton::test {

struct ModelSegment {
  std::optional<agent::Record> record;
  bool expired = false;
  bool rejected = false;
  std::uint64_t went_back = 0;
  int failing_writes = 0;
  std::function<void()> observer{};   // after each publication
  std::filesystem::path directory{};  // of the production segment; empty: there is none
  std::string difference{};           // of the production segment, when an agent adopted it
  std::string misread{};              // of the production segment, by a reader just after a change

  [[nodiscard]] agent::Generation generation() const { return record ? record->generation : 0; }
};

class ModelStore final : public agent::TokenStore {
 public:
  explicit ModelStore(ModelSegment& segment, agent::WallTime now = {}) : segment_(segment) {
    if (segment_.directory.empty()) return;
    const auto model = adopted();
    real_.emplace(segment_.directory, now);
    if (segment_.record && !segment_.record->valid_at(now)) segment_.expired = true;  // as the adoption marks it
    segment_.difference = difference_of(model, real_->store().adopted());
    if (segment_.rejected != real_->store().rejected()) segment_.difference = "the flag rejected";
  }
  void die() {
    alive_ = false;
    real_.reset();
  }

  [[nodiscard]] std::optional<agent::Record> adopted() const override {
    if (real_) return real_->store().adopted();
    if (handed_over_) return handed_over_;
    auto record = segment_.record;
    if (!record) return record;
    record->state = {};  // this and the following are in no segment
    record->first_generation = 0;
    record->rejections = 0;
    if (record->previous) record->previous->expires_at = {};
    return record;
  }
  [[nodiscard]] agent::Generation generation() const override {
    return real_ ? real_->store().generation() : segment_.generation();
  }
  void publish(const agent::Record& next, agent::WallTime now) override {
    if (!alive_) return;
    if (segment_.failing_writes > 0) {
      --segment_.failing_writes;
      throw std::runtime_error("the segment cannot be mapped");
    }
    if (next.generation < segment_.generation()) ++segment_.went_back;
    if (real_) real_->store().publish(next, now);
    if (next.generation > segment_.generation()) segment_.rejected = false;
    segment_.record = next;
    segment_.expired = now >= next.expires_at;
    read_again();
    if (segment_.observer) segment_.observer();
  }
  void mark_expired() override {
    if (!alive_) return;
    if (real_) real_->store().mark_expired();
    segment_.expired = true;
    read_again();
  }
  void mark_rejected() override {
    if (!alive_) return;
    if (real_) real_->store().mark_rejected();
    segment_.rejected = true;
    read_again();
  }
  [[nodiscard]] bool rejected() const override { return real_ ? real_->store().rejected() : segment_.rejected; }
  void heartbeat(agent::WallTime) override {}
  void retire() override {}
  // See SegmentStore.
  void hand_over(const std::optional<agent::Record>& known) {
    handed_over_ = known;
    if (real_) real_->store().hand_over(known);
  }

 private:
  void read_again() {
    if (!real_ || !segment_.record || !segment_.misread.empty()) return;
    segment_.misread = difference_to_readers(segment_.directory / "segments" / "api", *segment_.record,
                                             segment_.expired, segment_.rejected);
  }

  ModelSegment& segment_;
  std::optional<RealSegment> real_;
  std::optional<agent::Record> handed_over_;
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
