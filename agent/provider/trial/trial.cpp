#include "agent/provider/trial/trial.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <iomanip>
#include <map>
#include <ostream>
#include <set>
#include <variant>

#include "agent/base/boot_timers.hpp"
#include "agent/base/error.hpp"
#include "agent/base/random.hpp"
#include "agent/base/task.hpp"
#include "agent/base/time.hpp"
#include "agent/config/text/http_url.hpp"
#include "agent/config/text/values.hpp"
#include "agent/http/http.hpp"
#include "agent/http/http_client.hpp"
#include "agent/provider/answer/content_coding.hpp"
#include "agent/provider/factory.hpp"
#include "agent/provider/source.hpp"
#include "agent/provider/trial/redaction.hpp"

namespace jeton::agent {
namespace {

void show_request(const HttpRequest& request, std::ostream& out) {
  const HttpRoute& route = request.route;
  out << "> " << method_name(request.method) << ' ' << shown_url(request.url.reveal(), request.secrets, Direction::sent)
      << '\n';
  out << "> User-Agent: " << (route.user_agent.empty() ? "jeton/" JETON_VERSION : route.user_agent) << '\n';
  for (const HttpHeader& header : request.headers) {
    out << "> " << shown_header(header.name, header.value.reveal(), request.secrets, Direction::sent) << '\n';
  }
  if (!request.body.empty()) {
    out << ">\n> " << shown_body(request.body.reveal(), request.secrets, Direction::sent) << '\n';
  }
  for (const auto& [name, value] : request.made_of) {
    out << "  value " << name << ": " << shown_text(value.reveal(), request.secrets) << '\n';
  }
  if (route.proxy_use == ProxyUse::given) {
    out << "  through the proxy " << parse_proxy_url(route.proxy.reveal()).display() << '\n';
  }
  if (!route.tls.cert_file.empty()) out << "  with the client certificate " << route.tls.cert_file.string() << '\n';
  out << std::endl;
}

// The decoded body, or the body as it came if it cannot be decoded; the source reports the reason.
SecretString readable_body(const HttpResponse& response, const HttpRequest& request) {
  try {
    return decoded_body(response, request.max_body);
  } catch (const SourceError&) {
    return response.body;
  }
}

void show_response(const HttpResponse& response, const HttpRequest& request, std::ostream& out) {
  out << "< " << response.status << '\n';
  for (const HttpHeader& header : response.headers) {
    out << "< " << shown_header(header.name, header.value.reveal(), request.secrets, Direction::received) << '\n';
  }
  if (!response.body.empty()) {
    out << "<\n< " << shown_body(readable_body(response, request).reveal(), request.secrets, Direction::received)
        << '\n';
  }
  out << std::endl;
}

// The request was shown and not sent. Not an HttpError, so that no source takes it for an answer.
class NotSent : public Error {
 public:
  NotSent() : Error("the request was not sent") {}
};

// Shows requests and answers. `next`: sends the requests; null: a dry run, in which perform() throws NotSent.
class TrialTransport final : public HttpTransport {
 public:
  TrialTransport(HttpTransport* next, std::ostream& out) : next_(next), out_(out) {}

  Task<HttpResponse> perform(HttpRequest request) override {
    show_request(request, out_);
    if (next_ == nullptr) throw NotSent();
    HttpResponse response = co_await next_->perform(request);
    show_response(response, request, out_);
    co_return response;
  }

 private:
  HttpTransport* next_;
  std::ostream& out_;
};

// The values of ${token:NAME} in a trial, and the names that have no value.
class TrialTokens final : public TokenValues {
 public:
  explicit TrialTokens(TrialMode mode) : mode_(mode) {}
  [[nodiscard]] std::optional<SecretString> token_value(const std::string& name) const override {
    if (mode_ == TrialMode::dry_run) return SecretString("***");
    const auto found = values_.find(name);
    if (found != values_.end()) return found->second;
    missing_.insert(name);
    return std::nullopt;
  }
  void set(const std::string& name, SecretString value) { values_[name] = std::move(value); }
  [[nodiscard]] std::set<std::string> take_missing() { return std::exchange(missing_, {}); }

