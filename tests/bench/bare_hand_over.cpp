#include "tests/bench/bare_hand_over.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "tests/bench/bench.hpp"

namespace jeton::bench {
namespace {

struct SocketPair {
  SocketPair() {
    std::array<int, 2> ends{};
    require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0, "socketpair");
    client = agent::UniqueFd(ends[0]);
    server = agent::UniqueFd(ends[1]);
  }
  agent::UniqueFd client;
  agent::UniqueFd server;
};

// Ends when the giver closes its end. 0: nothing failed.
int serve(int giver, int waiter) {
  const agent::UniqueFd poll(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event = {};
  event.events = EPOLLIN;
  if (!poll || ::epoll_ctl(poll.get(), EPOLL_CTL_ADD, giver, &event) != 0) return 1;
  for (;;) {
    if (::epoll_wait(poll.get(), &event, 1, -1) != 1) continue;  // a signal
    char byte = 0;
    if (::read(giver, &byte, 1) != 1) return 0;
    if (::write(waiter, &byte, 1) != 1) return 1;
  }
}

}  // namespace

BareHandOver::BareHandOver() {
  SocketPair giver;
  SocketPair waiter;
  server_ = ::fork();
  require(server_ >= 0, "fork");
  if (server_ == 0) {
    giver.client.reset();
    waiter.client.reset();
    ::_exit(serve(giver.server.get(), waiter.server.get()));
  }
  giver_ = std::move(giver.client);
  waiter_ = std::move(waiter.client);
}

BareHandOver::~BareHandOver() {
  giver_.reset();
  waiter_.reset();
  ::waitpid(server_, nullptr, 0);
}

void BareHandOver::give() const {
  const char byte = 'x';
  require(::write(giver_.get(), &byte, 1) == 1, "the server that does nothing is gone");
}

void BareHandOver::wait() const {
  char byte = 0;
  require(::read(waiter_.get(), &byte, 1) == 1, "the server that does nothing is gone");
}

}  // namespace jeton::bench
