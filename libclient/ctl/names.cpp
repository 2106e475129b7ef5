// jetonctl names: what a shell may complete.
#include "libclient/ctl/api_client.hpp"
#include "libclient/ctl/commands.hpp"
#include "libclient/ctl/segments.hpp"

namespace jeton::ctl {
namespace {

constexpr Milliseconds key_press_patience{500};  // of a person who pressed a key

std::vector<std::string> lock_names(const Json& answer) {
  std::vector<std::string> names;
  const Json& listed = member(answer, "locks");
  if (!listed.is_array()) return names;
  for (const Json& name : listed) {
    if (name.is_string()) names.push_back(name.get<std::string>());
  }
  return names;
}

}  // namespace

Exit run_names(const Common& common, const NamesOptions& options) {
  const ApiAnswer answer = ApiClient(common.dir).get(options.locks ? "/v1/locks" : "/v1/status", key_press_patience);
  if (options.locks && !answer.problem.empty()) throw no_answer(common.dir, answer.problem);
  std::vector<std::string> names = options.locks ? lock_names(answer.body)
                                   : answer.ok() ? token_names(answer.body)
                                                 : segment_names(common.dir);
  std::string out;
  for (const std::string& name : names) out += printable(name) + "\n";
  write_out(common.format == Format::json ? Json(names).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"
                                          : out);
  return Exit::done;
}

}  // namespace jeton::ctl
