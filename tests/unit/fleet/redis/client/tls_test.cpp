// TLS to a real redis-server: what works, and each way to fail with its own words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>

#include "agent/fleet/redis/client/subscriber.hpp"
#include "tests/support/tls_redis.hpp"
#include "tests/unit/fleet/redis/client/fake_server.hpp"
#include "tests/unit/fleet/redis/client/redis_testing.hpp"

namespace jeton::agent::redis {
namespace {

using namespace std::chrono_literals;
using test::ask;
using test::TlsRedis;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;

class RedisTls : public testing::Test {
 protected:
  static ConnectOptions options_for(const TlsRedis& redis) {
    auto options = test::tcp_options(redis.port());
    options.address.tls = true;
    options.tls.ca_file = redis.file("ca.pem");
    return options;
  }
  std::string ping(ConnectOptions options) {
    Client client(loop.timers, loop.random, std::move(options));
    client.start();
    return std::string(ask(loop, client, Command({"PING"})).as_text());
  }
  // What the first attempt to connect fails with.
  std::string failure(ConnectOptions options) {
    Client client(loop.timers, loop.random, std::move(options));
    client.start();
    EXPECT_TRUE(loop.turn_until([&] {
      return client.is_connected() ||
             (client.last_error() != "" && !client.last_error().ends_with("not connected yet"));
    }));
    EXPECT_FALSE(client.is_connected());
    return client.last_error();
  }

