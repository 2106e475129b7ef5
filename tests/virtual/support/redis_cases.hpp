// The answers of a Redis server to some commands and scripts: the memory server must give them (tests/virtual/support)
// like a real server (tests/integration/backends).
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace jeton::test {

struct RedisCase {
  const char* name;
  std::vector<std::vector<std::string>> before;
  std::vector<std::string> command;
  std::string answer;  // as plain() makes it of the output of redis-cli --raw
};

inline void PrintTo(const RedisCase& c, std::ostream* out) { *out << c.name; }

// Without newlines at its end, and without the advice that Valkey does not give.
[[nodiscard]] inline std::string plain(std::string answer) {
  constexpr std::string_view advice = " Please use EVAL.";
  while (answer.ends_with('\n')) answer.pop_back();
  if (answer.ends_with(advice)) answer.resize(answer.size() - advice.size());
  return answer;
}

inline RedisCase script_case(const char* name, std::string script, std::string answer,
                             std::vector<std::vector<std::string>> before = {}) {
  return {name, std::move(before), {"EVAL", std::move(script), "1", "k"}, std::move(answer)};
}

// Each begins on an empty server.
inline const std::vector<RedisCase>& redis_cases() {
  static const std::vector<RedisCase> cases{
      // Out of a script.
      script_case("FractionIsCutOff", "return 3.99", "3"),
      script_case("FractionOfANegativeNumberIsCutOff", "return -3.99", "-3"),
      script_case("TrueIsOne", "return {true, 'end'}", "1\nend"),
      script_case("FalseIsNil", "return {false, 'end'}", "\nend"),
      script_case("TableEndsAtItsFirstNil", "return {1, 'two', nil, 4}", "1\ntwo"),
      script_case("TablesNest", "return {1, {2, {3}}}", "1\n2\n3"),
      script_case("FieldsWithNamesAreLeftOut", "return {1, two = 2}", "1"),
      script_case("FieldOkIsAStatus", "return {ok = 'FINE'}", "FINE"),
      script_case("FieldErrIsAnError", "return {err = 'ODD thing'}", "ODD thing"),
      script_case("StatusReplyIsAStatus", "return redis.status_reply('FINE')", "FINE"),
      script_case("BytesArePreserved", "return string.len('a\\000b') .. 'a\\000b'", std::string("3a\0b", 4)),
      // Into a script.
      script_case("IntegerIsANumber", "return type(redis.call('INCR', KEYS[1]))", "number"),
      script_case("BulkIsAString", "return type(redis.call('GET', KEYS[1]))", "string", {{"SET", "k", "1"}}),
      script_case("NilIsFalse", "return tostring(redis.call('GET', KEYS[1]))", "false"),
      script_case("NilInAnArrayIsFalse", "return tostring(redis.call('HMGET', KEYS[1], 'a', 'b')[2])", "false"),
      script_case("StatusIsATable", "return redis.call('SET', KEYS[1], 'x').ok", "OK"),
      script_case("CaughtErrorIsATable", "return redis.pcall('INCR', KEYS[1]).err",
                  "ERR value is not an integer or out of range", {{"SET", "k", "x"}}),
      script_case("ErrorEndsTheScript", "redis.call('INCR', KEYS[1])\nredis.call('SET', KEYS[1], 'y')",
                  "ERR value is not an integer or out of range script: deb2a2e6635c8fb80bca7f61e3fae4baaaaa3aec, on "
                  "@user_script:1.",
                  {{"SET", "k", "x"}}),
      script_case("NumberIsWrittenWithAllItsDigits",
                  "redis.call('SET', KEYS[1], 0.1 + 0.2) return redis.call('GET', KEYS[1])", "0.30000000000000004"),
      script_case("LargeNumberIsWrittenWithoutAnExponent",
                  "redis.call('SET', KEYS[1], 1800003600091161) return redis.call('GET', KEYS[1])", "1800003600091161"),
      script_case("Sha1", "return redis.sha1hex('x')", "11f6ad8ec52a2984abaafd7c3b516503785c2072"),
      {"UnknownScript",
       {},
       {"EVALSHA", "0000000000000000000000000000000000000000", "0"},
       "NOSCRIPT No matching script."},
      // Commands.
      {"KeyOfAnotherType",
       {{"RPUSH", "k", "x"}},
       {"GET", "k"},
       "WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"WrongNumberOfArguments", {}, {"GET"}, "ERR wrong number of arguments for 'get' command"},
      {"SetNxLeavesWhatIsThere", {{"SET", "k", "a"}, {"SET", "k", "b", "NX"}}, {"GET", "k"}, "a"},
      {"SetXxMakesNothing", {{"SET", "k", "a", "XX"}}, {"EXISTS", "k"}, "0"},
      {"SetGetReturnsTheOldValue", {{"SET", "k", "a"}}, {"SET", "k", "b", "GET"}, "a"},
      {"SetGetReturnsNothingOfNothing", {}, {"SET", "k", "b", "PX", "100000", "GET"}, ""},
      {"SetGetLeavesAKeyOfAnotherType", {{"RPUSH", "k", "x"}, {"SET", "k", "b", "GET"}}, {"TYPE", "k"}, "list"},
      {"SetTakesTheTimeToLiveAway", {{"SET", "k", "a", "PX", "100000"}, {"SET", "k", "b"}}, {"PTTL", "k"}, "-1"},
      {"SetKeepTtlKeepsIt", {{"SET", "k", "a", "PX", "100000"}, {"SET", "k", "b", "KEEPTTL"}}, {"PERSIST", "k"}, "1"},
      {"IncrKeepsTheTimeToLive", {{"SET", "k", "1", "PX", "100000"}, {"INCR", "k"}}, {"PERSIST", "k"}, "1"},
      {"TimeToLiveOfNothing", {}, {"PTTL", "k"}, "-2"},
      {"ExpiryInThePastDeletes", {{"SET", "k", "1"}, {"PEXPIRE", "k", "-1"}}, {"EXISTS", "k"}, "0"},
      {"HashWithoutFieldsIsGone", {{"HSET", "k", "f", "1"}, {"HDEL", "k", "f"}}, {"TYPE", "k"}, "none"},
      {"FlushDbLeavesOtherDatabases",
       {{"SET", "k", "0"}, {"-n", "1", "SET", "k", "1"}, {"FLUSHDB"}, {"SET", "gone", "1"}},
       {"-n", "1", "GET", "k"},
       "1"},
      {"FlushDbEmptiesItsDatabase", {{"SET", "k", "0"}, {"FLUSHDB"}}, {"DBSIZE"}, "0"},
      {"FlushAllEmptiesEveryDatabase", {{"-n", "1", "SET", "k", "1"}, {"FLUSHALL"}}, {"-n", "1", "DBSIZE"}, "0"},
  };
  return cases;
}

}  // namespace jeton::test
