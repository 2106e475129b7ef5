#include <gtest/gtest.h>

#include "agent/base/error.hpp"
#include "agent/config/model/config.hpp"
#include "agent/config/model/sources/request_config.hpp"
#include "agent/config/text/http_url.hpp"

namespace jeton::agent {
namespace {

TEST(RedisEndpoint, EveryForm_IsReadAndDisplayed) {
  const RedisEndpoint plain = RedisEndpoint::parse("redis://redis.example");
  EXPECT_EQ(plain.host, "redis.example");
  EXPECT_EQ(plain.port, 6379);
  EXPECT_EQ(plain.database, 0);
  EXPECT_EQ(plain.display(), "redis://redis.example:6379/0");

  const RedisEndpoint v6 = RedisEndpoint::parse("redis://[::1]:6380/7");
  EXPECT_EQ(v6.host, "::1");
  EXPECT_EQ(v6.port, 6380);
  EXPECT_EQ(v6.database, 7);
  EXPECT_EQ(v6.display(), "redis://[::1]:6380/7");

  const RedisEndpoint socket = RedisEndpoint::parse("unix:///run/redis/redis.sock?db=3");
  EXPECT_EQ(socket.kind, RedisEndpoint::Kind::unix_socket);
  EXPECT_EQ(socket.path, "/run/redis/redis.sock");
  EXPECT_EQ(socket.database, 3);
  EXPECT_EQ(socket.display(), "unix:///run/redis/redis.sock?db=3");
  EXPECT_EQ(RedisEndpoint::parse("unix:///r").display(), "unix:///r?db=0");
}

TEST(RedisEndpoint, TextIsRefused_ErrorDoesNotShowIt) {
  for (const char* text :
       {"redis://:hunter2@h", "redis://h/hunter2", "hunter2", "redis://hunter2:x", "unix://hunter2"}) {
    try {
      (void)RedisEndpoint::parse(text);
      ADD_FAILURE() << text << " was accepted";
    } catch (const Error& e) {
      EXPECT_EQ(std::string(e.what()).find("hunter2"), std::string::npos) << e.what();
    }
  }
}

TEST(HttpUrl, UrlIsParsed_PartsAreGiven) {
  const HttpUrl url = parse_http_url("https://api.example.com/cgi-bin/token?secret=x");
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.host, "api.example.com");
  EXPECT_EQ(url.port, 443);
  EXPECT_EQ(url.display(), "https://api.example.com/cgi-bin/token");
  EXPECT_EQ(parse_http_url("http://[::1]:8080").display(), "http://[::1]:8080/");
  EXPECT_EQ(parse_http_url("https://h?a=b").path, "/");
}

TEST(HttpUrl, HostIsLoopback_IsRecognized) {
  for (const char* text :
       {"http://127.0.0.1", "http://127.9.9.9:80/x", "http://[::1]/", "http://localhost", "http://LocalHost:1"}) {
    EXPECT_TRUE(parse_http_url(text).loopback()) << text;
  }
  for (const char* text :
       {"http://128.0.0.1", "http://localhost.example", "http://127.0.0.1.example", "http://[::2]"}) {
    EXPECT_FALSE(parse_http_url(text).loopback()) << text;
  }
}

TEST(HttpUrl, LoopbackIsLedElsewhere_LeavesInTheClear) {
  const auto way = [](const char* url, const EgressConfig& egress) {
    return way_in_the_clear(parse_http_url(url), egress);
  };
  EgressConfig led;
  led.resolve = {{"LocalHost", 8080, "192.0.2.1"}, {"localhost", 81, "127.0.0.2"}};
  EXPECT_EQ(way("http://localhost:8080/", led), "to the address of source.resolve");
  EXPECT_EQ(way("http://127.0.0.1:8080/", led), "to the address of source.resolve");
  EXPECT_EQ(way("http://localhost/", led), "") << "another port";
  EXPECT_EQ(way("http://localhost:81/", led), "") << "another address of loopback";
  EXPECT_EQ(way("https://localhost:8080/", led), "");

  EgressConfig by_proxy;
  by_proxy.proxy_use = ProxyUse::given;
  EXPECT_EQ(way("http://localhost/", by_proxy),
            "by source.proxy (set source.no_proxy: [localhost] to keep it on this host)");
  EXPECT_EQ(way("http://[::1]/", by_proxy), "by source.proxy (set source.no_proxy: [\"::1\"] to keep it on this host)");
  by_proxy.no_proxy = {{"::1"}};
  EXPECT_EQ(way("http://[::1]/", by_proxy), "");
  by_proxy.no_proxy = {{"example.com", "LOCALHOST"}};
  EXPECT_EQ(way("http://localhost/", by_proxy), "");
  EXPECT_EQ(way("http://127.0.0.1/", by_proxy),
            "by source.proxy (set source.no_proxy: [127.0.0.1] to keep it on this host)");
  by_proxy.no_proxy = {{"*"}};
  EXPECT_EQ(way("http://127.0.0.1/", by_proxy), "");
  EXPECT_EQ(way("http://api.example.com/", by_proxy), "to another host");
  by_proxy.allow_http = true;
  EXPECT_EQ(way("http://api.example.com/", by_proxy), "");
  EXPECT_EQ(way("http://localhost/", EgressConfig{}), "") << "never by a proxy of the environment";
}

TEST(HttpUrl, UrlIsAmbiguous_IsRefused) {
  for (const char* text : {"http://127.1", "http://0x7f.1", "http://2130706433", "http://127.0.0.1\\@h", "http://a@b",
                           "http://a:b@c", "http://[::1", "http://[fe80::1%25eth0]", "http://h:", "http://h:8x",
                           "HTTP://h", "http:/h", "//h", "http://h\tx", "http://.h", "http://a..b"}) {
    EXPECT_THROW((void)parse_http_url(text), Error) << text;
  }
}

TEST(ListenAddress, EveryForm_IsReadAndDisplayed) {
  EXPECT_EQ(ListenAddress::parse("9717"), (ListenAddress{"127.0.0.1", 9717})) << "a port alone is of loopback";
  EXPECT_EQ(ListenAddress::parse("0.0.0.0:1").display(), "0.0.0.0:1");
  EXPECT_EQ(ListenAddress::parse("[::1]:65535"), (ListenAddress{"::1", 65535}));
  EXPECT_EQ(ListenAddress::parse("[::]:9717").display(), "[::]:9717");
}

TEST(ListenAddress, NoNumericAddressAndPort_IsRefused) {
  for (const char* text : {"", ":", ":9717", "0", "65536", "localhost:9717", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0",
                           "::1:9717", "[::1]", "[127.0.0.1]:9717", "127.1:9717", "127.0.0.1:9717/metrics"}) {
    EXPECT_THROW(static_cast<void>(ListenAddress::parse(text)), Error) << text;
  }
}

}  // namespace
}  // namespace jeton::agent
