// Takes the right to write below some directories from a command: those with the state of the agent, which runs as the
// same user. Uses Landlock, which needs no privilege and also applies to all processes that the command starts.
//
// Landlock grants rights to directory trees and cannot take a right from a part of one. So files beside the
// directories, and beside each directory above them, stay writable; in the directories above them no new file can be
// made. Other changes of a user's own files (modes, times) are not covered; truncating a file by its name is covered
// only since Linux 6.2.
#pragma once

namespace jeton::agent {

// The version of Landlock that the kernel and the sandbox of the service offer; 0: none (before Linux 5.13, not in its
// list of security modules, or the system call is filtered).
[[nodiscard]] int landlock_version() noexcept;

// Applies for the rest of this process's life. `directories`: absolute, without symbolic links, ended by a null
// pointer. Returns 0, or an errno if it failed. Does nothing without Landlock. Async-signal-safe: it runs in a process
// that was forked from one with threads, whose loop must not wait for a file system that hangs.
[[nodiscard]] int forbid_writing_below(const char* const* directories) noexcept;

}  // namespace jeton::agent