  test::Loop loop;
};

TEST_F(RedisTls, ConnectionUsesTls_CommandsAndSubscriptionsWork) {
  const TlsRedis redis;
  Client client(loop.timers, loop.random, options_for(redis));
  client.start();
  const std::string large(300'000, 'x');
  EXPECT_EQ(ask(loop, client, Command({"SET", "k", large})).as_text(), "OK");
  EXPECT_EQ(ask(loop, client, Command({"GET", "k"})).as_text(), large);
  int gaps = 0;
  std::string heard;
  Subscriber subscriber(loop.timers, loop.random, options_for(redis),
                        {.message = [&](const std::string&, std::string_view text) { heard = text; },
                         .gap = [&](const std::string&) { ++gaps; }},
                        1s);
  subscriber.subscribe("ch");
  subscriber.start();
  ASSERT_TRUE(loop.turn_until([&] { return gaps == 1; }));
  EXPECT_EQ(ask(loop, client, Command({"PUBLISH", "ch", "hello"})).as_integer(), 1);
  EXPECT_TRUE(loop.turn_until([&] { return heard == "hello"; }));
}

TEST_F(RedisTls, ConnectionUsesTls_KernelNoticesInTimeThatThePeerIsGone) {
  const TlsRedis redis;
  Client client(loop.timers, loop.random, options_for(redis));
  client.start();
  EXPECT_EQ(ask(loop, client, Command({"PING"})).as_text(), "PONG");
  test::expect_gone_peer_is_noticed_in_time(redis.port());
}

TEST_F(RedisTls, ManyCommandsAreConcurrent_EachGetsItsOwnReply) {
  const TlsRedis redis;
  Client client(loop.timers, loop.random, options_for(redis));
  client.start();
  int done = 0;
  int right = 0;
  const auto one = [&](int i) -> Task<> {
    const std::string text = std::string(static_cast<std::size_t>(i) * 16, 'x') + std::to_string(i);
    Command command({"ECHO", text});
    const Reply reply = co_await client.command("", std::move(command), test::soon(loop));
    ++done;
    if (reply.as_text() == text) ++right;
  };
  for (int i = 0; i < 500; ++i) {
    boost::asio::co_spawn(loop.context, one(i), [](const std::exception_ptr& e) { EXPECT_FALSE(e); });
  }
  EXPECT_TRUE(loop.turn_until([&] { return done == 500; }));
  EXPECT_EQ(right, 500);
}

TEST_F(RedisTls, CertificateIsForOneHost_OnlyThatHostIsAccepted) {
  const TlsRedis redis({.terms = {.names = {"DNS:localhost"}}});
  auto options = options_for(redis);
  EXPECT_THAT(failure(options), HasSubstr("the server's certificate is for localhost and not for 127.0.0.1; check the "
                                          "endpoint, or set tls.server_name"));
  options.tls.server_name = "localhost";
  EXPECT_EQ(ping(options), "PONG");
  options.tls.server_name.clear();
  options.address.host = "localhost";
  EXPECT_EQ(ping(options), "PONG");
}

TEST_F(RedisTls, ServerNameIsSet_IsCheckedInsteadOfTheHost) {
  const TlsRedis redis;
  auto options = options_for(redis);
  options.tls.server_name = "redis.example.com";
  EXPECT_THAT(failure(options), HasSubstr("is for localhost, 127.0.0.1 and not for redis.example.com"));
}

TEST_F(RedisTls, CertificateIsForAnIpv6Address_AddressIsChecked) {
  const TlsRedis redis({.terms = {.names = {"IP:::1"}}, .extra = {"--bind", "127.0.0.1", "::1"}});
  auto options = options_for(redis);
  EXPECT_THAT(failure(options), HasSubstr("is for ::1 and not for 127.0.0.1"));
  options.address.host = "::1";
  EXPECT_EQ(ping(options), "PONG");
}

TEST_F(RedisTls, AuthorityIsUnknown_ErrorNamesItAndTheSetting) {
  const TlsRedis redis;
  auto options = options_for(redis);
  options.tls.ca_file = redis.files.write("other.pem", test::Authority("Another").pem()).string();
  EXPECT_THAT(failure(options),
              AllOf(HasSubstr("comes from an unknown authority (CN=Test Authority)"), HasSubstr("tls.ca_file")));
  options.tls.ca_file.clear();  // the system's
  EXPECT_THAT(failure(options), HasSubstr("comes from an unknown authority"));
  // Of the same name, and not the same.
  options.tls.ca_file = redis.files.write("forged.pem", test::Authority().pem()).string();
  EXPECT_THAT(failure(options), HasSubstr("comes from an unknown authority"));
}

TEST_F(RedisTls, CertificateIsExpired_ErrorNamesTheDate) {
  const TlsRedis redis({.terms = {.names = {"IP:127.0.0.1"}, .valid_from = -2h, .valid_until = -1h}});
  EXPECT_THAT(failure(options_for(redis)), AllOf(HasSubstr("the certificate of CN=leaf expired on 20"),
                                                 HasSubstr(" UTC; renew it, or set this host's clock right")));
}

TEST_F(RedisTls, CertificateIsNotYetValid_ErrorNamesTheDate) {
  const TlsRedis redis({.terms = {.names = {"IP:127.0.0.1"}, .valid_from = 1h, .valid_until = 2h}});
  EXPECT_THAT(failure(options_for(redis)), AllOf(HasSubstr("the certificate of CN=leaf is not valid before 20"),
                                                 HasSubstr("is this host's clock right?")));
}

TEST_F(RedisTls, ServerDoesNotSpeakTls_ErrorSaysSo) {
  const TlsRedis redis;
  // Redis waits for more; others answer in their own words.
  auto options = options_for(redis);
  options.address.port = redis.server().port();
  options.timeout = 300ms;
  EXPECT_THAT(failure(options), HasSubstr("no TLS handshake in time; does the server speak TLS on this port?"));
  test::FakeServer other(loop.context, [](std::string_view) { return std::string("-ERR what?\r\n"); });
  options.address.port = other.port();
  options.timeout = test::patience;
  EXPECT_THAT(failure(options), HasSubstr("the server does not speak TLS on this port; write redis://"));
}

TEST_F(RedisTls, PlainConnectionMeetsATlsPort_ErrorNamesRediss) {
  const TlsRedis redis;
  EXPECT_THAT(failure(test::tcp_options(redis.port())),
              HasSubstr("before it said anything; if it speaks TLS on this port, write rediss://"));
  test::FakeServer other(loop.context, [](std::string_view) { return std::string("\x15\x03\x01\x00\x02\x02\x46", 7); });
  EXPECT_THAT(failure(test::tcp_options(other.port())), HasSubstr("speaks TLS on this port; write rediss://"));
}

TEST_F(RedisTls, FileIsUnusable_ErrorNamesItAndTheSetting) {
  const TlsRedis redis;
  redis.issue("client", {});
  redis.issue("other", {});
  redis.files.write("empty", "\n");
  const auto with = [&](const std::string& ca, const std::string& cert, const std::string& key) {
    auto options = options_for(redis);
    options.tls.ca_file = redis.file(ca);
    if (!cert.empty()) options.tls.cert_file = redis.file(cert);
    if (!key.empty()) options.tls.key_file = redis.file(key);
    return failure(std::move(options));
  };
  EXPECT_THAT(with("none", "", ""), HasSubstr("tls.ca_file " + redis.file("none") + ": No such file or directory"));
  EXPECT_THAT(with("", "", ""), HasSubstr("tls.ca_file " + redis.file("") + ": not a regular file"));
  EXPECT_THAT(with("empty", "", ""), HasSubstr("tls.ca_file " + redis.file("empty") + " holds no certificate"));
  EXPECT_THAT(with("ca.pem", "none", "client.key"),
              HasSubstr("tls.cert_file " + redis.file("none") + ": No such file"));
  EXPECT_THAT(with("ca.pem", "empty", "client.key"), HasSubstr("tls.cert_file " + redis.file("empty") + " holds no"));
  EXPECT_THAT(with("ca.pem", "client.pem", "none"), HasSubstr("tls.key_file " + redis.file("none") + ": No such file"));
  EXPECT_THAT(with("ca.pem", "client.pem", "empty"),
              HasSubstr("tls.key_file " + redis.file("empty") + " holds no private key"));
  EXPECT_THAT(with("ca.pem", "client.pem", "other.key"),
              HasSubstr("tls.key_file " + redis.file("other.key") + " is not the key of tls.cert_file " +
                        redis.file("client.pem")));
}

// The alert of the server, or that it was lost: TCP decides.
auto refusal(const char* alert) {
  return AnyOf(HasSubstr(alert), HasSubstr("before its first answer; it may refuse our tls.cert_file, or demand one"));
}

TEST_F(RedisTls, ClientCertificateIsDemanded_ErrorSaysSoUnlessSet) {
  const TlsRedis redis({.demands_client_certificate = true});
  auto options = options_for(redis);
  EXPECT_THAT(failure(options), refusal("the server demands a client certificate: set tls.cert_file and tls.key_file"));
  redis.issue("client", {});
  options.tls.cert_file = redis.file("client.pem");
  options.tls.key_file = redis.file("client.key");
  EXPECT_EQ(ping(options), "PONG");
}

TEST_F(RedisTls, ClientCertificateIsOfAnotherAuthority_ErrorSaysSo) {
  const TlsRedis redis({.demands_client_certificate = true});
  const auto issued = test::Authority("Another").issue({});
  auto options = options_for(redis);
  options.tls.cert_file = redis.files.write("client.pem", issued.certificate).string();
  options.tls.key_file = redis.files.write("client.key", issued.key).string();
  EXPECT_THAT(failure(options), refusal("does not know the authority of our tls.cert_file"));
}

TEST_F(RedisTls, Tls12ServerDemandsAClientCertificate_ErrorSaysSo) {
  const TlsRedis redis({.demands_client_certificate = true, .extra = {"--tls-protocols", "TLSv1.2"}});
  EXPECT_THAT(failure(options_for(redis)), HasSubstr("it may demand a client certificate"));
}

TEST_F(RedisTls, ServerOnlySpeaksTls11_IsRefused) {
  const TlsRedis redis({.extra = {"--tls-protocols", "TLSv1.1", "--tls-ciphers", "ALL:@SECLEVEL=0"}});
  EXPECT_THAT(failure(options_for(redis)), HasSubstr("TLS 1.2"));
}

TEST_F(RedisTls, FilesAreReplaced_NextConnectUsesThem) {
  const TlsRedis redis({.demands_client_certificate = true});
  redis.files.write("trusted.pem", test::Authority("Another").pem());
  redis.files.write("client.pem", "");
  redis.files.write("client.key", "");
  auto options = options_for(redis);
  options.tls.ca_file = redis.file("trusted.pem");
  options.tls.cert_file = redis.file("client.pem");
  options.tls.key_file = redis.file("client.key");
  Client client(loop.timers, loop.random, options);
  client.start();
  const auto fails_with = [&](const std::string& text) {
    return loop.turn_until([&] { return client.last_error().find(text) != std::string::npos; });
  };
  EXPECT_TRUE(fails_with("tls.cert_file")) << client.last_error();
  redis.issue("client", {});
  EXPECT_TRUE(fails_with("unknown authority")) << client.last_error();
  redis.files.write("trusted.pem", redis.authority.pem());
  EXPECT_EQ(ask(loop, client, Command({"PING"})).as_text(), "PONG");
}

TEST_F(RedisTls, AclUserIsSet_LogsInAsThatUser) {
  const TlsRedis redis({.extra = {"--user", "agent", "on", ">hunter2", "~*", "&*", "+@all"}});
  auto options = options_for(redis);
  options.username = [] { return SecretString("agent"); };
  options.password = [] { return SecretString("hunter2"); };
  Client client(loop.timers, loop.random, std::move(options));
  client.start();
  EXPECT_EQ(ask(loop, client, Command({"ACL", "WHOAMI"})).as_text(), "agent");
}

TEST_F(RedisTls, ClientIsStoppedDuringTheHandshake_ConnectionIsClosed) {
  test::FakeServer server(loop.context, [](std::string_view) { return std::string(); });
  auto options = test::tcp_options(server.port());
  options.address.tls = true;
  Client client(loop.timers, loop.random, std::move(options));
  client.start();
  ASSERT_TRUE(loop.turn_until([&] { return server.connections() == 1; }));
  client.stop();
  EXPECT_TRUE(loop.turn_until([&] { return server.disconnections() == 1; }));
}

}  // namespace
}  // namespace jeton::agent::redis
