// Hardening of a process that holds tokens, at its start. Throws Error if the kernel refuses.
#pragma once

#include <cstddef>

namespace jeton::agent {

// - Core dumps: none, and no ptrace or /proc/PID/mem by processes of the same user (PR_SET_DUMPABLE 0), unless
//   `core_dumps`. If they are allowed, the kernel leaves heap, stacks and anonymous memory out (coredump_filter,
//   core(5)): registers, threads and mappings remain, token bytes do not.
// - umask 077, no privilege gain by exec.
// - Signals: SIGPIPE ignored; SIGCHLD neither ignored nor blocked, so that children can be waited for. Before the first
//   thread is made. The daemon lets in those that stop and reload it as soon as it can serve them (daemon.cpp).
void harden_process(bool core_dumps);

// Where the caller closed standard input, output or error, there is /dev/null: a file or connection that took the
// number would get text that is meant for a person. For the first step of a command.
void fill_standard_descriptors();

// Each local client is a descriptor: as many as the service manager allows, not only as many as select(2) can count.
void allow_many_descriptors();
// How many that are.
[[nodiscard]] std::size_t allowed_descriptors();

}  // namespace jeton::agent
