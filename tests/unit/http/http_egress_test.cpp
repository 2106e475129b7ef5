// How a request leaves the host: proxies, client certificates, HTTP/2, IPv6, addresses, against real servers.
#include <cstdlib>
#include <map>

#include "tests/support/certificates.hpp"
#include "tests/support/network_process.hpp"
#include "tests/unit/http/http_client_fixture.hpp"

namespace jeton::agent {
namespace {

using nlohmann::json;
using test::NetworkProcess;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* proxy_password = "pr0xy-p4ss";

class HttpEgress : public HttpClientFixture {
 protected:
  // The variables of libcurl are no test's but the one that sets them.
  HttpEgress() {
    for (const char* name :
         {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"}) {
      if (const char* const value = std::getenv(name)) saved_.emplace(name, value);
      ::unsetenv(name);
      names_.emplace_back(name);
    }
  }
  ~HttpEgress() override {
    for (const std::string& name : names_) ::unsetenv(name.c_str());
    for (const auto& [name, value] : saved_) ::setenv(name.c_str(), value.c_str(), 1);
  }

  // With a certificate for localhost and provider.test.
  json with_tls(json options = json::object()) const {
    const test::IssuedCertificate own =
        authority_.issue({{"DNS:localhost", "DNS:provider.test", "IP:127.0.0.1", "IP:::1"}});
    options["cert"] = own.certificate;
    options["key"] = own.key;
    return options;
  }

  HttpRequest to(const std::string& where) {
    HttpRequest r = request("https://" + where + "/token");
    r.route.tls.ca_file = ca_file_;
    return r;
  }
  HttpRequest to(const NetworkProcess& server, const std::string& host = "localhost") {
    return to(host + ":" + std::to_string(server.port()));
  }
  // provider.test, which only a proxy can find.
  HttpRequest by(const std::string& proxy, const NetworkProcess& server) {
    HttpRequest r = to(server, "provider.test");
    r.route.proxy_use = ProxyUse::given;
    r.route.proxy = SecretString(proxy);
    return r;
  }

  // What the server saw.
  json seen(HttpRequest r) {
    const HttpResponse response = perform(std::move(r));
    EXPECT_EQ(response.status, 200);
    return json::parse(response.body.reveal())["seen"];
  }

  Reason failure_without_password(HttpRequest r) {
    const Reason reason = failure(std::move(r));
    EXPECT_THAT(message_, Not(HasSubstr(proxy_password)));
    return reason;
  }

  test::Authority authority_;
  test::TempDir dir_;
  std::string ca_file_ = dir_.write("ca.pem", authority_.pem());
  std::vector<std::string> names_;
  std::map<std::string, std::string> saved_;
};

TEST_F(HttpEgress, OnlyTheProxyCanResolveTheHost_RequestArrives) {
  const NetworkProcess provider("provider.mjs", with_tls());
  const NetworkProcess proxy("proxy.mjs", json{{"user", "jeton"}, {"password", proxy_password}});
  const std::string url = std::string("http://jeton:") + proxy_password + "@" + proxy.at();
  EXPECT_EQ(seen(by(url, provider))["host"], "provider.test:" + std::to_string(provider.port()));
  EXPECT_THAT(proxy.asked(), ElementsAre("CONNECT provider.test:" + std::to_string(provider.port())));
}

TEST_F(HttpEgress, ProxySpeaksTls_RequestArrives) {
  const NetworkProcess provider("provider.mjs", with_tls());
  const NetworkProcess proxy("proxy.mjs", with_tls());
  static_cast<void>(seen(by("https://localhost:" + std::to_string(proxy.port()), provider)));
  EXPECT_THAT(proxy.asked(), ElementsAre(HasSubstr("CONNECT provider.test:")));
}

TEST_F(HttpEgress, ProxyIsSocks5h_ProxyResolvesTheName) {
  const NetworkProcess provider("provider.mjs", with_tls());
  const NetworkProcess proxy("proxy.mjs", json{{"socks", true}, {"user", "jeton"}, {"password", proxy_password}});
  static_cast<void>(seen(by(std::string("socks5h://jeton:") + proxy_password + "@" + proxy.at(), provider)));
  EXPECT_THAT(proxy.asked(), ElementsAre("SOCKS provider.test:" + std::to_string(provider.port())));
}

TEST_F(HttpEgress, ProxyPasswordIsWrong_ErrorNamesTheProxyWithoutIt) {
  const NetworkProcess provider("provider.mjs", with_tls());
  const NetworkProcess proxy("proxy.mjs", json{{"user", "jeton"}, {"password", "another"}});
  const std::string url = std::string("http://jeton:") + proxy_password + "@" + proxy.at();
  EXPECT_EQ(failure_without_password(by(url, provider)), Reason::proxy);
  EXPECT_THAT(message_,
              HasSubstr("through the proxy http://" + proxy.at() + " (source.proxy): the proxy answered 407"));
  const NetworkProcess socks("proxy.mjs", json{{"socks", true}, {"user", "jeton"}, {"password", "another"}});
  EXPECT_EQ(failure_without_password(by(std::string("socks5h://jeton:") + proxy_password + "@" + socks.at(), provider)),
            Reason::proxy);
  EXPECT_THAT(message_, HasSubstr("the proxy refused"));
}

TEST_F(HttpEgress, ProxyIsUnreachable_ErrorNamesIt) {
  const std::uint16_t port = provider_.port();
  provider_.stop_listening();
  HttpRequest r = request("https://provider.test/token");
  r.route.proxy_use = ProxyUse::given;
  r.route.proxy = SecretString(std::string("http://jeton:") + proxy_password + "@127.0.0.1:" + std::to_string(port));
  EXPECT_EQ(failure_without_password(std::move(r)), Reason::connect);
  EXPECT_THAT(message_, HasSubstr("through the proxy http://127.0.0.1:" + std::to_string(port)));
}

TEST_F(HttpEgress, EnvironmentSetsAProxy_IsUsedUnlessSwitchedOff) {
  const NetworkProcess provider("provider.mjs", with_tls());
  const NetworkProcess proxy("proxy.mjs", json::object());
  ::setenv("HTTPS_PROXY", ("http://" + proxy.at()).c_str(), 1);
  static_cast<void>(seen(to(provider, "provider.test")));
  EXPECT_EQ(proxy.asked().size(), 1U);

  const std::string where = "provider.test:" + std::to_string(provider.port());
  HttpRequest direct = to(provider, "provider.test");
  direct.route.proxy_use = ProxyUse::none;
  direct.route.resolve = {{"provider.test", provider.port(), "127.0.0.1"}};
  EXPECT_EQ(seen(std::move(direct))["host"], where);
  static_cast<void>(seen(to(provider, "localhost")));
  ::setenv("NO_PROXY", "provider.test", 1);
  HttpRequest excepted = to(provider, "provider.test");
  excepted.route.resolve = {{"provider.test", provider.port(), "127.0.0.1"}};
  EXPECT_EQ(seen(std::move(excepted))["host"], where);
  EXPECT_EQ(proxy.asked().size(), 1U);
}

TEST_F(HttpEgress, HttpProxyIsInUpperCase_IsIgnored) {
  const NetworkProcess proxy("proxy.mjs", json::object());
  const auto plain = [this] {
    HttpRequest r = request("http://provider.test:" + std::to_string(provider_.port()) + "/token");
    r.route.resolve = {{"provider.test", provider_.port(), "127.0.0.1"}};
    return r;
  };
  ::setenv("HTTP_PROXY", ("http://" + proxy.at()).c_str(), 1);
  EXPECT_EQ(perform(plain()).status, 200);
  ::unsetenv("HTTP_PROXY");
  EXPECT_THAT(proxy.asked(), IsEmpty());
  ::setenv("http_proxy", ("http://" + proxy.at()).c_str(), 1);
  EXPECT_EQ(perform(plain()).status, 200);
  EXPECT_EQ(proxy.asked().size(), 1U);
}

TEST_F(HttpEgress, HostIsInNoProxy_IsReachedDirectly) {
  const NetworkProcess provider("provider.mjs", with_tls());
  const NetworkProcess proxy("proxy.mjs", json::object());
  for (const char* excepted : {"test", "*"}) {
    HttpRequest r = by("http://" + proxy.at(), provider);
    r.route.no_proxy = {"other.example", excepted};
    r.route.resolve = {{"provider.test", provider.port(), "127.0.0.1"}};
    static_cast<void>(seen(std::move(r)));
  }
  EXPECT_THAT(proxy.asked(), IsEmpty());
}

TEST_F(HttpEgress, ClientCertificateIsDemanded_IsSent) {
  json options = with_tls();
  options["ca"] = authority_.pem();
  const NetworkProcess provider("provider.mjs", options);
  const test::IssuedCertificate own = authority_.issue({});
  HttpRequest r = to(provider);
  r.route.tls.cert_file = dir_.write("client.pem", own.certificate);
  r.route.tls.key_file = dir_.write("client.key", own.key);
  EXPECT_EQ(seen(std::move(r))["client"], "leaf");

  // The server may be gone before its alert is read.
  EXPECT_THAT(failure(to(provider)), ::testing::AnyOf(Reason::tls, Reason::broken));
  EXPECT_THAT(message_, HasSubstr("does the provider want a client certificate"));
}

// A resumed session would have the identity of the first certificate, and the trust in the first authority.
TEST_F(HttpEgress, CertificatesAreReplacedOnDisk_NextConnectionHasTheNewOnes) {
  json options = with_tls({{"http1_only", true}, {"close", true}});
  options["ca"] = authority_.pem();
  const NetworkProcess provider("provider.mjs", options);
  const auto with_new_certificate = [&] {
    const test::IssuedCertificate own = authority_.issue({});
    HttpRequest r = to(provider);
    r.route.tls.cert_file = dir_.write("client.pem", own.certificate);
    r.route.tls.key_file = dir_.write("client.key", own.key);
    return r;
  };
  const json first = seen(with_new_certificate())["client_key"];
  EXPECT_TRUE(first.is_string());
  EXPECT_NE(seen(with_new_certificate())["client_key"], first);

  HttpRequest distrusting = with_new_certificate();
  dir_.write("ca.pem", test::Authority("Other").pem());
  EXPECT_EQ(failure(std::move(distrusting)), Reason::tls);
}

// A token may be bound to the certificate of the connection (RFC 8705), and readers have the new one.
TEST_F(HttpEgress, CertificatesAreReplacedOnDisk_KeptConnectionIsNotUsed) {
  json options = with_tls();
  options["ca"] = authority_.pem();
  const NetworkProcess provider("provider.mjs", options);
  HttpRequest r = to(provider);
  const auto replace = [&] {
    const test::IssuedCertificate own = authority_.issue({});
    r.route.tls.cert_file = dir_.write("client.pem", own.certificate);
    r.route.tls.key_file = dir_.write("client.key", own.key);
  };
  replace();
  const json first = seen(r)["client_key"];
  EXPECT_EQ(seen(r)["client_key"], first);
  replace();
  EXPECT_NE(seen(r)["client_key"], first);
  dir_.write("ca.pem", test::Authority("Other").pem());
  EXPECT_EQ(failure(r), Reason::tls);
}

TEST_F(HttpEgress, KeyDoesNotFitTheCertificate_ErrorNamesTheKeyFile) {
  const NetworkProcess provider("provider.mjs", with_tls());
  HttpRequest r = to(provider);
  r.route.tls.cert_file = dir_.write("client.pem", authority_.issue({}).certificate);
  r.route.tls.key_file = dir_.write("client.key", authority_.issue({}).key);
  EXPECT_EQ(failure(std::move(r)), Reason::tls);
  EXPECT_THAT(message_, HasSubstr("client.key"));
}

TEST_F(HttpEgress, CaFileIsSet_OnlyItsAuthoritiesAreTrusted) {
  const NetworkProcess provider("provider.mjs", with_tls());
  HttpRequest r = to(provider);
  r.route.tls.ca_file = dir_.write("other.pem", test::Authority("Other").pem());
  EXPECT_EQ(failure(std::move(r)), Reason::tls);
}

TEST_F(HttpEgress, HttpVersion_IsTheConfiguredOneAndByDefault11) {
  const NetworkProcess both("provider.mjs", with_tls());
  const NetworkProcess old("provider.mjs", with_tls({{"http1_only", true}}));
  const auto with = [this](const NetworkProcess& server, HttpVersion version) {
    HttpRequest r = to(server);
    r.route.http_version = version;
    return r;
  };
  EXPECT_EQ(seen(with(both, EgressConfig().http_version))["http_version"], "1.1") << "unless another is asked for";
  EXPECT_EQ(seen(with(both, HttpVersion::automatic))["http_version"], "2.0");
  EXPECT_EQ(seen(with(both, HttpVersion::v1_1))["http_version"], "1.1");
  EXPECT_EQ(seen(with(both, HttpVersion::v2))["http_version"], "2.0");
  EXPECT_EQ(seen(with(old, HttpVersion::automatic))["http_version"], "1.1");
  const NetworkProcess clear("provider.mjs", json{{"h2c", true}});
  HttpRequest r = request("http://" + clear.at() + "/token");
  r.route.http_version = HttpVersion::v2;
  EXPECT_EQ(seen(std::move(r))["http_version"], "2.0");
}

TEST_F(HttpEgress, IpVersionIsSet_Ipv6IsUsedOrRefused) {
  const NetworkProcess provider("provider.mjs", with_tls({{"host", "::1"}}));
  EXPECT_EQ(seen(to(provider, "[::1]"))["from"], "::1");
  HttpRequest r = to(provider);
  r.route.ip = IpVersion::v6;
  EXPECT_EQ(seen(std::move(r))["from"], "::1");
  HttpRequest old = to(provider);
  old.route.ip = IpVersion::v4;
  EXPECT_EQ(failure(std::move(old)), Reason::connect);
}

TEST_F(HttpEgress, ResolveIsSet_AppliesToThatRequestOnly) {
  const NetworkProcess provider("provider.mjs", with_tls());
  HttpRequest r = to(provider, "provider.test");
  r.route.resolve = {{"provider.test", provider.port(), "127.0.0.1"}};
  EXPECT_EQ(seen(std::move(r))["host"], "provider.test:" + std::to_string(provider.port()));
  EXPECT_EQ(failure(to(provider, "provider.test")), Reason::resolve);
}

TEST_F(HttpEgress, UserAgentIsSet_IsSent) {
  const NetworkProcess provider("provider.mjs", with_tls());
  HttpRequest r = to(provider);
  r.route.user_agent = "acme jeton";
  EXPECT_EQ(seen(std::move(r))["user_agent"], "acme jeton");
  EXPECT_THAT(seen(to(provider))["user_agent"].get<std::string>(), ::testing::StartsWith("jeton/"));
}

}  // namespace
}  // namespace jeton::agent
