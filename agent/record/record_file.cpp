#include "agent/record/record_file.hpp"

#include "agent/base/error.hpp"
#include "agent/base/private_file.hpp"

namespace jeton::agent {
namespace {

constexpr std::size_t size_limit = 4 * 1024 * 1024;  // a token of the largest capacity, its predecessor, its state

}  // namespace

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
