// Gives back the memory that only the start needed.
#pragma once

namespace jeton::agent {

// Dynamic linking, static initialisers and parsing touch some ten megabytes of code of the agent and its libraries that
// the quiet agent never runs again. Drops the clean pages of all read-only segments from this process (MADV_DONTNEED);
// a page that is needed later comes back from the page cache by a minor fault. No page with data of the process is
// touched.
void drop_startup_pages() noexcept;

}  // namespace jeton::agent
