// RecordStore: the published record of each token. Its contract is that of lease_store.hpp.
//
// Times in records are this host's wall clock at this interface; a backend with a clock of its own converts.
#pragma once

#include <optional>
#include <string>

#include "agent/base/task.hpp"
#include "agent/fleet/lease_store.hpp"
#include "agent/record/record.hpp"

namespace jeton::agent {

struct PublishResult {
  bool stored = false;
  // If refused: the newer record of the backend. If stored: set if the record was there already.
  std::optional<Record> current;
};

class RecordStore {
 public:
  virtual ~RecordStore() = default;

  // Stores the record if its generation is higher than the stored one, notifies the fleet, and releases the lease if it
  // is still owned, all in one step.
  virtual Task<PublishResult> publish(const std::string& name, const Record& record, const Lease& lease) = 0;
  virtual Task<std::optional<Record>> load(const std::string& name) = 0;
};

}  // namespace jeton::agent