 private:
  TrialMode mode_;
  std::map<std::string, SecretString> values_;
  mutable std::set<std::string> missing_;
};

void show_token(const FetchedToken& token, const TokenConfig& config, std::ostream& out) {
  const Milliseconds lifetime{(token.expires_at - token.issued_at).count() / 1000 * 1000};
  out << "token " << config.name << ": " << token.value.size() << " bytes of " << config.capacity << ", fingerprint "
      << token.value.fingerprint() << "\n  type " << (token.type.empty() ? "not named" : token.type) << "\n  expires "
      << utc_text(token.expires_at) << ", a lifetime of " << format_duration(lifetime) << '\n';
  const SecretString secrets[] = {token.value};
  for (const auto& [name, value] : token.attributes) {
    out << "  attribute " << name << " = " << shown_text(value, secrets) << '\n';
  }
  if (!token.state.empty()) out << "  and state for the next fetch, " << token.state.size() << " bytes\n";
  out << std::flush;
}

// A trial publishes nothing, so a refresh token that the provider replaces would be lost to the fleet.
void refuse_to_spend(const TokenConfig& token) {
  if (!keeps_state(token.source)) return;
  throw Error("tokens." + token.name +
              ".source has a refresh token: --once could spend the refresh token, and the fleet would lose it; "
              "use --dry-run, or let the agent fetch and look at jetonctl status " +
              token.name);
}

class Trial {
 public:
  Trial(const Config& config, TrialMode mode, std::ostream& out, std::ostream& err)
      : config_(config), mode_(mode), out_(out), err_(err), tokens_(mode) {
    if (mode == TrialMode::once) http_.emplace();
    transport_.emplace(http_ ? &*http_ : nullptr, out);
  }

  bool run(const std::string& name) {
    const TokenConfig& token = config_.tokens.at(name);
    if (mode_ == TrialMode::once) refuse_to_spend(token);
    const auto source = make_source(token, {*transport_, timers_, tokens_, random_, agent_directories()});
    const std::optional<std::string> described = source->describe_request();
    if (described) out_ << "source of " << name << ": " << *described << '\n' << std::endl;
    if (described && mode_ == TrialMode::dry_run) return true;
    running_.insert(name);
    const bool done = fetch_with_others(*source, token);
    running_.erase(name);
    return done;
  }

 private:
  // A command is tried as the service runs it.
  [[nodiscard]] std::vector<std::filesystem::path> agent_directories() const {
    return {config_.agent.runtime_dir, state_dir_of(config_.agent)};
  }

  // A source that lacks ${token:NAME} sends nothing, so it can simply be asked again.
  bool fetch_with_others(Source& source, const TokenConfig& token) {
    for (;;) {
      std::exception_ptr failure;
      try {
        fetch(source, token);
        return true;
      } catch (const NotSent&) {
        return true;
      } catch (const SourceError&) {
        failure = std::current_exception();
      }
      const std::set<std::string> missing = tokens_.take_missing();
      for (const std::string& other : missing) {
        const bool can_be_fetched = config_.tokens.contains(other) && !running_.contains(other);
        if (!can_be_fetched || !run(other)) return report(failure, token);
      }
      if (missing.empty()) return report(failure, token);
    }
  }

  void fetch(Source& source, const TokenConfig& token) {
    std::exception_ptr failure;
    std::optional<FetchedToken> fetched;
    boost::asio::co_spawn(loop_, source.fetch({}), [&](std::exception_ptr e, FetchedToken result) {
      failure = e;
      if (!e) fetched = std::move(result);
      timers_.stop();
    });
    loop_.restart();
    while (!failure && !fetched && loop_.run_one() > 0) {
    }
    if (failure) std::rethrow_exception(failure);
    show_token(*fetched, token, out_);
    tokens_.set(token.name, fetched->value);
  }

  bool report(const std::exception_ptr& failure, const TokenConfig& token) {
    try {
      std::rethrow_exception(failure);
    } catch (const SourceError& e) {
      err_ << "tokens." << token.name << ": " << e.what() << '\n';
      report_rule_inputs(e);
      err_ << (e.kind() == SourceError::Kind::permanent
                   ? "An agent would treat this failure as permanent: it needs a person, and the agent tries again "
                     "only after "
                   : "An agent would try again after a random pause, at first of up to ")
           << format_duration(e.kind() == SourceError::Kind::permanent ? token.refresh.retry_permanent
                                                                       : token.refresh.retry_initial)
           << '.' << std::endl;
    }
    return false;
  }

  void report_rule_inputs(const SourceError& e) {
    if (!e.code().empty()) err_ << "Its code for response.error_rules is " << std::quoted(e.code()) << ".\n";
    const bool worked = e.status() >= 200 && e.status() <= 299;
    if (e.status() != 0 && !worked) err_ << "Its status for response.error_rules is " << e.status() << ".\n";
    if (e.retry_after()) err_ << "The provider asks to wait for " << format_duration(to_ms(*e.retry_after())) << ".\n";
  }

  const Config& config_;
  const TrialMode mode_;
  std::ostream& out_;
  std::ostream& err_;
  SystemClock clock_;
  OsRandom random_;
  boost::asio::io_context loop_{1};
  BootTimers timers_{loop_, clock_};
  std::optional<HttpClient> http_;
  std::optional<TrialTransport> transport_;
  TrialTokens tokens_;
  std::set<std::string> running_;
};

}  // namespace

bool try_source(const Config& config, const std::string& name, TrialMode mode, std::ostream& out, std::ostream& err) {
  return Trial(config, mode, out, err).run(name);
}

}  // namespace jeton::agent
