// libcurl, initialised once in the process, with an allocator that wipes what it frees: URLs, headers and receive
// buffers of libcurl hold secrets. Call before any other function of libcurl. Any thread.
#pragma once

namespace jeton::agent {

// Throws Error if libcurl cannot be initialised.
void initialise_curl();

}  // namespace jeton::agent
