// ExecTokens: the tokens that a command is given: whether all of them are valid, and which have changed since.
//
// Of one thread. It holds an inotify instance for each token until stop_listening().
#pragma once

#include <poll.h>

#include <deque>
#include <filesystem>
#include <jeton/client.hpp>
#include <optional>
#include <string>
#include <vector>

#include "libclient/ctl/handover.hpp"

namespace jeton::ctl {

class ExecTokens {
 public:
  using Generations = std::vector<Generation>;  // in the order of the names

  // Opens them, whether or not they are there. Throws Failure.
  ExecTokens(const std::filesystem::path& dir, const std::vector<std::string>& names);

  struct NotValid {
    std::string name;
    Status status;
  };
  // Adds all of them, which are the given ones then; or names the first that may still come, and adds none. Throws
  // Failure if one cannot be read.
  [[nodiscard]] std::optional<NotValid> give(Handover& handover);
  // Describes the missing token and the remedy. Asks the agent, as why_missing(); throws Failure if it does not know
  // the token.
  [[nodiscard]] std::string why(const NotValid& not_valid, const Deadline& deadline) const;

  // Of the current ones; nothing unless all are valid.
  [[nodiscard]] std::optional<Generations> generations() const;
  [[nodiscard]] const Generations& given() const { return given_; }
  // The command knows of these.
  void mark_given(const Generations& generations) { given_ = generations; }
  // "token 'a' has changed", against the given ones.
  [[nodiscard]] std::string change_text(const Generations& now) const;

  // Adds the descriptors that are readable when a token may have changed. Then clear() before the next look.
  void add_to(std::vector<pollfd>& ready) const;
  void clear();
  void stop_listening();

 private:
  struct Entry {
    Entry(const std::filesystem::path& dir, const std::string& of);
    std::string name;
    Token token;
    std::optional<Events> events;
  };

  std::filesystem::path dir_;
  std::deque<Entry> entries_;
  Generations given_;
};

}  // namespace jeton::ctl
