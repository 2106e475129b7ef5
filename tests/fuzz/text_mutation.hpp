// What the tests of parsers of text share: a corpus, damages of it, and the trials of each (JETON_FUZZ_COUNT: how many,
// JETON_FUZZ_SEED: which). Words of the dictionary of a corpus (DIRECTORY.dict, of libFuzzer) come more often in
// damages than others.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace jeton::fuzz {

// Empty, or what went wrong.
using TextTrial = std::string (*)(std::string_view input);

// Every file of the directory. Each failure is one of the running test.
void try_corpus(const std::string& directory, TextTrial trial);
// `cost`: so many trials of a fast parser take as long as one of this.
void try_damages(const std::string& directory, TextTrial trial, std::uint64_t cost = 1);

}  // namespace jeton::fuzz
