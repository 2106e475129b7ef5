#include "agent/config/schema/chain_check.hpp"

#include <set>

namespace jeton::agent {

namespace {

using Tokens = std::map<std::string, TokenConfig>;

using TokenPath = std::vector<std::string>;

// From `at` to `goal`, both included; empty: there is none.
TokenPath path_to(const std::string& goal, const Tokens& tokens, const std::string& at, std::set<std::string>& seen) {
  if (at == goal) return {goal};
  const auto token = tokens.find(at);
  if (token == tokens.end() || !seen.insert(at).second) return {};
  for (const std::string& next : token->second.uses) {
    TokenPath rest = path_to(goal, tokens, next, seen);
    if (rest.empty()) continue;
    rest.insert(rest.begin(), at);
    return rest;
  }
  return {};
}

void check_uses(const SecretReference& reference, const std::string& used, Tokens& tokens, Problems& problems) {
  const std::string text = "${token:" + used + "}";
  const auto user = tokens.find(reference.token);
  if (user == tokens.end()) {
    problems.error(reference.place, text + ": a token can be used in the source of another token only");
  } else if (!tokens.contains(used)) {
    std::string known;
    for (const auto& [name, token] : tokens) {
      if (name != reference.token) known += (known.empty() ? "" : ", ") + name;
    }
    problems.error(reference.place, text + ": there is no token with that name" +
                                        (known.empty() ? std::string() : "; the other tokens are " + known));
  } else {
    user->second.uses.insert(used);
  }
}

}  // namespace

void check_chains(const std::vector<SecretReference>& references, Tokens& tokens, Problems& problems) {
  const auto each_token_part = [&](const auto& what) {
    for (const SecretReference& reference : references) {
      for (const SecretTemplate::Part& part : reference.secret.parts()) {
        if (part.kind == SecretTemplate::Part::Kind::token) what(reference, part.text);
      }
    }
  };
  each_token_part([&](const SecretReference& reference, const std::string& used) {
    check_uses(reference, used, tokens, problems);
  });
  std::set<std::string> reported;  // the tokens of the circles that were
  each_token_part([&](const SecretReference& reference, const std::string& used) {
    std::set<std::string> seen;
    const TokenPath path = path_to(reference.token, tokens, used, seen);
    if (path.empty() || reported.contains(reference.token)) return;
    reported.insert(path.begin(), path.end());
    std::string text = reference.token;
    for (const std::string& name : path) text += " -> " + name;
    problems.error(reference.place, "the sources of these tokens use each other in a circle: " + text +
                                        "; each would wait for the other");
  });
}

}  // namespace jeton::agent
