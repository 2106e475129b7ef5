#include <jeton/client.hpp>

#include "libclient/ctl/commands.hpp"
#include "libclient/ctl/segments.hpp"

namespace jeton::ctl {

Exit run_wait(const Common& common, const WaitOptions& options) {
  const Token token = open_token(common.dir, options.name);
  if (token.inspect().status() == JETON_NOT_FOUND) check_missing(common.dir, options.name, true);

  const Deadline deadline(options.timeout);
  for (;;) {
    const auto generation = token.wait_change(options.after, deadline.remaining());
    if (generation) {
      const std::string text = std::to_string(*generation);
      write_out(common.format == Format::json ? Json{{"name", options.name}, {"generation", *generation}}.dump() + "\n"
                                              : text + "\n");
      return Exit::done;
    }
    if (generation.status() != JETON_TIMED_OUT && generation.status() != JETON_BUSY) {
      throw refusal(generation.status(), common.dir, options.name);
    }
    if (deadline.passed()) {
      const std::string what =
          options.after == 0 ? "is not valid" : "has no generation above " + std::to_string(options.after);
      throw Failure(Exit::timed_out,
                    "waited " + duration_text(options.timeout->count()) + ": token '" + options.name + "' " + what);
    }
  }
}

}  // namespace jeton::ctl
