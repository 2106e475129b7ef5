// jetonctl lock acquire, extend, release, show: locks that belong to any client that knows their owner id.
#include <tuple>

#include "libclient/ctl/commands.hpp"
#include "libclient/ctl/lock_answers.hpp"
#include "libclient/ctl/segments.hpp"

namespace jeton::ctl {
namespace {

constexpr Milliseconds answer_patience{5000};  // beyond the wait that was asked for

std::string path_of(const std::string& name, const char* what) {
  check_lock_name(name);
  return "/v1/locks/" + name + what;
}

Failure refusal_of(const Common& common, const std::string& name, const ApiAnswer& answer, Milliseconds waited) {
  return answer.problem.empty() ? lock_refusal(name, answer, waited) : no_answer(common.dir, answer);
}

std::string shown(const Json& lock) {
  if (!lock.value("held", false)) return "free\n";
  std::string out = "held by   " + text_of(lock, "owner") + "\n";
  if (!text_of(lock, "by").empty()) out += "from      " + text_of(lock, "by") + "\n";
  if (!text_of(lock, "metadata").empty()) out += "metadata  " + text_of(lock, "metadata") + "\n";
  if (const Json& held = member(lock, "held_ms"); held.is_number_unsigned()) {
    const auto held_ms = held.get<std::int64_t>();
    out += "since     " + time_text(unix_ms_now() - held_ms) + ", " + relative_text(-held_ms) + "\n";
  }
  if (const Json& fence = member(lock, "fence"); fence.is_number()) {
    out += "fence     " + std::to_string(fence.get<std::uint64_t>()) + "\n";
  }
  const Json& ttl = member(lock, "ttl_ms");
  out += "ends      ";
  out += ttl.is_number() ? "in " + duration_text(ttl.get<std::int64_t>()) + " unless renewed\n"
                         : "never; if no process uses it, release it with --force\n";
  return out;
}

}  // namespace

Exit run_lock_acquire(const Common& common, const LockAcquireOptions& options) {
  Json body{{"ttl_ms", options.ttl.count()}, {"wait_ms", options.wait.count()}};
  if (options.retry) body["retry_ms"] = options.retry->count();
  if (!options.owner.empty()) body["owner"] = options.owner;
  if (!options.metadata.empty()) body["metadata"] = options.metadata;
  const ApiAnswer answer =
      ApiClient(common.dir).post(path_of(options.name, "/acquire"), body, options.wait + answer_patience);
  if (!answer.ok()) throw refusal_of(common, options.name, answer, options.wait);
  try {
    write_out(answer.body.dump() + "\n");
  } catch (const Failure&) {
    // No client has learned the owner id.
    std::ignore =
        ApiClient(common.dir).post(path_of(options.name, "/release"), Json{{"owner", answer.body.value("owner", "")}});
    throw;
  }
  return Exit::done;
}

Exit run_lock_extend(const Common& common, const LockExtendOptions& options) {
  const Json body{{"owner", options.owner}, {"ttl_ms", options.ttl.count()}};
  const ApiAnswer answer = ApiClient(common.dir).post(path_of(options.name, "/extend"), body);
  if (!answer.ok()) throw refusal_of(common, options.name, answer, Milliseconds{0});
  write_out(answer.body.dump() + "\n");
  return Exit::done;
}

Exit run_lock_release(const Common& common, const LockReleaseOptions& options) {
  const ApiClient agent(common.dir);
  const ApiAnswer answer = options.force
                               ? agent.del(path_of(options.name, ""))
                               : agent.post(path_of(options.name, "/release"), Json{{"owner", options.owner}});
  if (!answer.ok()) throw refusal_of(common, options.name, answer, Milliseconds{0});
  return Exit::done;
}

Exit run_lock_show(const Common& common, const LockShowOptions& options) {
  const ApiAnswer answer = ApiClient(common.dir).get(path_of(options.name, ""));
  if (!answer.ok()) throw refusal_of(common, options.name, answer, Milliseconds{0});
  write_out(common.format == Format::json ? answer.body.dump() + "\n" : shown(answer.body));
  return Exit::done;
}

}  // namespace jeton::ctl
