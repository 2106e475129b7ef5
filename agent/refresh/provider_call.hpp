// The parts of a call to the provider besides the source: a lease that is renewed meanwhile (LeaseKeeper), an answer
// that is not lost when the agent is stopped (fetch_uncancellable), and a name for every failure (source_failure). One
// thread: the loop's.
#pragma once

#include <exception>
#include <memory>
#include <string>

#include "agent/base/timers.hpp"
#include "agent/fleet/lease_store.hpp"
#include "agent/provider/source.hpp"

namespace jeton::agent {

// Renews a lease every ttl/3 while its owner works, and logs its loss.
//
// It renews as long as the object lives. A renewal that cannot reach the coordinator is tried again while the lease is
// valid. The lease is lost if a renewal finds that the lock is gone or has another owner, or if the lease expires. A
// loss does not stop the work under the lease: the result is published under its fence (agent/README.md, "Why the
// fence holds").
//
// A fetch that outlasts every deadline of its source must not keep the other hosts from fetching: between
// begin_fetch() and end_fetch() the lease is renewed no longer than the fetch may take, and then left to expire.
class LeaseKeeper {
 public:
  LeaseKeeper(LeaseStore& leases, Timers& timers, std::string name, Lease lease);
  LeaseKeeper(const LeaseKeeper&) = delete;
  LeaseKeeper& operator=(const LeaseKeeper&) = delete;
  ~LeaseKeeper();

  void begin_fetch(Duration longest);
  void end_fetch();

  // The lease after the last renewal.
  [[nodiscard]] const Lease& lease() const;

 private:
  struct State;
  static Task<> keep(std::shared_ptr<State> state);
  static void log_loss(const State& state, const std::string& trouble);
  std::shared_ptr<State> state_;
};

// Calls source.fetch(), which cancellation does not end: if the provider gives data only once (a rotated refresh
// token), the agent needs the answer even if it is stopped meanwhile. When the caller is cancelled, the fetch goes on
// and `cancelled` is set; the caller then is no longer cancellable. The transport's own deadlines limit the fetch.
// `source` outlives the Task.
Task<FetchedToken> fetch_uncancellable(Timers& timers, Source& source, FetchContext context, bool& cancelled);

// Converts the exception of a call to a source into a failure that the refresh can handle. A SourceError is returned as
// it is. Any other exception is a defect of the source and must not end the refresh: it becomes a failure of the kind
// `unexpected`, which says so. If the agent is `stopping`, the exception of a cancelled operation is thrown again. Not
// a coroutine: a co_await of one throws when the caller is cancelled, and the state that came with the failure would be
// lost.
[[nodiscard]] SourceError source_failure(const std::exception_ptr& thrown, SourceError::Kind unexpected, bool stopping);

}  // namespace jeton::agent
