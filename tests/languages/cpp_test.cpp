// What a C++17 program does with libjeton: reads a live segment, waits for a change, reports a rejection.
#include <cstdlib>
#include <iostream>
#include <jeton/client.hpp>
#include <mutex>
#include <stdexcept>
#include <string>

namespace {

void check(bool is_true, const char* what) {
  if (!is_true) throw std::runtime_error(what);
}

void run() {
  using std::chrono::seconds;
  jeton::Token token("api");
  jeton::Reader reader(token);
  const jeton::Generation first = reader.current().value().generation();
  const std::string before(reader.current()->value());
  check(token.accepts(before).value(), "accepts the current token");
  check(!token.accepts("other").value(), "accepts nothing else");
  check(!token.accepts({}).value(), "accepts no empty text, such as of a header that is missing");

  jeton::Events events(token);
  const char* jetonctl = std::getenv("JETONCTL");
  check(jetonctl != nullptr, "JETONCTL is not set");
  check(std::system(("'" + std::string(jetonctl) + "' refresh api >/dev/null").c_str()) == 0, "refresh");
  const jeton::Generation second = token.wait_change(first, seconds(60)).value();
  check(second > first, "a change raises the generation");
  check(events.clear().ok(), "clear");
  check(reader.current().value().generation() >= second, "the reader follows");
  check(reader.current()->value() != before, "and so does its value");

  check(token.rejected(first).value() >= second, "a report of an old token is answered with the newer one");
  check(token.rejected(second).status().ok(), "a report of the current one is taken");
  check(token.wait_change(second, seconds(60)).value() > second, "and leads to a newer one");

  const auto missing = jeton::Token::try_open("nosuch");
  check(!missing && missing.status() == JETON_NOT_FOUND, "an unknown token is not found");
  bool thrown = false;
  try {
    const jeton::Token nosuch("nosuch");
  } catch (const jeton::Error& e) {
    thrown = e.status() == JETON_NOT_FOUND;
  }
  check(thrown, "the constructor throws");
  check(jeton::list().value().size() == 1, "the one token is listed");

  jeton::Lock lock("job");
  jeton::Lock other("job");
  const std::unique_lock<jeton::Lock> held(lock, seconds(60));
  check(held.owns_lock() && !lock.lost() && lock.fence() > 0, "a lock is held");
  check(!other.try_lock(), "by one only");

  jeton::LockOptions too_long;
  too_long.ttl = std::chrono::hours(2);
  try {
    static_cast<void>(jeton::Lock("long", too_long).try_lock());
    check(false, "a TTL above max_ttl is refused");
  } catch (const jeton::Error& e) {
    const std::string what = e.what();
    check(e.status() == JETON_AGENT_REFUSED, "by the agent");
    check(what.find("lock 'long': ") == 0 && what.find("max_ttl") != std::string::npos, "which says why");
    check(what.find("did not accept") == std::string::npos, "and that alone is said");
  }
}

}  // namespace

int main() {
  try {
    run();
  } catch (const std::exception& e) {
    std::cerr << "FAILED: " << e.what() << '\n';
    return 1;
  }
  std::cout << "1 passed, 0 failed\n";
}
