#include "tests/fuzz/text_mutation.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <vector>

#include "tests/support/effort.hpp"
#include "tests/support/seed_of_the_day.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::fuzz {
namespace {

std::vector<std::string> corpus_in(const std::string& directory) {
  std::vector<std::string> corpus;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    corpus.push_back(test::read_file(entry.path()));
  }
  return corpus;
}

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

// "word" on a line, perhaps with a name before it; \xNN, \\ and \" in a word. Empty if there is no such file.
std::vector<std::string> dictionary_of(const std::string& directory) {
  std::vector<std::string> words;
  std::ifstream lines(directory + ".dict");
  for (std::string line; std::getline(lines, line);) {
    const std::size_t begin = line.find('"');
    if (line.starts_with('#') || begin == std::string::npos) continue;
    std::string word;
    for (std::size_t at = begin + 1; at < line.size() && line[at] != '"'; ++at) {
      if (line[at] == '\\' && line.compare(at, 2, "\\x") == 0) {
        word += static_cast<char>(std::stoi(line.substr(at + 2, 2), nullptr, 16));
        at += 3;
      } else {
        word += line[at] == '\\' ? line[++at] : line[at];
      }
    }
    words.push_back(word);
  }
  return words;
}

// Bytes that mean something to one of the parsers come more often than others.
void damage(std::string& text, const std::string& other, const std::vector<std::string>& words,
            std::mt19937_64& random) {
  constexpr std::string_view meaningful = "{}[]\",:.-+0123456789eETZ \\/\n\xff";
  const std::size_t at = random() % (text.size() + 1);
  const std::size_t length = random() % 8;
  switch (random() % (words.empty() ? 5 : 7)) {
    case 0:
      if (at < text.size()) text[at] = static_cast<char>(random());
      break;
    case 1:
      text.insert(at, 1, meaningful[random() % meaningful.size()]);
      break;
    case 2:
      text.erase(at, length);
      break;
    case 3:
      text.insert(at, text.substr(random() % (text.size() + 1), length));
      break;
    case 5:
    case 6:
      text.insert(at, words[random() % words.size()]);
      break;
    default:
      if (!other.empty()) text.replace(at, length, other.substr(random() % other.size(), 24));
  }
}

}  // namespace

void try_corpus(const std::string& directory, TextTrial trial) {
  const std::vector<std::string> corpus = corpus_in(directory);
  for (const std::string& input : corpus) EXPECT_EQ(trial(input), "") << testing::PrintToString(input);
  EXPECT_GT(corpus.size(), 20U);
}

void try_damages(const std::string& directory, TextTrial trial, std::uint64_t cost) {
  const std::uint64_t seed = test::seed_of_the_day("JETON_FUZZ_SEED");
  const std::uint64_t count = setting("JETON_FUZZ_COUNT", test::effort(100'000, 25'000) / cost);
  std::cout << "JETON_FUZZ_SEED=" << seed << std::endl;  // flushed: it is wanted most after a crash
  std::mt19937_64 random(seed);
  const std::vector<std::string> corpus = corpus_in(directory);
  const std::vector<std::string> words = dictionary_of(directory);
  ASSERT_FALSE(corpus.empty());
  std::string input;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (i % 4 == 0 || input.empty()) input = corpus[random() % corpus.size()];
    damage(input, corpus[random() % corpus.size()], words, random);
    ASSERT_EQ(trial(input), "") << testing::PrintToString(input);
  }
}

}  // namespace jeton::fuzz
