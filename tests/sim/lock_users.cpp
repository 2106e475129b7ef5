#include "tests/sim/lock_users.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <utility>

namespace jeton::sim {
namespace {

using std::chrono::seconds;
using State = agent::LockSession::State;

constexpr std::uint64_t salt_of_users = 0x75736572;
constexpr const char* name_of_lock = "job";

bool is_over(State state) {
  return state == State::busy || state == State::failed || state == State::lost || state == State::ended ||
         state == State::handed_over;
}

// The folder of a run has another name in each.
std::string without(const std::string& folder, std::string reason) {
  const auto at = reason.find(folder);
  return at == std::string::npos ? reason : reason.erase(at, folder.size());
}

}  // namespace

LockUsers::LockUsers(World& world)
    : world_(world), invariants_(world), random_(world.plan.seed ^ salt_of_users), sites_(world.plan.hosts) {
  for (std::size_t i = 0; i < world.plan.lock_users; ++i) {
    users_.push_back({.name = "user-" + std::to_string(i), .host = i % world.plan.hosts});
  }
}

// Nothing of a broker is left when the fleet ends.
LockUsers::~LockUsers() {
  for (std::size_t i = 0; i < sites_.size(); ++i) {
    world_.fleet.go_on(i);
    end_site(i, true);
  }
  if (ended_.empty()) return;
  const auto over = [&] { return std::all_of(ended_.begin(), ended_.end(), [](const auto& s) { return s->over; }); };
  static_cast<void>(world_.fleet.until(over));
  world_.fleet.pass(seconds(5));  // calls that are on their way end at their deadlines
}

void LockUsers::each_turn() {
  if (users_.empty()) return;
  for (std::size_t i = 0; i < sites_.size(); ++i) follow_host(i);
  std::vector<Belief> beliefs;
  for (User& user : users_) {
    if (!world_.fleet.is_paused(user.host)) act(user);
    if (user.holds && user.session->state() == State::held) {
      beliefs.push_back(belief_of(user));
    }
  }
  invariants_.look(beliefs);
}

void LockUsers::follow_host(std::size_t host) {
  auto& site = sites_[host];
  // By its run, not by time: an agent that is killed may be started again at the same moment.
  const bool crashed = site && world_.fleet.dead_agent_of(site->run);
  if (site && (crashed || !world_.fleet.runs(host))) end_site(host, crashed);
  if (site || stopping_ || !world_.fleet.runs(host)) return;
  site = std::make_unique<Site>();
  site->run = world_.fleet.run_of(host);
  site->broker = std::make_unique<agent::LockBroker>(world_.fleet.timers_of(host), world_.fleet.loop.random,
                                                     world_.fleet.make_lock_store(host));
  agent::LockRules rules;
  rules["*"].pattern = "*";
  site->broker->configure(std::move(rules));
}

// A crash leaves every lock to its time to live; a stop asks the holders to end.
void LockUsers::end_site(std::size_t host, bool crashed) {
  if (!sites_[host]) return;
  for (User& user : users_) {
    if (user.host != host || !user.session || !crashed) continue;
    world_.note(user.name, user.holds ? "dies with its lock" : "dies");
    user.session->hand_over();
    user.session.reset();
    user.holds = false;
    wake(user, longest_rest_);
  }
  Site& site = *ended_.emplace_back(std::move(sites_[host]));
  boost::asio::co_spawn(world_.fleet.loop.context, site.broker->stop(),
                        [&site](std::exception_ptr) { site.over = true; });
}

void LockUsers::act(User& user) {
  if (!user.session) {
    if (!stopping_ && sites_[user.host] && world_.now() >= user.next_at) ask(user);
    return;
  }
  agent::LockSession& session = *user.session;
  if (is_over(session.state())) {
    const bool held = std::exchange(user.holds, false);
    const char* const how = session.state() == State::lost     ? "lost its lock: "
                            : session.state() == State::busy   ? "finds it busy"
                            : session.state() == State::failed ? "cannot have it: "
                            : held                             ? "gave it back"
                                                               : "ended";
    world_.note(user.name, how + without(world_.fleet.directory(user.host).string(), session.reason()));
    user.session.reset();
    wake(user, longest_rest_);
  } else if (session.state() == State::held && !user.holds) {
    user.holds = true;
    user.since = world_.now();
    ++user.grants;
    const Belief belief = belief_of(user);
    world_.note(user.name, "holds the lock, fence " + std::to_string(belief.fence));
    invariants_.granted(belief);
    // Many hold it so briefly that it is passed on within the host.
    const bool is_brief = random_.uniform() < 0.5;
    wake(user, is_brief ? Duration(std::chrono::milliseconds(20)) : longest_hold());
  } else if (stopping_ || session.asked_to_end() || (user.holds && world_.now() >= user.next_at)) {
    session.cancel();
  }
}

Belief LockUsers::belief_of(const User& user) const {
  const BootTime until = world_.fleet.timers_of(user.host).in_world(user.session->valid_until());
  const agent::HeldLock& held = user.session->held().front();
  return {user.name, user.host, held.lease.fence, user.since, until, held.tenure.passes > 0};
}

void LockUsers::ask(User& user) {
  const seconds waits[] = {seconds(0), seconds(5), seconds(60), seconds(60)};
  const agent::LockBroker& rules = *sites_[user.host]->broker;
  agent::LockRequest request;
  request.name = name_of_lock;
  request.locks.push_back(agent::lock_id(*rules.rule(name_of_lock), name_of_lock));
  request.acquire.ttl = world_.plan.lock_user_ttl;
  request.acquire.note.by = agent::LockHolder{host_name(user.host), 1, 1};
  request.wait = waits[static_cast<std::size_t>(4 * random_.uniform()) % std::size(waits)];
  user.session = sites_[user.host]->broker->open(std::move(request));
  user.next_at = BootTime::max();
}

// The loop turns then.
void LockUsers::wake(User& user, Duration longest) {
  user.next_at = world_.now() + std::chrono::duration_cast<Duration>(longest * random_.uniform());
  static_cast<void>(world_.fleet.loop.timers.schedule(user.next_at, [] {}));
}

Duration LockUsers::longest_hold() const {
  constexpr std::size_t few = 6;  // as many as a seed draws
  return Duration(seconds(4)) / static_cast<Duration::rep>(std::max(few, users_.size()) / few);
}

void LockUsers::calm_begins() {
  longest_rest_ = usual_rest;
  for (User& user : users_) {
    user.grants = user.holds ? 1 : 0;
    if (!user.session) wake(user, longest_rest_);
  }
}

void LockUsers::everybody_had_it() {
  for (const User& user : users_) invariants_.waited_in_calm(user.name, user.grants);
}

bool LockUsers::stopped() const {
  const bool all = std::all_of(users_.begin(), users_.end(), [](const User& user) { return !user.session; });
  return all && std::all_of(ended_.begin(), ended_.end(), [](const auto& site) { return site->over; });
}

void LockUsers::nothing_is_left() {
  if (!users_.empty()) invariants_.nothing_is_left();
}

}  // namespace jeton::sim
