// Mistakes in the outputs of a token.
#include "tests/unit/config/broken_config.hpp"

namespace jeton::test {
namespace {

class BrokenOutput : public testing::TestWithParam<BrokenConfig> {};

// `text` is the value of outputs, on line 5.
TEST_P(BrokenOutput, OutputHasAnError_IsRefusedAtItsPlace) {
  const BrokenConfig& broken = GetParam();
  const std::string text =
      "version: 1\ntokens:\n  t:\n    source: {type: http, url: https://api.example.com/}\n    outputs: " +
      std::string(broken.text) + "\n";
  expect_refused({broken.name, text.c_str(), broken.line, broken.message});
}

INSTANTIATE_TEST_SUITE_P(
    Key, BrokenOutput,
    testing::Values(
        BrokenConfig{"IsAMap", "{path: /run/x/t}", 5, "tokens.t.outputs: expected a list"},
        BrokenConfig{"ItemIsText", "[/run/x/t]", 5, "tokens.t.outputs: expected a map of keys; got text"},
        BrokenConfig{"NoPath", "[{mode: 0600}]", 5, "missing required key 'path' in tokens.t.outputs"},
        BrokenConfig{"KeyMisspelt", "[{path: /run/x/t, templatee: a}]", 5, "did you mean 'template'?"},
        BrokenConfig{"PathIsRelative", "[{path: x/t}]", 5, "expected the absolute path of a file"},
        BrokenConfig{"PathClimbs", "[{path: /run/x/../t}]", 5, "without . and .."},
        BrokenConfig{"PathIsADirectory", "[{path: /run/x/}]", 5, "expected the absolute path of a file"},
        BrokenConfig{"PathIsTheAgents", "[{path: /run/jeton/agent.sock}]", 5, "in a directory of the agent's own"},
        BrokenConfig{"PathIsTheStates", "[{path: /var/lib/jeton/t.record}]", 5, "in a directory of the agent's own"},
        BrokenConfig{"PathTwice", "\n      - path: /run/x/t\n      - path: /run/x/t", 7,
                     "already the path of another output (agent.yaml:6:15)"},
        BrokenConfig{"FieldIsUnknown",
                     "\n      - path: /run/x/t\n        template: |\n          a\n          {{ valuee }}\n", 7,
                     "tokens.t.outputs.template, line 2: unknown field or function 'valuee'; did you mean 'value'?"},
        BrokenConfig{"TokenIsUnknown", "[{path: /run/x/t, template: '{{ other:value }}'}]", 5,
                     "names the token 'other', and there is no token with that name"},
        BrokenConfig{"TemplateIsEmpty", "[{path: /run/x/t, template: ''}]", 5, "is empty"},
        BrokenConfig{"ModeIsNoNumber", "[{path: /run/x/t, mode: rw}]", 5, "expected an octal mode"},
        BrokenConfig{"ModeIsDecimal", "[{path: /run/x/t, mode: 0680}]", 5, "expected an octal mode"},
        BrokenConfig{"ModeLetsTheGroupWrite", "[{path: /run/x/t, mode: 0660}]", 5, "no other user write"},
        BrokenConfig{"ModeIsSetUserId", "[{path: /run/x/t, mode: 4600}]", 5, "expected an octal mode"},
        BrokenConfig{"GroupThatIsNotThere", "[{path: /run/x/t, group: no-such-group-here}]", 5, "there is no group"},
        BrokenConfig{"OwnerThatIsNotThere", "[{path: /run/x/t, owner: no-such-user-here}]", 5, "there is no user"},
        BrokenConfig{"OnExpiryIsUnknown", "[{path: /run/x/t, on_expiry: delete}]", 5, "unknown value 'delete'"},
        BrokenConfig{"HookDoesNothing", "[{path: /run/x/t, on_change: {timeout: 1s}}]", 5,
                     "set exactly one of command, reload and signal"},
        BrokenConfig{"HookDoesTwoThings", "[{path: /run/x/t, on_change: {command: [/bin/true], reload: x.service}}]", 5,
                     "set exactly one of command, reload and signal"},
        BrokenConfig{"HookIsALine", "[{path: /run/x/t, on_change: {command: /bin/true}}]", 5, "expected a list"},
        BrokenConfig{"HookHasASecret", "[{path: /run/x/t, on_change: {command: [/bin/echo, '${env:PATH}']}}]", 5,
                     "let the program read the file of the output"},
        BrokenConfig{"HookIsNoProgram", "[{path: /run/x/t, on_change: {command: [/no/such/program]}}]", 5,
                     "No such file or directory"},
        BrokenConfig{"UnitIsAnOption", "[{path: /run/x/t, on_change: {reload: --all}}]", 5,
                     "is not the name of a unit"},
        BrokenConfig{"SignalIsUnknown", "[{path: /run/x/t, on_change: {signal: KILL, pid_file: /run/x.pid}}]", 5,
                     "unknown value 'KILL'"},
        BrokenConfig{"SignalHasNoProcess", "[{path: /run/x/t, on_change: {signal: HUP}}]", 5,
                     "signal and pid_file go together"}),
    name_of);

TEST(Output, EveryoneMayRead_IsAWarning) {
  const auto result = load_text(
      "version: 1\ntokens:\n  t:\n    source: {type: http, url: https://api.example.com/}\n"
      "    outputs: [{path: /run/x/t, mode: 0644}]\n");
  ASSERT_TRUE(result.config);
  EXPECT_NE(all_texts(result.problems).find("lets every user of this host read the token"), std::string::npos);
}

TEST(Output, OnlyThePathIsSet_RestHasDefaults) {
  const auto result = load_text(
      "version: 1\ntokens:\n  t:\n    source: {type: http, url: https://api.example.com/}\n"
      "    outputs: [{path: /run/x/t}]\n");
  ASSERT_TRUE(result.config) << all_texts(result.problems);
  EXPECT_TRUE(result.problems.empty()) << all_texts(result.problems);
  const auto& outputs = result.config->tokens.at("t").outputs;
  ASSERT_EQ(outputs.size(), 1U);
  EXPECT_EQ(outputs[0].path, "/run/x/t");
  EXPECT_EQ(outputs[0].content, agent::OutputTemplate::parse("{{ value }}\n"));
  EXPECT_EQ(outputs[0].mode, 0600U);
  EXPECT_FALSE(outputs[0].remove_expired);
  EXPECT_FALSE(outputs[0].on_change);
}

}  // namespace
}  // namespace jeton::test
