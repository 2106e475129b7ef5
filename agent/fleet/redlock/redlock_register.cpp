#include "agent/fleet/redlock/redlock_register.hpp"

#include "agent/base/failpoint.hpp"
#include "agent/base/log.hpp"
#include "agent/fleet/redlock/redlock_tally.hpp"

namespace jeton::agent::redlock {
namespace {

using Stored = RedlockNode::Stored;
using StoredRound = RedlockRound<Stored>;
using Loaded = RedlockNode::Loaded;
using LoadRound = RedlockRound<Loaded>;

bool is_stored(const Stored& answer) { return answer.stored; }

bool has(const Loaded& loaded, Generation generation) {
  return loaded.record && loaded.record->generation >= generation;
}

// In the background, after a read: waits for the servers that were slower than the majority, too. One at a time for
// each token; who comes meanwhile (another server may have lost its data) is looked after next.
Task<> repair_laggards(Quorum quorum, std::string name, RedlockQuorum::Round<Loaded> round) {
  try {
    co_await LoadRound::wait_for_all(round, quorum->deadline());
    std::optional<Record> newest = newest_record(round->answers);
    const bool useful = newest && newest->valid(quorum->timers.clock());
    const bool lost = useful && round->count([](const Loaded& l) { return !l.record && !l.unreadable; }) > 0;
    if (useful && !(lost && quorum->on_loss && quorum->on_loss(name))) {
      const auto record = std::make_shared<const Record>(std::move(*newest));
      for (std::size_t i = 0; i < round->servers(); ++i) {
        const auto& answer = round->answers[i];
        if (!answer || has(*answer, record->generation)) continue;
        const std::shared_ptr<RedlockNode> node = quorum->nodes[i];
        const RedlockNode::Busy busy(*node);
        const Stored stored =
            co_await RedlockNode::publish(node, name, record, std::string(), Milliseconds{0}, quorum->deadline());
        if (!stored.stored) continue;
        log::info("a server was behind and was given the newest record",
                  {{"token", name}, {"server", node->display()}, {"generation", record->generation}});
      }
    }
  } catch (const TransportError& e) {
    log::debug("a server that is behind could not be given the newest record", {{"token", name}, {"error", e.what()}});
  } catch (const boost::system::system_error&) {
    // The loop ends.
  }
  const bool again = quorum->end_repair(name);
  if (!again) co_return;
  try {
    co_await load(quorum, name);
  } catch (const TransportError& e) {
    log::debug("the servers that are behind cannot be looked for", {{"token", name}, {"error", e.what()}});
  } catch (const boost::system::system_error&) {
    // The loop ends.
  }
}

// Whether any server still has to answer, or is known to be behind.
bool may_have_laggards(const LoadRound& round, const std::optional<Record>& newest) {
  if (round.answered() < round.servers()) return true;
  return newest && round.count([&](const Loaded& l) { return has(l, newest->generation); }) < round.servers();
}

}  // namespace

Task<PublishResult> publish(Quorum quorum, std::string name, std::shared_ptr<const Record> record, Lease lease) {
  quorum->let_go(lease.owner);  // it is given back on every server that takes the record
  const BootTime deadline = quorum->deadline();
  const std::string owner = lease.owner;
  const Milliseconds ttl = to_ms(lease.ttl);
  const RedlockQuorum::Question<Stored> question = [name, record, owner, ttl,
                                                    deadline](const std::shared_ptr<RedlockNode>& node) {
    return RedlockNode::publish(node, name, record, owner, ttl, deadline);
  };
  const RedlockQuorum::Round<Stored> round = quorum->ask(question);
  const auto decided = [](const StoredRound& r) {
    const std::size_t stored = r.count(is_stored);
    return stored >= r.majority() || (r.answered() >= r.majority() && stored + r.pending() < r.majority());
  };
  co_await StoredRound::wait(round, decided, deadline);
  JETON_FAILPOINT("redlock.publish.answered");
  PublishResult result;
  result.stored = round->count(is_stored) >= round->majority();
  if (result.stored) {
    const bool was_there =
        round->count([](const Stored& s) { return s.stored && s.record; }) == round->count(is_stored);
    if (was_there) result.current = *record;
    co_return result;
  }
  if (round->answered() < round->majority()) quorum->no_majority(*round);
  for (const auto& answer : round->answers) {
    if (!answer || !answer->record) continue;
    if (!result.current || answer->record->generation > result.current->generation) result.current = answer->record;
  }
  co_return result;
}

Task<std::optional<Record>> load(Quorum quorum, std::string name) {
  const BootTime deadline = quorum->deadline();
  const RedlockQuorum::Question<Loaded> question = [name, deadline](const std::shared_ptr<RedlockNode>& node) {
    return RedlockNode::load(node, name, deadline);
  };
  const RedlockQuorum::Round<Loaded> round = quorum->ask(question);
  // Servers that lost their data may be the first to answer, and a record that is not found is fetched again. So before
  // it is taken for missing, the others are waited for as well.
  const auto decided = [](const LoadRound& r) {
    return r.answered() >= r.majority() && r.count([](const Loaded& l) { return l.record.has_value(); }) > 0;
  };
  co_await LoadRound::wait(round, decided, deadline);
  if (round->answered() < round->majority()) quorum->no_majority(*round);
  std::optional<Record> newest = newest_record(round->answers);
  if (may_have_laggards(*round, newest) && quorum->begin_repair(name)) {
    start_task(quorum->timers.executor(), repair_laggards(quorum, name, round));
  }
  co_return newest;
}

Task<> pause(Quorum quorum, std::string name, Pause pause) {
  if (pause.until <= quorum->now()) co_return;
  const BootTime deadline = quorum->deadline();
  const RedlockQuorum::Question<bool> question = [name, pause, deadline](const std::shared_ptr<RedlockNode>& node) {
    return RedlockNode::pause(node, name, pause, deadline);
  };
  const RedlockQuorum::Round<bool> round = quorum->ask(question);
  const auto decided = [](const RedlockRound<bool>& r) { return r.answered() >= r.majority(); };
  co_await RedlockRound<bool>::wait(round, decided, deadline);
  if (round->answered() < round->majority()) quorum->no_majority(*round);
}

Task<> resume(Quorum quorum, std::string name) {
  const BootTime deadline = quorum->deadline();
  const RedlockQuorum::Question<bool> question = [name, deadline](const std::shared_ptr<RedlockNode>& node) {
    return RedlockNode::resume(node, name, deadline);
  };
  const RedlockQuorum::Round<bool> round = quorum->ask(question);
  // A pause on any server of a majority counts, so all should have answered; a minority that is out keeps it until it
  // ends.
  const auto all = [](const RedlockRound<bool>&) { return false; };
  co_await RedlockRound<bool>::wait(round, all, deadline);
  if (round->answered() < round->majority()) quorum->no_majority(*round);
}

Task<> announce_rejection(Quorum quorum, std::string name, Generation generation) {
  const BootTime deadline = quorum->deadline();
  const RedlockQuorum::Question<bool> question = [name, generation,
                                                  deadline](const std::shared_ptr<RedlockNode>& node) {
    return RedlockNode::announce_rejection(node, name, generation, deadline);
  };
  const RedlockQuorum::Round<bool> round = quorum->ask(question);
  const auto decided = [](const RedlockRound<bool>& r) { return r.answered() >= r.majority(); };
  co_await RedlockRound<bool>::wait(round, decided, deadline);
  if (round->answered() < round->majority()) quorum->no_majority(*round);
}

}  // namespace jeton::agent::redlock
