#include "tests/virtual/refresh/model_provider.hpp"

#include <algorithm>
#include <utility>

#include "agent/provider/answer/rotating_answer.hpp"

namespace jeton::test {

using agent::FetchedToken;
using agent::SecretString;
using agent::SourceError;
using agent::Task;

void ModelProvider::behave(Answer answer, int times) {
  answer_ = std::move(answer);
  times_ = times;
}

void ModelProvider::release() {
  ++releases_;
  released_.notify();
}

Answer ModelProvider::next() {
  if (times_ == 0) return {};
  if (times_ > 0) --times_;
  return answer_;
}

Task<> ModelProvider::hang() {
  const std::uint64_t before = releases_;
  while (releases_ == before) co_await released_.wait();
  throw SourceError(SourceError::Kind::transient, "timeout");
}

bool ModelProvider::accepts(const std::string& value) const {
  const auto end = ends_.find(value);
  return end != ends_.end() && now() < end->second;
}

std::optional<agent::Duration> ModelProvider::called_too_often() {
  if (!rate_limit) return std::nullopt;
  while (!served_.empty() && served_.front() + rate_limit->per <= now()) served_.pop_front();
  if (served_.size() >= rate_limit->calls) return served_.front() + rate_limit->per - now();
  served_.push_back(now());
  return std::nullopt;
}

void ModelProvider::issue(const std::string& value, agent::BootTime end) {
  issued.push_back(value);
  agent::BootTime& known = ends_[value];
  known = std::max(known, end);  // of a token that is given again
  if (!ends_former) return;
  for (auto& [other, end_of_other] : ends_) {
    if (other != value) end_of_other = std::min(end_of_other, now() + *ends_former);
  }
}

Task<FetchedToken> ModelProvider::call(std::string host, std::string state, const agent::Clock& clock) {
  ProviderCall made;
  made.host = std::move(host);
  made.asked_at = now();
  ++calls;
  asked_at.push_back(made.asked_at);
  if (observer) observer(made);
  std::exception_ptr thrown;
  FetchedToken token;
  try {
    token = co_await answer(made, std::move(state), clock);
  } catch (const std::exception&) {
    thrown = std::current_exception();
  }
  made.ended_at = now();
  if (observer) observer(made);
  if (thrown) std::rethrow_exception(thrown);
  co_return token;
}

Task<FetchedToken> ModelProvider::answer(ProviderCall& made, std::string state, const agent::Clock& clock) {
  const Answer answer = next();
  const agent::BootTime sent_at = clock.boot_now();
  if (answer.kind == Answer::Kind::hang) co_await hang();
  co_await agent::sleep_for(timers_, answer_time);
  made.outcome = answer.kind;
  made.retry_after = answer.retry_after;
  if (answer.kind == Answer::Kind::defect) std::rethrow_exception(answer.thrown);
  if (const auto wait = called_too_often()) {
    ++rate_limited;
    made.outcome = Answer::Kind::transient;
    made.retry_after = rate_limit->tells ? wait : std::nullopt;
    throw SourceError(SourceError::Kind::transient, "429", made.retry_after);
  }
  if (answer.kind == Answer::Kind::transient) {
    throw SourceError(SourceError::Kind::transient, "503", answer.retry_after);
  }
  if (answer.kind == Answer::Kind::permanent) throw SourceError(SourceError::Kind::permanent, "401 invalid_client");
  if (rotates && state != state_) {
    ++replays;
    made.replay = true;
    throw SourceError(SourceError::Kind::permanent, "400 invalid_grant");
  }
  if (answer.kind == Answer::Kind::state_only) {
    state_ = "state-of-call-" + std::to_string(calls);
    SourceError failure(SourceError::Kind::transient, "the answer has no token");
    failure.set_state(SecretString(state_));
    throw SourceError(failure);
  }
  if (answer.kind == Answer::Kind::unread) {
    state_ = "state-of-call-" + std::to_string(calls);
    SourceError failure(SourceError::Kind::permanent, "the answer cannot be read");
    failure.set_unread_answer(SecretString(state_));
    failure.set_spent();
    throw SourceError(failure);
  }
  if (answer.kind == Answer::Kind::hostile) {
    co_return read_hostile(made, answer, agent::wall_time_of(sent_at, clock), clock);
  }
  const std::string number = std::to_string(issued.size() + 1);
  made.value = answer.value.empty() ? "token-" + number : answer.value;
  std::optional<agent::WallTime> date = dated_end;
  if (clock_error) date = timers_.clock().wall_now() + lifetime + *clock_error;
  made.valid_until = date ? agent::boot_time_of(*date, timers_.clock()) : now() + lifetime;
  issue(made.value, clock_error ? now() + lifetime : made.valid_until);
  FetchedToken token;
  token.value = SecretString(issued.back());
  token.type = "Bearer";
  token.issued_at = agent::wall_time_of(sent_at, clock);  // as every source does: a step during the call is no age
  token.expires_at = date.value_or(token.issued_at + lifetime);
  token.dated_end = date;
  state_ = "state-" + number;
  token.state = SecretString(state_);
  if (answer.kind == Answer::Kind::lost) throw SourceError(SourceError::Kind::transient, "timeout");
  co_return token;
}

FetchedToken ModelProvider::read_hostile(ProviderCall& made, const Answer& answer, agent::WallTime sent_at,
                                         const agent::Clock& clock) {
  static const std::string name = "api";
  constexpr std::size_t capacity = 8 * 1024;  // the default of the configuration
  state_ = "state-of-call-" + std::to_string(calls);
  const agent::ResponseConfig config;
  agent::HttpResponse response;
  response.status = 200;
  response.body = SecretString(R"({"access_token":")" + answer.value + R"(","expires_in":)" + answer.expires_in +
                               R"(,"refresh_token":")" + state_ + R"("})");
  const agent::AnswerContent content = agent::content_of(response, config, clock.wall_now());
  const agent::SecretString presented;
  agent::RotatingAnswer read =
      agent::read_rotating_answer(content, {config, response, sent_at, rotates, true, name, capacity, presented});
  if (read.unusable) {
    made.outcome = rotates                                                 ? Answer::Kind::state_only
                   : read.unusable->kind() == SourceError::Kind::permanent ? Answer::Kind::permanent
                                                                           : Answer::Kind::transient;
    if (read.refresh_token) read.unusable->set_state(*read.refresh_token);
    throw SourceError(*read.unusable);
  }
  made.outcome = Answer::Kind::token;
  made.value = answer.value;
  made.valid_until = now() + (read.token.expires_at - sent_at);
  issue(made.value, now() + lifetime);
  read.token.state = SecretString(state_);
  return std::move(read.token);
}

Task<> ModelProvider::revoke(std::string value) {
  ++revocation_calls;
  if (hanging_revocations > 0) {
    --hanging_revocations;
    co_await hang();
  }
  co_await agent::sleep_for(timers_, answer_time);
  if (defect_of_revocation) std::rethrow_exception(std::exchange(defect_of_revocation, nullptr));
  if (failing_revocations > 0) {
    --failing_revocations;
    throw SourceError(SourceError::Kind::transient, "503", revocation_retry_after);
  }
  if (const auto end = ends_.find(value); end != ends_.end()) end->second = std::min(end->second, now());
  revoked.push_back(std::move(value));
}

Task<FetchedToken> ModelSource::fetch(agent::FetchContext context) {
  std::string failed_request = secret_;
  std::optional<SourceError> failure;
  try {
    FetchedToken token = co_await provider_.call(host_, std::string(context.state.reveal()), time_.clock());
    if (!keeps_state_) token.state = {};
    co_await while_stopped();
    co_return token;
  } catch (const SourceError& e) {
    failure = e;
  }
  co_await while_stopped();
  failure->set_request(failed_request);
  throw SourceError(*failure);
}

Task<> ModelSource::revoke(SecretString token) {
  co_await provider_.revoke(std::string(token.reveal()));
  co_await while_stopped();
}

Task<> ModelSource::while_stopped() {
  while (time_.stopped()) co_await agent::sleep_until(time_, time_.clock().boot_now());
}

}  // namespace jeton::test
