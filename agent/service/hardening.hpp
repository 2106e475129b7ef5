// Hardening of a process that holds tokens, at its start. Throws Error if the kernel refuses.
#pragma once

#include <cstddef>

namespace jeton::agent {

// - Core dumps: none, and no ptrace or /proc/PID/mem by processes of the same user (PR_SET_DUMPABLE 0), unless
//   `core_dumps`. If they are allowed, the kernel leaves heap, stacks and anonymous memory out (coredump_filter,
//   core(5)): registers, threads and mappings remain, token bytes do not.
// - umask 077, no privilege gain by exec.
// - Signals: SIGPIPE is ignored; SIGCHLD is neither ignored nor blocked, so that children can be waited for. The daemon
//   unblocks the signals for stop and reload as soon as it can handle them (daemon.cpp).
// Call it before the first thread is made.
void harden_process(bool core_dumps);

// Opens /dev/null in place of a standard input, output or error that the caller closed: otherwise a file or connection
// with that number would get text that is meant for a person. That output cannot be written to. For the first step of
// a command.
void fill_standard_descriptors();

// Raises the limit of descriptors to the one that the service manager allows, at most 65536: each local client needs a
// descriptor, and the agent does not use select(2), for which the lower limit exists.
void allow_many_descriptors();
// The limit of descriptors of this process.
[[nodiscard]] std::size_t allowed_descriptors();

}  // namespace jeton::agent
