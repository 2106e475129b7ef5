#include <iterator>

#include "tests/sim/fault_rows.hpp"

namespace jeton::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::Answer;
using Target = FaultInfo::Target;

void fail_calls(World& world, const Fault&) { world.fleet.provider.behave(Answer::failure()); }
void ask_to_wait(World& world, const Fault& fault) {
  world.fleet.provider.behave(Answer::failure(seconds(1 + fault.amount % 120)));
}
void refuse_calls(World& world, const Fault&) { world.fleet.provider.behave(Answer::refusal()); }
void give_the_same(World& world, const Fault&) {
  const auto& issued = world.fleet.provider.issued;
  if (!issued.empty()) world.fleet.provider.behave(Answer::same(issued.back()));
}
void lose_answers(World& world, const Fault& fault) {
  world.fleet.provider.behave(Answer::lost(), static_cast<int>(1 + fault.amount % 2));
}
void give_no_token(World& world, const Fault&) { world.fleet.provider.behave(Answer::unusable(), 1); }
void give_nonsense(World& world, const Fault&) { world.fleet.provider.behave(Answer::unread(), 1); }
// Tokens that no segment takes, and lifetimes that nobody can mean. One of nine years is believed.
void give_hostile_answers(World& world, const Fault& fault) {
  const std::string token = "hostile-" + std::to_string(world.fleet.provider.calls);
  const Answer answers[] = {Answer::hostile(std::string(9'000, 'x'), "60"),
                            Answer::hostile("", "60"),
                            Answer::hostile("with\\nbreak", "60"),
                            Answer::hostile(token, "1e12"),
                            Answer::hostile(token, "-60"),
                            Answer::hostile(token, "284000000")};
  world.fleet.provider.behave(answers[fault.amount % std::size(answers)]);
}
void serve(World& world, const Fault&) { world.fleet.provider.behave({}); }

void answer_slowly(World& world, const Fault& fault) {
  world.fleet.provider.answer_time = milliseconds(1'000 + fault.amount % 9'000);
}
void answer_fast(World& world, const Fault&) { world.fleet.provider.answer_time = world.plan.answer_time; }

void hang(World& world, const Fault&) { world.fleet.provider.behave(Answer::never()); }
void end_hanging(World& world, const Fault&) {
  world.fleet.provider.behave({});
  world.fleet.provider.release();
}

void date_end(World& world, const Fault& fault) {
  const Milliseconds left =
      seconds(10) + milliseconds(fault.amount % static_cast<std::uint64_t>(world.plan.lifetime.count()));
  world.fleet.provider.dated_end = world.fleet.loop.clock.wall_now() + left;
}
void date_none(World& world, const Fault&) { world.fleet.provider.dated_end.reset(); }

// By a clock of its own.
void date_by_wrong_clock(World& world, const Fault& fault) {
  const seconds errors[] = {seconds(2), seconds(-2), seconds(30), seconds(-30), seconds(600), seconds(-600)};
  world.fleet.provider.clock_error = errors[fault.amount % std::size(errors)];
}
void date_by_no_clock(World& world, const Fault&) { world.fleet.provider.clock_error.reset(); }

void end_old_tokens(World& world, const Fault& fault) {
  world.fleet.provider.ends_former = fault.amount % 2 == 0 ? no_time : world.plan.refresh.overlap;
}
void keep_old_tokens(World& world, const Fault&) { world.fleet.provider.ends_former.reset(); }

void limit_calls(World& world, const Fault& fault) {
  const seconds times[] = {seconds(5), seconds(20), seconds(60)};
  world.fleet.provider.rate_limit = test::RateLimit{.calls = 1 + fault.amount % 2,
                                                    .per = times[fault.amount / 2 % std::size(times)],
                                                    .tells = fault.amount / 6 % 2 == 0};
}
void limit_none(World& world, const Fault&) { world.fleet.provider.rate_limit.reset(); }

}  // namespace

std::vector<FaultInfo> provider_faults() {
  return {
      {FaultKind::provider_outage, "provider outage", Resource::provider, Target::nothing, seconds(1), seconds(90), 0,
       fail_calls, serve},
      {FaultKind::retry_after, "provider asks to wait", Resource::provider, Target::nothing, seconds(1), seconds(60), 0,
       ask_to_wait, serve},
      {FaultKind::rate_limit, "provider limits the calls", Resource::rate_limit, Target::nothing, seconds(5),
       seconds(90), 0, limit_calls, limit_none},
      {FaultKind::provider_refusal, "provider refuses the credentials", Resource::provider, Target::nothing, seconds(1),
       seconds(60), 0, refuse_calls, serve},
      {FaultKind::same_token, "provider gives the same token", Resource::provider, Target::nothing, seconds(1),
       seconds(90), 0, give_the_same, serve},
      {FaultKind::old_token_ends, "provider ends the old token", Resource::successor, Target::nothing, seconds(5),
       seconds(120), 0, end_old_tokens, keep_old_tokens},
      {FaultKind::answer_lost, "provider's answer is lost", Resource::provider, Target::nothing, seconds(1),
       seconds(60), set_of({Invariant::chain}), lose_answers, serve},
      {FaultKind::answer_unusable, "provider's answer has no token", Resource::provider, Target::nothing, seconds(1),
       seconds(60), 0, give_no_token, serve},
      {FaultKind::answer_unread, "provider's answer cannot be read", Resource::provider, Target::nothing, seconds(1),
       seconds(60), 0, give_nonsense, serve},
      {FaultKind::provider_slow, "provider is slow", Resource::answer_time, Target::nothing, seconds(5), seconds(90), 0,
       answer_slowly, answer_fast},
      {FaultKind::provider_hangs, "provider hangs", Resource::provider, Target::nothing, seconds(1), seconds(60), 0,
       hang, end_hanging},
      {FaultKind::dated_end, "tokens end at a date", Resource::dated, Target::nothing, seconds(5), seconds(90), 0,
       date_end, date_none},
      {FaultKind::provider_clock, "provider dates by a wrong clock", Resource::dated, Target::nothing, seconds(5),
       seconds(90), 0, date_by_wrong_clock, date_by_no_clock},
      {FaultKind::answer_hostile, "provider's answer is hostile", Resource::provider, Target::nothing, seconds(1),
       seconds(60), 0, give_hostile_answers, serve},
  };
}

}  // namespace jeton::sim
