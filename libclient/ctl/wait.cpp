#include <jeton/client.hpp>

#include "libclient/ctl/commands.hpp"
#include "libclient/ctl/segments.hpp"

namespace jeton::ctl {

Exit run_wait(const Common& common, const WaitOptions& options) {
  const Token token = open_token(common.dir, options.name);
  const auto is_missing = [&] { return token.inspect().status() == JETON_NOT_FOUND; };
  if (is_missing()) say_what_is_missing(common.dir, options.name);

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
      std::string what = is_missing() ? why_missing(common.dir, options.name) : "";
      if (what.empty()) {
        what = "token '" + options.name + "' " +
               (options.after == 0 ? "is not valid" : "has no generation above " + std::to_string(options.after));
      }
      throw Failure(Exit::timed_out, "waited " + duration_text(options.timeout->count()) + ": " + what);
    }
  }
}

}  // namespace jeton::ctl
