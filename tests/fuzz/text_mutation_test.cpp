// What the fuzzer found once, and damages of it.
#include "tests/fuzz/text_mutation.hpp"

#include <gtest/gtest.h>

#include "tests/fuzz/answer_trial.hpp"
#include "tests/fuzz/fleet_trial.hpp"

namespace jeton::fuzz {
namespace {

TEST(AnswerFromOutside, FoundByTheFuzzer_IsReadOrRefused) { try_corpus(JETON_CORPUS "/answer_corpus", try_answer); }
TEST(AnswerFromOutside, Damaged_IsReadOrRefused) { try_damages(JETON_CORPUS "/answer_corpus", try_answer); }

TEST(TextOfTheFleet, FoundByTheFuzzer_IsReadOrRefused) { try_corpus(JETON_CORPUS "/fleet_corpus", try_fleet_text); }
TEST(TextOfTheFleet, Damaged_IsReadOrRefused) { try_damages(JETON_CORPUS "/fleet_corpus", try_fleet_text); }

}  // namespace
}  // namespace jeton::fuzz
