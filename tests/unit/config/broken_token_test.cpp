// Mistakes in a token beside its source.
#include "tests/unit/config/broken_config.hpp"

namespace jeton::test {
namespace {

class BrokenToken : public testing::TestWithParam<BrokenConfig> {};

// `text` is the rest of the token beside the source, on line 5.
TEST_P(BrokenToken, TokenHasAnError_IsRefusedAtItsPlace) {
  const BrokenConfig& broken = GetParam();
  const std::string text = "version: 1\ntokens:\n  t:\n    source: {type: http, url: https://api.example.com/}\n    " +
                           std::string(broken.text);
  expect_refused({broken.name, text.c_str(), broken.line, broken.message});
}

INSTANTIATE_TEST_SUITE_P(
    Key, BrokenToken,
    testing::Values(
        BrokenConfig{"Misspelt", "refesh: {}\n", 5, "did you mean 'refresh'?"},
        BrokenConfig{"GraceMisspelt", "refresh: {graze: 5m}\n", 5,
                     "unknown key 'graze' in tokens.t.refresh; did you mean 'grace'?"},
        BrokenConfig{"SpreadAboveGrace", "refresh: {grace: 5s, spread: 10s}\n", 5, "is longer than grace (5s)"},
        BrokenConfig{"GraceTooShort", "refresh: {grace: 1ms}\n", 5, "not in 100ms to 30d"},
        BrokenConfig{"RetryInitialAboveMax", "refresh: {retry: {initial: 1m, max: 10s}}\n", 5, "longer than"},
        BrokenConfig{"RetryMaxBelowDefaultInitial", "refresh: {retry: {max: 500ms}}\n", 5, "longer than"},
        BrokenConfig{"RetryIsADuration", "refresh: {retry: 5s}\n", 5, "expected a map of keys; got text"},
        BrokenConfig{"BudgetPerWithoutCalls", "budget: {per: 24h}\n", 5, "missing required key 'calls'"},
        BrokenConfig{"BudgetOfNothing", "budget: {calls: 0}\n", 5, "not in 1 to"},
        BrokenConfig{"BudgetIsText", "budget: {calls: many}\n", 5, "expected a whole number"},
        BrokenConfig{"BudgetInHex", "budget: {calls: 0x10}\n", 5, "expected a whole number"},
        BrokenConfig{"GroupsIsText", "access: {groups: wechat}\n", 5, "expected a list like [a, b]; got text"},
        BrokenConfig{"GroupTwice", "access: {groups: [root, root]}\n", 5, "lists 'root' twice"},
        BrokenConfig{"GroupThatIsNotThere", "access: {groups: [no-such-group-here]}\n", 5, "there is no group"},
        BrokenConfig{"UserThatIsNotThere", "access: {users: [root, no-such-user-here]}\n", 5, "there is no user"},
        BrokenConfig{"GroupWithColon", "access: {groups: ['a:b']}\n", 5, "not the name of a user or group"},
        BrokenConfig{"UserIsNothing", "access: {users: [~]}\n", 5, "expected only text in the list; got nothing"},
        BrokenConfig{"UserIsAList", "access: {users: [[a]]}\n", 5, "got a list"},
        BrokenConfig{"CapacityTooSmall", "capacity: 10\n", 5, "not in 64B to 1MiB"},
        BrokenConfig{"CapacityTooLarge", "capacity: 2MiB\n", 5, "not in 64B to 1MiB"},
        BrokenConfig{"CapacityOverflows", "capacity: 99999999999999999999\n", 5, "expected a size"}),
    name_of);

class BrokenTokens : public testing::TestWithParam<BrokenConfig> {};

TEST_P(BrokenTokens, TokensHaveAnError_IsRefusedAtItsPlace) { expect_refused(GetParam()); }

INSTANTIATE_TEST_SUITE_P(
    Map, BrokenTokens,
    testing::Values(
        BrokenConfig{"IsAList", "version: 1\ntokens: [a]\n", 2, "expected a map of names; got a list"},
        BrokenConfig{"TokenIsText", "version: 1\ntokens:\n  a: b\n", 3, "tokens.a: expected a map of keys; got text"},
        BrokenConfig{"NoSource", "version: 1\ntokens:\n  a: {}\n", 3, "missing required key 'source' in tokens.a"},
        BrokenConfig{"NoType", "version: 1\ntokens:\n  a:\n    source: {url: https://h/}\n", 4,
                     "missing required key 'type' in tokens.a.source"},
        BrokenConfig{"NoUrl", "version: 1\ntokens:\n  a:\n    source: {type: http}\n", 4,
                     "missing required key 'url' in tokens.a.source"},
        BrokenConfig{"TypeUnknown", "version: 1\ntokens:\n  a:\n    source: {type: carrier_pigeon, url: https://h/}\n",
                     4, "unknown value 'carrier_pigeon'"},
        BrokenConfig{"NameInUpperCase", "version: 1\ntokens:\n  A: {source: {type: http, url: https://h/}}\n", 3,
                     "token name 'A'"},
        BrokenConfig{"NameClimbs", "version: 1\ntokens:\n  ../a: {source: {type: http, url: https://h/}}\n", 3,
                     "token name '../a'"},
        BrokenConfig{"NameIsDots", "version: 1\ntokens:\n  ..: {source: {type: http, url: https://h/}}\n", 3,
                     "token name '..'"},
        BrokenConfig{"NameWithBrace", "version: 1\ntokens:\n  'a}b': {source: {type: http, url: https://h/}}\n", 3,
                     "token name 'a}b'"},
        BrokenConfig{"NameTooLong",
                     "version: 1\ntokens:\n  a123456789012345678901234567890123456789012345678901234567890123: "
                     "{source: {type: http, url: https://h/}}\n",
                     3, "1 to 63"},
        BrokenConfig{"NameIsEmpty", "version: 1\ntokens:\n  '': {source: {type: http, url: https://h/}}\n", 3,
                     "a name is empty"}),
    name_of);

}  // namespace
}  // namespace jeton::test
