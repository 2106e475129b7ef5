#include <jeton/jeton.h>

extern "C" const char* jeton_status_text(jeton_status status) {
  switch (status) {
    case JETON_OK:
      return "done";
    case JETON_NO_TOKEN:
      return "there is no token yet; the agent has not received one from its source";
    case JETON_EXPIRED:
      return "the token expired and the agent has no newer one";
    case JETON_BUSY:
      return "the token is being replaced faster than it can be read; try again";
    case JETON_TIMED_OUT:
      return "no such token within the given time";
    case JETON_BUFFER_TOO_SMALL:
      return "the token is larger than the buffer";
    case JETON_INVALID_ARGUMENT:
      return "invalid argument";
    case JETON_NOT_FOUND:
      return "not found; check that the agent runs, that its configuration has the name, and the directory";
    case JETON_NO_PERMISSION:
      return "this user has no access; the agent's configuration grants it";
    case JETON_SYMLINK:
      return "refused: the segment or its directory is a symbolic link";
    case JETON_NOT_REGULAR:
      return "refused: the segment is not a regular file, or its directory is not a directory";
    case JETON_FOREIGN_OWNER:
      return "refused: the segment and its directory belong to different users";
    case JETON_WRITABLE_FILE:
      return "refused: other users than the owner can write the segment";
    case JETON_WRITABLE_DIRECTORY:
      return "refused: other users than the owner can write the directory";
    case JETON_BAD_MAGIC:
      return "refused: the file is not a segment";
    case JETON_UNSUPPORTED_VERSION:
      return "refused: the segment was written by a newer agent; update libjeton";
    case JETON_TRUNCATED:
      return "refused: the size of the segment is not the size in its header";
    case JETON_CORRUPT:
      return "refused: the segment is damaged";
    case JETON_CANCELLED:
      return "the wait was cancelled";
    case JETON_MISMATCH:
      return "neither the current token nor an acceptable previous one";
    case JETON_REJECTED:
      return "the provider refused the token; a newer one is being fetched";
    case JETON_NO_AGENT:
      return "no agent answers; check that jeton-agent runs, and the directory";
    case JETON_AGENT_STALE:
      return "the agent does not answer, or its heartbeat is old; it hangs or was stopped";
    case JETON_AGENT_REFUSED:
      return "the agent did not accept the call: it does not know the generation, does not allow the lock, or failed";
    case JETON_LOCK_BUSY:
      return "another owner holds the lock";
    case JETON_LOCK_WAITING:
      return "waiting for the lock";
    case JETON_LOCK_LOST:
      return "the lock was lost; another owner may use the protected resource now";
    case JETON_LOCK_NOT_HELD:
      return "the lock is not held";
    case JETON_LOCK_LIMIT:
      return "the agent accepts no more locks or connections from this user";
    case JETON_LOCK_UNAVAILABLE:
      return "the agent cannot take the lock now: it cannot reach its coordinator, or is stopping";
    case JETON_SYSTEM_ERROR:
      return "the operating system refused; errno says why";
  }
  return "unknown status";
}

extern "C" const char* jeton_status_name(jeton_status status) {
  switch (status) {
#define JETON_NAME(name) \
  case name:             \
    return #name
    JETON_NAME(JETON_OK);
    JETON_NAME(JETON_NO_TOKEN);
    JETON_NAME(JETON_EXPIRED);
    JETON_NAME(JETON_BUSY);
    JETON_NAME(JETON_TIMED_OUT);
    JETON_NAME(JETON_BUFFER_TOO_SMALL);
    JETON_NAME(JETON_INVALID_ARGUMENT);
    JETON_NAME(JETON_CANCELLED);
    JETON_NAME(JETON_MISMATCH);
    JETON_NAME(JETON_REJECTED);
    JETON_NAME(JETON_NOT_FOUND);
    JETON_NAME(JETON_NO_PERMISSION);
    JETON_NAME(JETON_SYMLINK);
    JETON_NAME(JETON_NOT_REGULAR);
    JETON_NAME(JETON_FOREIGN_OWNER);
    JETON_NAME(JETON_WRITABLE_FILE);
    JETON_NAME(JETON_WRITABLE_DIRECTORY);
    JETON_NAME(JETON_BAD_MAGIC);
    JETON_NAME(JETON_UNSUPPORTED_VERSION);
    JETON_NAME(JETON_TRUNCATED);
    JETON_NAME(JETON_CORRUPT);
    JETON_NAME(JETON_SYSTEM_ERROR);
    JETON_NAME(JETON_NO_AGENT);
    JETON_NAME(JETON_AGENT_STALE);
    JETON_NAME(JETON_AGENT_REFUSED);
    JETON_NAME(JETON_LOCK_BUSY);
    JETON_NAME(JETON_LOCK_WAITING);
    JETON_NAME(JETON_LOCK_LOST);
    JETON_NAME(JETON_LOCK_NOT_HELD);
    JETON_NAME(JETON_LOCK_LIMIT);
    JETON_NAME(JETON_LOCK_UNAVAILABLE);
#undef JETON_NAME
  }
  return "JETON_UNKNOWN";
}

extern "C" const char* jeton_version(void) { return JETON_VERSION_TEXT; }
