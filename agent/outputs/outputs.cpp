#include "agent/outputs/outputs.hpp"

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/system/system_error.hpp>
#include <set>
#include <utility>

#include "agent/base/event.hpp"
#include "agent/base/log.hpp"
#include "agent/outputs/hook.hpp"
#include "agent/outputs/output.hpp"

namespace jeton::agent {
namespace {

// With the coroutine that runs it, which keeps it alive.
struct RunningOutput {
  RunningOutput(const OutputParts& parts, const std::filesystem::path& path) : output(parts, path) {}
  Output output;
  bool retired = false;
  boost::asio::cancellation_signal cancel;
};

struct RunningHook {
  RunningHook(HookConfig config, const OutputParts& parts, SecretsOfHook secrets)
      : hook(std::move(config), parts, std::move(secrets)) {}
  Hook hook;
  boost::asio::cancellation_signal cancel;
};

}  // namespace

struct Outputs::Impl {
  explicit Impl(const Parts& p) : parts(p), ended(parts.timers) {}

  // Ends by cancellation, or by itself; expected failures are caught inside. Another failure is a defect, and a restart
  // heals it best.
  template <typename Running>
  void launch(Task<> task, const std::shared_ptr<Running>& owner) {
    ++running;
    const auto done = [this, owner](std::exception_ptr failure) {
      --running;
      forget(owner.get());
      ended.notify();
      try {
        if (failure) std::rethrow_exception(failure);
      } catch (const boost::system::system_error&) {
        // cancelled
      } catch (const std::exception& e) {
        log::error(log::output_failed, "an output ended by an unexpected failure", {{"error", e.what()}});
        throw;
      }
    };
    boost::asio::co_spawn(parts.timers.executor(), std::move(task),
                          boost::asio::bind_cancellation_slot(owner->cancel.slot(), done));
  }

  void forget(const RunningOutput* ended_one) {
    std::erase_if(outputs, [&](const auto& entry) { return entry.second.get() == ended_one; });
    for (Hook* hook : unused_hooks()) hook->retire(true);
  }
  void forget(const RunningHook* ended_one) {
    std::erase_if(hooks, [&](const auto& hook) { return hook.get() == ended_one; });
  }

  // The one of all outputs with this on_change; null without one.
  std::shared_ptr<Hook> hook_of(const OutputConfig& output) {
    if (!output.on_change) return nullptr;
    auto found = std::find_if(hooks.begin(), hooks.end(), [&](const auto& known) {
      return known->hook.config() == *output.on_change && !known->hook.ended();
    });
    if (found == hooks.end()) {
      auto added = std::make_shared<RunningHook>(*output.on_change, parts, [this] { return secrets(); });
      launch(added->hook.run(), added);
      found = hooks.insert(hooks.end(), std::move(added));
    }
    (*found)->hook.retire(false);
    return {*found, &(*found)->hook};
  }

  // The same for the output with this mark, which has no other any more.
  std::shared_ptr<Hook> hook_for(const OutputConfig& output, const HookMark& mark) {
    std::shared_ptr<Hook> hook = hook_of(output);
    for (const auto& known : hooks) {
      if (&known->hook != hook.get()) known->hook.leave(mark);
    }
    if (hook) {
      hook->follow(mark);
    } else {
      remove_mark(mark);
    }
    return hook;
  }

  // Of all outputs: a hook outlives those that have left it, and may print what it finds.
  [[nodiscard]] std::vector<SecretString> secrets() const {
    std::vector<SecretString> all;
    for (const auto& [path, running_one] : outputs) {
      for (SecretString& secret : running_one->output.secrets()) all.push_back(std::move(secret));
    }
    return all;
  }

  void configure(const std::string& token, const OutputConfig& config) {
    auto& known = outputs[config.path];
    const bool is_new = known == nullptr || known->output.ended();
    if (is_new) {
      known = std::make_shared<RunningOutput>(parts, config.path);
    }
    known->retired = false;
    known->output.configure(token, config, hook_for(config, known->output.mark()));
    paths_of[token].insert(config.path);
    for (const std::string& other : config.content.others()) paths_of[other].insert(config.path);
    if (is_new) launch(known->output.run(), known);
  }

  // The outputs of this token, and those that may name it. A walk over all outputs for each of ten thousand tokens
  // would take too long.
  template <typename Action>
  void for_each_of(const std::string& token, const Action& action) const {
    const auto paths = paths_of.find(token);
    if (paths == paths_of.end()) return;
    for (const std::filesystem::path& path : paths->second) {
      if (const auto found = outputs.find(path); found != outputs.end()) action(found->second->output);
    }
  }

  void forget_paths() {
    for (auto& [token, paths] : paths_of) {
      std::erase_if(paths, [this](const std::filesystem::path& path) { return !outputs.contains(path); });
    }
    std::erase_if(paths_of, [](const auto& entry) { return entry.second.empty(); });
  }

  // An output that retires still needs its hook, for the removal of its file.
  [[nodiscard]] std::vector<Hook*> unused_hooks() const {
    std::vector<Hook*> unused;
    for (const auto& running_hook : hooks) {
      const bool used = std::any_of(outputs.begin(), outputs.end(), [&](const auto& entry) {
        const OutputConfig& config = entry.second->output.config();
        return (!entry.second->retired || config.remove_expired) && config.on_change == running_hook->hook.config();
      });
      if (!used && !running_hook->hook.retired()) unused.push_back(&running_hook->hook);
    }
    return unused;
  }

  // What the configuration does not say any more is not done, minutes later when it was to be tried again.
  void drop_unused_hooks() {
    for (Hook* hook : unused_hooks()) {
      hook->forget_run();
      hook->retire(true);
    }
  }

  const Parts parts;
  Event ended;
  std::map<std::filesystem::path, std::shared_ptr<RunningOutput>> outputs;
  std::map<std::string, std::set<std::filesystem::path>> paths_of;  // by token: of the outputs that name or named it
  std::vector<std::shared_ptr<RunningHook>> hooks;
  int running = 0;
};

Outputs::Outputs(const Parts& parts) : impl_(std::make_unique<Impl>(parts)) {}

Outputs::~Outputs() = default;

void Outputs::configure(const std::map<std::string, TokenConfig>& tokens) {
  std::set<std::filesystem::path> wanted;
  for (const auto& [name, token] : tokens) {
    for (const OutputConfig& output : token.outputs) {
      wanted.insert(output.path);
      impl_->configure(name, output);
    }
  }
  for (const auto& [path, running] : impl_->outputs) {
    if (wanted.contains(path)) continue;
    running->retired = true;
    running->output.retire();
  }
  impl_->drop_unused_hooks();
  impl_->forget_paths();
}

void Outputs::token_changed(const std::string& name) {
  impl_->for_each_of(name, [&](Output& output) {
    if (output.uses(name)) output.look_again();
  });
}

void Outputs::clock_stepped() {
  for (const auto& [path, running] : impl_->outputs) running->output.look_again();
}

std::vector<OutputStatus> Outputs::status(const std::string& token) const {
  std::vector<OutputStatus> all;
  impl_->for_each_of(token, [&](const Output& output) {
    if (output.token() == token) all.push_back(output.status());
  });
  return all;
}

Task<> Outputs::stop() {
  for (const auto& [path, running] : impl_->outputs) running->cancel.emit(boost::asio::cancellation_type::terminal);
  for (const auto& running : impl_->hooks) running->cancel.emit(boost::asio::cancellation_type::terminal);
  while (impl_->running > 0) co_await impl_->ended.wait();
}

}  // namespace jeton::agent
