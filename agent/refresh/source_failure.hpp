// What a call to a source ended with, as a failure that the refresh goes on from. One thread: the loop's.
#pragma once

#include "agent/provider/source.hpp"

namespace jeton::agent {

// Of the exception that is being handled. A SourceError is returned as it is; any other exception is a defect of the
// source, and must not end the refresh: it becomes a transient failure that says so. A cancellation is thrown again.
[[nodiscard]] SourceError source_failure();

}  // namespace jeton::agent
