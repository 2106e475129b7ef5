// What a call to a source ended with, as a failure that the refresh goes on from. One thread: the loop's.
#pragma once

#include <exception>

#include "agent/base/task.hpp"
#include "agent/provider/source.hpp"

namespace jeton::agent {

// A SourceError is returned as it is. Any other exception is a defect of the source and must not end the refresh: it
// becomes a failure of the kind `unexpected`, which says so. Throws system_error(operation_aborted) for a cancellation
// of this coroutine.
[[nodiscard]] Task<SourceError> source_failure(std::exception_ptr thrown, SourceError::Kind unexpected);

}  // namespace jeton::agent
