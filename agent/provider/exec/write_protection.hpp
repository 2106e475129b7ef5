// Takes the right to write below some directories from a command: those with the state of the agent that runs it, as
// the same user. By Landlock, which needs no privilege and holds for everything that the command starts.
//
// Landlock grants rights to hierarchies and takes none from a part of one. So what lies beside the directories, and
// beside each directory above them, stays writable; in those above them nothing new can be made. What else a user may
// do to files of his own (modes, times) is not covered, and cutting a file by its name only since Linux 6.2.
#pragma once

namespace jeton::agent {

// The version of Landlock that the kernel and the sandbox of the service offer; 0: none (before Linux 5.13, not in its
// list of security modules, or the system call is filtered).
[[nodiscard]] int landlock_version() noexcept;

// For the rest of this process's life. `directories`: absolute, without symbolic links, ended by a null pointer. 0, or
// why it failed: an errno. Does nothing without Landlock. Async-signal-safe: for a process that was forked off one
// with threads, whose loop a file system that hangs must not stop.
[[nodiscard]] int forbid_writing_below(const char* const* directories) noexcept;

}  // namespace jeton::agent
