#include "tests/sim/more_tokens.hpp"

#include <string_view>

#include "tests/sim/invariants.hpp"
#include "tests/sim/simulation.hpp"

namespace jeton::sim {
namespace {

// There are too many for a look after every turn. Calls, publications and keys are looked at when they happen.
constexpr Duration time_between_rounds = std::chrono::seconds(1);

test::FleetSettings settings_of(const Plan& plan, std::size_t number) {
  test::FleetSettings settings = fleet_of(plan);
  settings.token = name_of_token(number);
  return settings;
}

}  // namespace

struct MoreTokens::Token {
  Token(const World& of_first, std::size_t number)
      : name(name_of_token(number)),
        fleet(settings_of(of_first.plan, number), &of_first.fleet),
        world(of_first.plan, fleet, nullptr),
        invariants(world) {
    prepare_provider(world);
  }
  // The fleet outlives what listens to it.
  ~Token() {
    fleet.provider.observer = nullptr;
    for (auto& segment : fleet.segments) segment.observer = nullptr;
  }
  Token(const Token&) = delete;
  Token& operator=(const Token&) = delete;

  std::string name;
  test::VirtualFleet fleet;
  World world;
  Invariants invariants;
};

MoreTokens::MoreTokens(World& world) : world_(world) {
  for (std::size_t number = 1; number < world.plan.tokens; ++number) {
    Token& token = *tokens_.emplace_back(std::make_unique<Token>(world, number));
    token.fleet.provider.observer = [this, &token](const test::ProviderCall& call) {
      token.invariants.heard(call);
      tell(token);
    };
    for (std::size_t host = 0; host < world.plan.hosts; ++host) {
      token.fleet.segments[host].observer = [this, &token, host] {
        token.invariants.published(host);
        tell(token);
      };
    }
  }
}

MoreTokens::~MoreTokens() = default;

void MoreTokens::start() {
  for (const auto& token : tokens_) token->fleet.start_all();
}

// "jeton:{api-7}:token": see name_of_token().
void MoreTokens::key_changed(std::size_t server, const std::string& key) {
  constexpr std::string_view before = "jeton:{api-";
  if (!key.starts_with(before)) return;
  Token& token = *tokens_.at(std::stoul(key.substr(before.size())) - 1);
  token.invariants.record_changed(server, key);
  tell(token);
}

void MoreTokens::each_turn() {
  if (tokens_.empty() || world_.now() < next_round_) return;
  next_round_ = world_.now() + time_between_rounds;
  for (const auto& token : tokens_) {
    token->invariants.each_turn_of_token();
    tell(*token);
  }
}

bool MoreTokens::are_well() {
  while (well_ < tokens_.size() && all_have_the_token(tokens_[well_]->fleet)) ++well_;
  return well_ == tokens_.size();
}

void MoreTokens::stop() {
  for (const auto& token : tokens_) {
    for (std::size_t host = 0; host < world_.plan.hosts; ++host) token->fleet.stop_soon(host);
  }
}

bool MoreTokens::have_stopped() {
  const std::size_t hosts = world_.plan.hosts;
  while (stopped_ < tokens_.size() * hosts) {
    if (!tokens_[stopped_ / hosts]->fleet.has_stopped(stopped_ % hosts)) return false;
    ++stopped_;
  }
  return true;
}

std::uint64_t MoreTokens::calls() const {
  std::uint64_t calls = 0;
  for (const auto& token : tokens_) calls += token->fleet.provider.calls;
  return calls;
}

std::string MoreTokens::hashes() const {
  std::string text;
  for (const auto& token : tokens_) text += " " + std::to_string(token->world.timeline.hash());
  return text;
}

void MoreTokens::tell(const Token& token) {
  const auto& violation = token.world.violation;
  if (violation) world_.fail(violation->invariant, token.name + ": " + violation->text);
}

}  // namespace jeton::sim
