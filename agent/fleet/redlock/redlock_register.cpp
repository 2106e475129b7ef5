#include "agent/fleet/redlock/redlock_register.hpp"

#include <algorithm>
#include <vector>

#include "agent/base/failpoint.hpp"
#include "agent/base/log.hpp"

namespace jeton::agent::redlock {
namespace {

using StoredRound = RedlockRound<PublishResult>;
using Loaded = RedisServer::Loaded;
using LoadRound = RedlockRound<Loaded>;

bool is_stored(const PublishResult& answer) { return answer.stored; }

bool has(const Loaded& loaded, Generation generation) {
  return loaded.record && loaded.record->generation >= generation;
}

// To a server that is behind. One that refuses it, or is lost, does not hold up the others.
Task<> give(Server server, Subject subject, std::shared_ptr<const Record> record) {
  const RedisServer::Busy busy(*server);
  try {
    const PublishResult stored = co_await server->publish(subject, record, std::string(), server->deadline());
    if (!stored.stored) co_return;
    log::info("a server was behind and was given the newest record",
              {{"token", subject.name}, {"server", server->display()}, {"generation", record->generation}});
  } catch (const TransportError& e) {
    log::debug("a server that is behind could not be given the newest record",
               {{"token", subject.name}, {"error", e.what()}});
  }
}

// In the background, after a read: waits for the servers that were slower than the majority, too. One at a time for
// each token; a read that comes meanwhile (another server may have lost its data) is looked after next.
Task<> repair_laggards(Quorum quorum, Subject subject, RedlockQuorum::Round<Loaded> round) {
  try {
    co_await LoadRound::wait_for_all(round, quorum->deadline());
    std::optional<Record> newest = newest_record(*round);
    // A token worth having, or a state that outlives it.
    const bool useful = newest && (newest->valid(quorum->timers.clock()) || !newest->state.empty());
    std::vector<std::size_t> behind;
    for (std::size_t i = 0; useful && i < round->servers(); ++i) {
      const auto& answer = round->answers[i];
      if (answer && !has(*answer, newest->generation) && !quorum->servers[i]->refuses_records()) behind.push_back(i);
    }
    const bool lost = std::any_of(behind.begin(), behind.end(), [&](std::size_t i) {
      return !round->answers[i]->record && !round->answers[i]->unreadable;
    });
    // A server without the record may have lost count and pause as well; a listener knows them and gives all of it
    // back.
    if (useful && !(lost && quorum->notifications->notify_data_loss(subject.name))) {
      const auto record = std::make_shared<const Record>(std::move(*newest));
      for (const std::size_t i : behind) co_await give(quorum->servers[i], subject, record);
    }
  } catch (const boost::system::system_error&) {
    // The loop ends.
  }
  const bool again = quorum->end_repair(subject.name);
  if (!again) co_return;
  try {
    co_await load(quorum, subject);
  } catch (const TransportError& e) {
    log::debug("the servers that are behind cannot be looked for", {{"token", subject.name}, {"error", e.what()}});
  }
}

// A publication as a whole, for its servers.
struct Publication {
  Lease lease;           // without an owner: a repair
  bool is_over = false;  // a majority has answered: its lock ends, also where the answer is missing
};

void release_later(Server server, const Subject& subject, const Lease& lease) {
  if (!lease.owner.empty()) server->cancel_acquire(subject, lease.owner, lease.ttl);
}

// A server that takes the record, or has a newer one, releases the lock.
Task<PublishResult> publish_on(Server server, Subject subject, std::shared_ptr<const Record> record,
                               std::shared_ptr<const Publication> publication, BootTime deadline) {
  const Lease& lease = publication->lease;
  try {
    RedisServer::Turn turn;
    if (!lease.owner.empty()) turn = co_await server->in_turn(subject, deadline);
    JETON_FAILPOINT("redlock.publish.sending");
    PublishResult stored = co_await server->publish(subject, record, lease.owner, deadline);
    co_return stored;
  } catch (const Error&) {
    if (publication->is_over) release_later(server, subject, lease);
    throw;
  }
}

// Whether any server still has to answer, or is known to be behind.
bool may_have_laggards(const LoadRound& round, const std::optional<Record>& newest) {
  if (round.answered() < round.servers()) return true;
  return newest && round.count([&](const Loaded& l) { return has(l, newest->generation); }) < round.servers();
}

}  // namespace

Task<PublishResult> publish(Quorum quorum, Subject subject, std::shared_ptr<const Record> record, Lease lease) {
  quorum->mark_abandoned(lease.owner);  // it is released on every server that takes the record
  const auto publication = std::make_shared<Publication>(Publication{lease});
  const RedlockQuorum::Question<PublishResult> question = [subject, record, publication](const Server& server,
                                                                                         BootTime deadline) {
    return publish_on(server, subject, record, publication, deadline);
  };
  const BootTime until = quorum->deadline();
  const RedlockQuorum::Round<PublishResult> round = quorum->ask(question, until);
  const auto decided = [](const StoredRound& r) {
    const std::size_t stored = r.count(is_stored);
    return stored >= r.majority() || (r.answered() >= r.majority() && stored + r.pending() < r.majority());
  };
  co_await StoredRound::wait(round, decided, until);
  JETON_FAILPOINT("redlock.publish.answered");
  PublishResult result;
  result.stored = round->count(is_stored) >= round->majority();
  if (!result.stored && round->answered() < round->majority()) quorum->no_majority(*round);
  publication->is_over = true;
  for (std::size_t i = 0; i < round->servers(); ++i) {
    if (!round->failures[i].empty()) release_later(quorum->servers[i], subject, lease);
  }
  if (result.stored) {
    const auto had_it = [](const PublishResult& answer) { return answer.stored && answer.current; };
    if (round->count(had_it) == round->count(is_stored)) result.current = *record;
    co_return result;
  }
  for (const auto& answer : round->answers) {
    if (!answer || !answer->current) continue;
    if (!result.current || answer->current->generation > result.current->generation) result.current = answer->current;
  }
  co_return result;
}

Task<std::optional<Record>> load(Quorum quorum, Subject subject) {
  const RedlockQuorum::Question<Loaded> question = [subject](const Server& server, BootTime deadline) {
    return server->load(subject, deadline);
  };
  // Servers that lost their data may be the first to answer, and a record that is not found is fetched again. So before
  // it is taken for missing, the others are waited for as well.
  const auto decided = [](const LoadRound& r) {
    return r.answered() >= r.majority() && r.count([](const Loaded& l) { return l.record.has_value(); }) > 0;
  };
  const RedlockQuorum::Round<Loaded> round = co_await RedlockQuorum::decide(quorum, question, decided);
  std::optional<Record> newest = newest_record(*round);
  if (may_have_laggards(*round, newest) && quorum->begin_repair(subject.name)) {
    start_task(quorum->timers.executor(), repair_laggards(quorum, subject, round));
  }
  co_return newest;
}

Task<> pause(Quorum quorum, Subject subject, Pause pause) {
  if (pause.until <= quorum->now()) co_return;
  const RedlockQuorum::Question<bool> question = [subject, pause](const Server& server, BootTime deadline) {
    return server->operations().pause(server->keys_of(subject), pause, deadline);
  };
  co_await RedlockQuorum::decide(quorum, question, majority_answered);
}

// A pause on any server of a majority counts, so all should have answered; a minority that is out keeps it until it
// ends.
Task<> resume(Quorum quorum, Subject subject, ResumeReason reason) {
  const RedlockQuorum::Question<bool> question = [subject, reason](const Server& server, BootTime deadline) {
    return server->operations().resume(server->keys_of(subject), reason, deadline);
  };
  co_await RedlockQuorum::decide(quorum, question, all_ended);
}

Task<> announce_rejection(Quorum quorum, Subject subject, Generation generation) {
  const RedlockQuorum::Question<bool> question = [subject, generation](const Server& server, BootTime deadline) {
    return server->operations().announce_rejection(server->keys_of(subject), generation, deadline);
  };
  co_await RedlockQuorum::decide(quorum, question, majority_answered);
}

}  // namespace jeton::agent::redlock
