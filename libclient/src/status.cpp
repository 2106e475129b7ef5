#include <jeton/jeton.h>

extern "C" const char* jeton_status_text(jeton_status status) {
  switch (status) {
    case JETON_OK:
      return "done";
    case JETON_NO_TOKEN:
      return "there is no token yet; the agent has not had one from its source";
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
      return "not found; is the agent running, is the name in its configuration, is the directory right";
    case JETON_NO_PERMISSION:
      return "this user may not read the token; access is granted in the agent's configuration";
    case JETON_SYMLINK:
      return "refused: the segment or its directory is a symbolic link";
    case JETON_NOT_REGULAR:
      return "refused: the segment is not a regular file, or its directory is no directory";
    case JETON_FOREIGN_OWNER:
      return "refused: the segment and its directory belong to different users";
    case JETON_WRITABLE_FILE:
      return "refused: the segment is writable for others than its owner";
    case JETON_WRITABLE_DIRECTORY:
      return "refused: the directory is writable for others than its owner";
    case JETON_BAD_MAGIC:
      return "refused: the file is not a segment";
    case JETON_UNSUPPORTED_VERSION:
      return "refused: the segment was written by a newer agent; update libjeton";
    case JETON_TRUNCATED:
      return "refused: the segment is not of the size that it declares";
    case JETON_CORRUPT:
      return "refused: the segment is damaged";
    case JETON_SYSTEM_ERROR:
      return "the operating system refused; errno says why";
  }
  return "unknown status";
}

extern "C" const char* jeton_version(void) { return JETON_VERSION_TEXT; }
