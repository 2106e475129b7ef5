#include "agent/record/record_file.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>

#include "agent/base/error.hpp"
#include "agent/base/private_file.hpp"

namespace jeton::agent {
namespace {

constexpr std::size_t size_limit = 4 * 1024 * 1024;  // a token of the largest capacity, its predecessor, its state
constexpr std::string_view answer_suffix = ".answer-";
constexpr std::size_t sealed_limit = 2 * max_unread_answer;  // base64 and the JSON around it

}  // namespace

std::filesystem::path UnreadAnswers::file_of(std::int64_t time_ms) const {
  return directory_ / (name_ + std::string(answer_suffix) + std::to_string(time_ms));
}

std::vector<std::int64_t> UnreadAnswers::times() const {
  std::vector<std::int64_t> found;
  const std::string prefix = name_ + std::string(answer_suffix);
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, ignored)) {
    const std::string file = entry.path().filename();
    if (!file.starts_with(prefix)) continue;
    std::int64_t time = 0;
    const auto [end, error] = std::from_chars(file.data() + prefix.size(), file.data() + file.size(), time);
    if (error == std::errc{} && end == file.data() + file.size() && time >= 0) found.push_back(time);
  }
  std::sort(found.begin(), found.end());
  return found;
}

void UnreadAnswers::keep(const SecretString& answer, WallTime now) const {
  const std::int64_t time = std::max<std::int64_t>(to_unix_ms(now), 0);
  const std::string_view bytes = answer.reveal().substr(0, max_unread_answer);
  replace_private_file(file_of(time), codec_.encode_bytes(name_, static_cast<std::uint64_t>(time), bytes),
                       Durability::disk);
  std::vector<std::int64_t> kept = times();
  std::error_code ignored;
  for (std::size_t i = 0; i + max_unread_answers < kept.size(); ++i) {
    std::filesystem::remove(file_of(kept[i]), ignored);
  }
}

void UnreadAnswers::forget() const {
  std::error_code ignored;
  for (const std::int64_t time : times()) std::filesystem::remove(file_of(time), ignored);
}

std::vector<UnreadAnswers::Kept> UnreadAnswers::all() const {
  std::vector<Kept> answers;
  for (const std::int64_t time : times()) {
    const auto text = read_private_file(file_of(time), sealed_limit);
    if (!text) continue;
    try {
      answers.push_back(
          {from_unix_ms(time), codec_.decode_bytes(name_, static_cast<std::uint64_t>(time), text->reveal())});
    } catch (const Error& e) {
      throw Error(file_of(time).string() + ": " + e.what());
    }
  }
  return answers;
}

RecordFile::RecordFile(const std::filesystem::path& directory, std::string name, FleetCodec codec)
    : name_(std::move(name)),
      file_(directory / (name_ + ".record")),
      codec_(std::move(codec)),
      answers_(directory, name_, codec_) {
  try {
    make_private_directory(directory);
  } catch (const Error& e) {
    throw Error("the state directory cannot be used: " + std::string(e.what()) +
                "; create it for the agent's user, or set agent.state_dir to another directory");
  }
}

std::optional<Record> RecordFile::load() {
  const auto text = read_private_file(file_, size_limit);
  if (!text) return std::nullopt;
  try {
    return codec_.decode(name_, text->reveal());
  } catch (const Error& e) {
    throw Error(
        file_.string() + ": " + e.what() +
        "; restore the seal key that it was written with, or remove the file after you configured a new refresh "
        "token of the provider");
  }
}

void RecordFile::save(const Record& record) {
  make_private_directory(file_.parent_path());  // it may have been removed
  replace_private_file(file_, codec_.encode(name_, record), Durability::disk);
}

}  // namespace jeton::agent
