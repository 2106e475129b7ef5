#include "libclient/ctl/exec_tokens.hpp"

#include <utility>

#include "libclient/ctl/segments.hpp"

namespace jeton::ctl {

ExecTokens::Entry::Entry(const std::filesystem::path& dir, const std::string& of)
    : name(of), token(open_token(dir, of)) {
  try {
    events.emplace(token);
  } catch (const Error& e) {
    throw refusal(e.status(), dir, name);
  }
}

ExecTokens::ExecTokens(const std::filesystem::path& dir, const std::vector<std::string>& names) : dir_(dir) {
  for (const std::string& name : names) entries_.emplace_back(dir, name);
}

std::optional<ExecTokens::NotValid> ExecTokens::give(Handover& handover) {
  std::vector<Reader> readers;  // each keeps its view
  std::vector<View> views;
  for (const Entry& entry : entries_) {
    const auto view = readers.emplace_back(entry.token).current();
    if (!view && !may_come(view.status())) throw refusal(view.status(), dir_, entry.name);
    if (!view) return NotValid{entry.name, view.status()};
    views.push_back(*view);
  }
  given_.clear();
  for (std::size_t i = 0; i < views.size(); ++i) {
    handover.add(entries_[i].name, views[i]);
    given_.push_back(views[i].generation());
  }
  return std::nullopt;
}

std::string ExecTokens::why(const NotValid& not_valid, const Deadline& deadline) const {
  std::string text = not_valid.status == JETON_NOT_FOUND ? why_missing(dir_, not_valid.name, deadline) : "";
  return text.empty() ? not_valid_text(not_valid.status, dir_, not_valid.name) : text;
}

std::optional<ExecTokens::Generations> ExecTokens::generations() const {
  Generations all;
  for (const Entry& entry : entries_) {
    const auto info = entry.token.inspect();
    if (!info || info->expired()) return std::nullopt;
    all.push_back(info->generation());
  }
  return all;
}

std::string ExecTokens::change_text(const Generations& now) const {
  std::string names;
  std::size_t count = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (now[i] == given_[i]) continue;
    names += (count++ == 0 ? "'" : ", '") + entries_[i].name + "'";
  }
  return count == 1 ? "token " + names + " has changed" : "tokens " + names + " have changed";
}

void ExecTokens::add_to(std::vector<pollfd>& ready) const {
  for (const Entry& entry : entries_) {
    if (entry.events) ready.push_back({entry.events->fd(), POLLIN, 0});
  }
}

// A token that cannot be followed any more is looked at all the same, now and then.
void ExecTokens::clear() {
  for (Entry& entry : entries_) {
    if (entry.events && !entry.events->clear().ok()) entry.events.reset();
  }
}

void ExecTokens::stop_listening() {
  for (Entry& entry : entries_) entry.events.reset();
}

}  // namespace jeton::ctl
