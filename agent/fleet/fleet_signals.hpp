// FleetSignals: the messages between the hosts of a fleet about a token. Its contract is that of lease_store.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "agent/base/task.hpp"
#include "agent/base/time.hpp"
#include "agent/record/record.hpp"

namespace jeton::agent {

// Why a pause ends before its time. An operator ends it for every host; a host that sends another request than the
// refused one ends it for itself, and does not correct the request of others.
enum class ResumeReason { request_differs, operator_asked };

// The last end of a pause before its time, as the coordinator knows it.
struct Resumption {
  BootTime at;
  ResumeReason reason = ResumeReason::request_differs;
};

// How often the fleet has called the provider of one token.
struct FetchUsage {
  std::uint64_t calls = 0;               // in the running window
  std::optional<BootTime> window_end{};  // when it starts again from zero; none before the first call
  bool paused = false;                   // the fleet is held back from the provider now
  bool partly_paused = false;            // by some servers of a quorum; others have neither it nor a lift
  // The last lift, unless the server has a pause since then. None in the time of the longest pause, or it is lost.
  std::optional<Resumption> resumed{};
};

// No host may call the provider before `until`; shared by the fleet.
struct Pause {
  BootTime until;
  std::string reason;  // "429 from https://... (Retry-After)"; no secret
  // Fingerprint of a request that was refused permanently, or for long. A host whose request differs may resume().
  // Empty: none.
  std::string request{};
};

// Another agent took the lock until then at the latest: hold back.
struct ClaimEvent {
  BootTime until;
};
// A lock was released without a publication: a waiter may try.
struct ReleaseEvent {};
// A record came that cannot be one of this token: malformed, or not sealed for it. It was ignored.
struct UnreadableEvent {
  std::string why;
};
// The provider refused the token of this generation.
struct RejectionEvent {
  Generation generation = 0;
};
// The pause is lifted.
struct ResumeEvent {
  ResumeReason reason = ResumeReason::request_differs;
};
// The listener may have missed messages (reconnect, clock step): load() now.
struct GapEvent {};
// The stored record may be gone (deleted, flushed): repair the store soon. Where reports_losses() is false, the record
// is checked from time to time.
struct LossEvent {};

// The events of one token in the fleet. Own publications are heard too. The usage: a fetch was admitted on some host.
using FleetEvent = std::variant<Record, ClaimEvent, ReleaseEvent, Pause, FetchUsage, UnreadableEvent, RejectionEvent,
                                ResumeEvent, GapEvent, LossEvent>;

class FleetListener {
 public:
  virtual ~FleetListener() = default;
  // On the loop; must not block or throw.
  virtual void hear(FleetEvent event) = 0;
};

class FleetSignals {
 public:
  virtual ~FleetSignals() = default;

  // One listener a name; nullptr ends it. Returns at once; a GapEvent follows as soon as messages can arrive.
  virtual void subscribe(const std::string& name, FleetListener* listener) = 0;
  // Whether the listener hears a LossEvent now as soon as the stored record is lost. False after a connection was lost,
  // until the GapEvent of the next one.
  [[nodiscard]] virtual bool reports_losses(const std::string& name) const = 0;
  // Holds the whole fleet back from the provider.
  virtual Task<> pause(const std::string& name, Pause pause) = 0;
  // Ends a pause before its time, fleet-wide.
  virtual Task<> resume(const std::string& name, ResumeReason reason) = 0;
  // Reports to every host of the fleet that the provider refused the token of the record of this generation.
  virtual Task<> announce_rejection(const std::string& name, Generation generation) = 0;
};

}  // namespace jeton::agent
