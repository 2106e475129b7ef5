// The ways in which an attempt to connect fails, which are values, and the addresses of one name.
#include "agent/fleet/redis/client/dial.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <map>
#include <string>

#include "tests/unit/fleet/redis/client/redis_testing.hpp"

namespace jeton::agent::redis {
namespace {

using testing::HasSubstr;

class NoTransport final : public Transport {
 public:
  Task<Received> read_some(std::span<char> /*into*/) override { co_return Received("not used"); }
  Task<> write(std::string_view /*bytes*/) override { throw TransportError("not used"); }
  void close() noexcept override {}
};

class Dial : public testing::Test {
 protected:
  Connected connect(Address address, TlsOptions tls = {}) {
    return loop.run(connect_transport(loop.timers, std::move(address), std::move(tls), test::soon(loop), attempt));
  }
  // A name with two addresses, and what comes of a connect to each.
  Connected dial_name(const Connected& first, const Connected& second) {
    const std::map<std::string, const Connected*> by_ip{{"10.0.0.1", &first}, {"10.0.0.2", &second}};
    const NameResolver resolve = [](Timers&, std::string, BootTime, ConnectAttempt&) -> Task<std::vector<std::string>> {
      co_return std::vector<std::string>{"10.0.0.1", "10.0.0.2"};
    };
    const Connector connect_one = [&by_ip](Timers&, Address address, TlsOptions, BootTime,
                                           ConnectAttempt&) -> Task<Connected> {
      const Connected& answer = *by_ip.at(address.host);
      Connected connected;
      if (answer.failure.empty()) connected.transport = std::make_unique<NoTransport>();
      connected.failure = answer.failure;
      connected.operator_must_act = answer.operator_must_act;
      co_return connected;
    };
    Address address;
    address.host = "redis.example";
    return loop.run(dial(loop.timers, resolve, connect_one, address, {}, test::soon(loop), attempt));
  }

  test::Loop loop;
  ConnectAttempt attempt;
  Connected answers{};
  Connected refuses{.failure = "connection refused"};
  Connected is_set_up_wrongly{.failure = "the certificate is for another name", .operator_must_act = true};
};

// The kernel reports the reset once, to the first call.
TEST_F(Dial, ServerResetsTheConnection_WriteSaysSo) {
  using boost::asio::ip::tcp;
  tcp::acceptor server(loop.context, {boost::asio::ip::address_v4::loopback(), 0});
  Address address;
  address.host = "127.0.0.1";
  address.port = server.local_endpoint().port();
  const Connected connected = connect(address);
  ASSERT_NE(connected.transport, nullptr) << connected.failure;
  tcp::socket client = server.accept();
  client.set_option(boost::asio::socket_base::linger(true, 0));
  client.close();
  std::string reason;
  try {
    loop.run(connected.transport->write("PING\r\n"));
  } catch (const TransportError& e) {
    reason = e.what();
  }
  EXPECT_EQ(reason, "connection reset by peer");
}

TEST_F(Dial, NobodyListens_FailureIsAValue) {
  Address address;
  address.kind = Address::Kind::unix_socket;
  address.path = "/nonexistent/redis.sock";
  const Connected connected = connect(address);
  EXPECT_EQ(connected.transport, nullptr);
  EXPECT_EQ(connected.failure, "no such file or directory");
  EXPECT_FALSE(connected.operator_must_act);
}

TEST_F(Dial, FileOfAuthoritiesIsMissing_OperatorMustAct) {
  Address address;
  address.host = "127.0.0.1";
  address.tls = true;
  TlsOptions tls;
  tls.ca_file = "/nonexistent/ca.pem";
  const Connected connected = connect(address, tls);
  EXPECT_EQ(connected.transport, nullptr);
  EXPECT_THAT(connected.failure, HasSubstr("/nonexistent/ca.pem"));
  EXPECT_TRUE(connected.operator_must_act);
}

TEST_F(Dial, FirstAddressRefuses_NextIsUsed) {
  const Connected connected = dial_name(refuses, answers);
  EXPECT_NE(connected.transport, nullptr);
  EXPECT_EQ(connected.ip, "10.0.0.2");
}

TEST_F(Dial, NoAddressIsReached_TellsTheOneThatAnOperatorCanMend) {
  for (const bool wrong_is_first : {true, false}) {
    const Connected connected =
        wrong_is_first ? dial_name(is_set_up_wrongly, refuses) : dial_name(refuses, is_set_up_wrongly);
    EXPECT_EQ(connected.transport, nullptr);
    EXPECT_EQ(connected.failure, is_set_up_wrongly.failure);
    EXPECT_TRUE(connected.operator_must_act);
  }
}

}  // namespace
}  // namespace jeton::agent::redis
