// The same as text_mutation_test.cpp, for the agent's own libraries: configuration, secrets, Redis, the local API,
// command lines.
#include <gtest/gtest.h>

#include "tests/fuzz/api_trial.hpp"
#include "tests/fuzz/cli_trial.hpp"
#include "tests/fuzz/client_trial.hpp"
#include "tests/fuzz/config_trial.hpp"
#include "tests/fuzz/redis_trial.hpp"
#include "tests/fuzz/secret_trial.hpp"
#include "tests/fuzz/text_mutation.hpp"

namespace jeton::fuzz {
namespace {

TEST(ConfigText, FoundByTheFuzzer_IsReadOrRefused) { try_corpus(JETON_CORPUS "/config_corpus", try_config); }
TEST(ConfigText, Damaged_IsReadOrRefused) { try_damages(JETON_CORPUS "/config_corpus", try_config, 12); }

TEST(SecretText, FoundByTheFuzzer_IsReadOrRefused) { try_corpus(JETON_CORPUS "/secrets_corpus", try_secret_text); }
TEST(SecretText, Damaged_IsReadOrRefused) { try_damages(JETON_CORPUS "/secrets_corpus", try_secret_text, 2); }

TEST(RedisAnswer, FoundByTheFuzzer_HarmsNoClient) { try_corpus(JETON_CORPUS "/redis_corpus", try_redis_answers); }
TEST(RedisAnswer, Damaged_HarmsNoClient) { try_damages(JETON_CORPUS "/redis_corpus", try_redis_answers, 12); }

TEST(ApiRequestBytes, FoundByTheFuzzer_HarmNobody) { try_corpus(JETON_CORPUS "/api_corpus", try_api_request); }
TEST(ApiRequestBytes, Damaged_HarmNobody) { try_damages(JETON_CORPUS "/api_corpus", try_api_request, 12); }

TEST(AgentBytes, FoundByTheFuzzer_HarmNoClient) { try_corpus(JETON_CORPUS "/client_corpus", try_agent_bytes); }
TEST(AgentBytes, Damaged_HarmNoClient) { try_damages(JETON_CORPUS "/client_corpus", try_agent_bytes, 4); }

TEST(CommandLineText, FoundByTheFuzzer_IsReadOrRefused) { try_corpus(JETON_CORPUS "/cli_corpus", try_command_line); }
TEST(CommandLineText, Damaged_IsReadOrRefused) { try_damages(JETON_CORPUS "/cli_corpus", try_command_line, 24); }

}  // namespace
}  // namespace jeton::fuzz
