#include "agent/redis/subscriber.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/system/system_error.hpp>
#include <set>

#include "agent/base/event.hpp"
#include "agent/redis/link.hpp"

namespace jeton::agent::redis {

class Subscriber::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Timers& timers, Random& random, ConnectOptions options, Callbacks callbacks, Duration keepalive)
      : timers_(timers),
        callbacks_(std::move(callbacks)),
        keepalive_(keepalive),
        timeout_(options.timeout),
        heard_(timers),
        link_(timers, random, std::move(options), "subscriptions",
              {.up = [this](const std::shared_ptr<Connection>& connection) { up(connection); },
               .down = [this](const std::string&) { down(); }}) {}

  void stop() {
    callbacks_ = {};
    link_.stop();
    down();
  }

  void subscribe(const std::string& channel) {
    if (channels_.insert(channel).second && connection_) connection_->send(Command({"SUBSCRIBE", channel}));
  }

  void unsubscribe(const std::string& channel) {
    if (channels_.erase(channel) > 0 && connection_) connection_->send(Command({"UNSUBSCRIBE", channel}));
  }

  Link& link() { return link_; }

 private:
  void up(const std::shared_ptr<Connection>& connection) {
    connection_ = connection;
    connection->on_push([weak = weak_from_this()](const Reply& reply) {
      if (const auto self = weak.lock()) self->on_reply(reply);
    });
    for (const std::string& channel : channels_) connection->send(Command({"SUBSCRIBE", channel}));
    boost::asio::co_spawn(timers_.executor(), keep_alive(shared_from_this(), connection), boost::asio::detached);
  }

  void down() {
    connection_.reset();
    heard_.notify();  // who waits for the answer to a PING need not any more
  }

  // Ends with its connection.
  static Task<> keep_alive(std::shared_ptr<Impl> self, std::shared_ptr<Connection> connection) {
    try {
      const Clock& clock = self->timers_.clock();
      for (;;) {
        const bool closed = co_await connection->wait_closed(clock.boot_now() + self->keepalive_);
        if (closed) co_return;
        connection->send(Command({"PING"}));
        const BootTime deadline = clock.boot_now() + self->timeout_;
        const std::uint64_t before = self->replies_;
        bool in_time = true;
        while (connection->is_open() && self->replies_ == before && in_time) {
          in_time = co_await self->heard_.wait_until(deadline);
        }
        if (self->replies_ == before) connection->close("no answer to PING in time");
      }
    } catch (const boost::system::system_error&) {
      // The loop ends.
    }
  }

  void on_reply(const Reply& reply) {
    ++replies_;
    heard_.notify();
    if (reply.is_error()) {
      // Not allowed to subscribe, most likely. Without the channel the connection is useless.
      connection_->close(ServerError(link_.where(), reply.text.reveal()).what());
      return;
    }
    if (reply.type != Reply::Type::array || reply.elements.size() < 2) return;  // PONG outside the subscribed mode
    const auto word = [&reply](std::size_t i) {
      return reply.elements[i].type == Reply::Type::string ? reply.elements[i].text.reveal() : std::string_view{};
    };
    const std::string channel(word(1));
    if (!channels_.contains(channel)) return;
    // Copied, because the callee may stop the subscriber, which takes the callbacks away.
    if (word(0) == "message" && reply.elements.size() == 3) {
      if (const auto message = callbacks_.message) message(channel, word(2));
    } else if (word(0) == "subscribe") {
      if (const auto gap = callbacks_.gap) gap(channel);
    }
  }

  Timers& timers_;
  Callbacks callbacks_;
  Duration keepalive_;
  Duration timeout_;
  std::set<std::string> channels_;
  std::shared_ptr<Connection> connection_;
  std::uint64_t replies_ = 0;
  Event heard_;
  Link link_;
};

Subscriber::Subscriber(Timers& timers, Random& random, ConnectOptions options, Callbacks callbacks, Duration keepalive)
    : impl_(std::make_shared<Impl>(timers, random, std::move(options), std::move(callbacks), keepalive)) {}

Subscriber::~Subscriber() { impl_->stop(); }
void Subscriber::start() { impl_->link().start(); }
void Subscriber::stop() { impl_->stop(); }
void Subscriber::subscribe(const std::string& channel) { impl_->subscribe(channel); }
void Subscriber::unsubscribe(const std::string& channel) { impl_->unsubscribe(channel); }

}  // namespace jeton::agent::redis
