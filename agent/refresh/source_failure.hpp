// Converts the exception of a call to a source into a failure that the refresh can handle. One thread: the loop's.
#pragma once

#include <exception>

#include "agent/provider/source.hpp"

namespace jeton::agent {

// A SourceError is returned as it is. Any other exception is a defect of the source and must not end the refresh: it
// becomes a failure of the kind `unexpected`, which says so. If the agent is `stopping`, the exception of a cancelled
// operation is thrown again. Not a coroutine: a co_await of one throws when the caller is cancelled, and the state that
// came with the failure would be lost.
[[nodiscard]] SourceError source_failure(const std::exception_ptr& thrown, SourceError::Kind unexpected, bool stopping);

}  // namespace jeton::agent
