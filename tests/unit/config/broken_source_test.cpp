// Mistakes in the source of a token.
#include "tests/unit/config/broken_config.hpp"

namespace jeton::test {
namespace {

class BrokenSource : public testing::TestWithParam<BrokenConfig> {};

// `text` is the rest of the source beside type and url, from line 6 on; it replaces the url if it has one.
TEST_P(BrokenSource, SourceHasAnError_IsRefusedAtItsPlace) {
  const BrokenConfig& broken = GetParam();
  const std::string own = broken.text;
  std::string text = "version: 1\ntokens:\n  t:\n    source:\n      type: http\n";
  std::string line;
  for (const char c : own) {
    if (line.empty()) line = "      ";
    line += c;
    if (c == '\n') text += std::exchange(line, {});
  }
  if (own.find("url:") == std::string::npos) text += "      url: https://api.example.com/token\n";
  expect_refused({broken.name, text.c_str(), broken.line, broken.message});
}

INSTANTIATE_TEST_SUITE_P(
    Url, BrokenSource,
    testing::Values(
        BrokenConfig{"Empty", "url: ''\n", 6, "url is empty"},
        BrokenConfig{"NoScheme", "url: api.example.com/token\n", 6, "must start with https://"},
        BrokenConfig{"OtherScheme", "url: ftp://api.example.com/token\n", 6, "must start with https://"},
        BrokenConfig{"PlainHttpToAnotherHost", "url: http://api.example.com/token\n", 6, "source.allow_http: true"},
        BrokenConfig{"LoopbackByResolve", "url: http://localhost/\nresolve: {'localhost:80': 192.0.2.1}\n", 6,
                     "in the clear to the address of source.resolve; use https://, or set source.allow_http: true"},
        BrokenConfig{
            "LoopbackByProxy", "url: http://localhost/\nproxy: http://192.0.2.1:3128\n", 6,
            "in the clear by source.proxy (set source.no_proxy: [localhost] to keep it on this host); use https://, "
            "or set source.allow_http: true"},
        BrokenConfig{"LoopbackAsUser", "url: http://127.0.0.1@api.example.com/token\n", 6, "user or password"},
        BrokenConfig{"LoopbackAsPrefix", "url: http://127.0.0.1.example.com/token\n", 6, "source.allow_http: true"},
        BrokenConfig{"BackslashInHost", "url: http://127.0.0.1\\@api.example.com/\n", 6, "backslash"},
        BrokenConfig{"OddAddress", "url: https://0x7f000001/token\n", 6, "not a host name"},
        BrokenConfig{"PasswordInUrl", "url: https://user:pass@api.example.com/\n", 6, "user or password"},
        BrokenConfig{"NoHost", "url: https:///token\n", 6, "host is missing"},
        BrokenConfig{"PortZero", "url: https://api.example.com:0/\n", 6, "port"},
        BrokenConfig{"Fragment", "url: https://api.example.com/#token\n", 6, "fragment"},
        BrokenConfig{"Blank", "url: https://api.example.com/a b\n", 6, "blank"},
        BrokenConfig{"NotAscii", "url: https://bücher.example/\n", 6, "ASCII"},
        BrokenConfig{"IsAMap", "url: {host: a}\n", 6, "got a map of keys"},
        BrokenConfig{"IsNothing", "url:\n", 6, "got nothing"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Request, BrokenSource,
    testing::Values(
        BrokenConfig{"MethodUnknown", "method: TRACE\n", 6, "expected one of GET, POST, PUT, PATCH, DELETE"},
        BrokenConfig{"MethodInLowerCase", "method: post\n", 6, "unknown value 'post'"},
        BrokenConfig{"GetWithForm", "method: GET\nform: {a: b}\n", 6, "method GET has no body"},
        BrokenConfig{"GetWithJson", "method: GET\njson: {a: b}\n", 6, "method GET has no body"},
        BrokenConfig{"FormAndJson", "form: {a: b}\njson: {a: b}\n", 7, "exclude each other"},
        BrokenConfig{"JsonIsText", "json: '{\"a\": 1}'\n", 6, "expected a map of keys or a list"},
        BrokenConfig{"QueryIsAList", "query: [a]\n", 6, "expected a map of names; got a list"},
        BrokenConfig{"QueryValueIsAMap", "query: {a: {b: c}}\n", 6, "query.a: expected text"},
        BrokenConfig{"QueryValueHoldsAList", "query: {a: [[b]]}\n", 6, "query.a: expected text"},
        BrokenConfig{"QueryValueIsAnEmptyList", "query: {a: []}\n", 6, "query.a is an empty list"},
        BrokenConfig{"GetWithBody", "method: GET\nheaders: {Content-Type: a}\nbody: a\n", 6, "method GET has no body"},
        BrokenConfig{"BodyAndForm", "form: {a: b}\nheaders: {Content-Type: a}\nbody: a\n", 8,
                     "source.form and tokens.t.source.body exclude each other"},
        BrokenConfig{"BodyWithoutType", "body: a\n", 6, "Content-Type: application/xml"},
        BrokenConfig{"QueryValueIsNothing", "query:\n  a:\n", 7, "got nothing"},
        BrokenConfig{"HeaderNameWithBlank", "headers: {'X Key': a}\n", 6, "is not the name of a header"},
        BrokenConfig{"HeaderTwice", "headers: {X-Key: a, x-key: b}\n", 6, "is set twice"},
        BrokenConfig{"HeaderOfTheAgent", "headers: {Content-Length: '5'}\n", 6, "is set by the agent itself"},
        BrokenConfig{"HeaderWithLineBreak", "headers: {X-Key: \"a\\r\\nX-Other: b\"}\n", 6, "line break"},
        BrokenConfig{"TimeoutTooLong", "timeout: 10m\n", 6, "not in 10ms to 5m"},
        BrokenConfig{"ConnectTimeoutAboveTimeout", "timeout: 2s\nconnect_timeout: 3s\n", 7,
                     "longer than source.timeout"},
        BrokenConfig{"TooManyRedirects", "max_redirects: 11\n", 6, "not in 0 to 10"},
        BrokenConfig{"AllowHttpIsText", "allow_http: sometimes\n", 6, "expected true or false"},
        BrokenConfig{"KeyMisspelt", "timout: 1s\n", 6, "did you mean 'timeout'?"},
        BrokenConfig{"KeyOfAnotherSection", "grace: 5m\n", 6, "unknown key 'grace' in tokens.t.source"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Values, BrokenSource,
    testing::Values(
        BrokenConfig{"UnknownFunction", "values:\n  a: {function: sha265, of: b}\n", 7, "did you mean 'sha256'?"},
        BrokenConfig{"WithoutText", "values:\n  a: {function: sha256}\n", 7, "missing required key 'of'"},
        BrokenConfig{"WithoutKey", "values:\n  a: {function: hmac_sha256, of: b}\n", 7, "needs a key"},
        BrokenConfig{"KeyOfNothing", "values:\n  a: {function: md5, of: b, key: '${env:PATH}'}\n", 7, "is not used"},
        BrokenConfig{"FormOfText", "values:\n  a: {function: base64, of: b, as: hex}\n", 7, "is not used"},
        BrokenConfig{"UnknownForm", "values:\n  a: {function: md5, of: b, as: Hex}\n", 7, "did you mean 'hex'?"},
        BrokenConfig{"NameOfTwoWords", "values:\n  a b: c\n", 7, "letters, digits, _ and - only"},
        BrokenConfig{"UsesOneBelow", "values:\n  a: '${value:b}'\n  b: c\n", 7, "no value above it has the name b"},
        BrokenConfig{"UsesItself", "values:\n  a: '${value:a}'\n", 7, "no value above it has the name a"},
        BrokenConfig{"Misspelt", "values:\n  text: a\nquery: {a: '${value:texd}'}\n", 8, "did you mean text?"},
        BrokenConfig{"NoneIsThere", "query: {a: '${value:b}'}\n", 6, "add it to values"},
        BrokenConfig{"UrlOfItself", "url: 'https://a.example/${request:path}'\n", 4, "cannot be made of"},
        BrokenConfig{"BodyOfItself", "json: {a: '${request:body}'}\n", 4, "json cannot be made of ${request:body}"},
        BrokenConfig{"BodyOfItselfByAValue", "values: {v: '${request:body}'}\njson: {a: '${value:v}'}\n", 4,
                     "json cannot be made of ${request:body}"},
        BrokenConfig{"QueryAndBodyOfEachOther", "query: {a: '${request:body}'}\njson: {a: '${request:query}'}\n", 4,
                     "while the body is made of ${request:query}"},
        BrokenConfig{"UnknownPart", "query: {a: '${request:header}'}\n", 6,
                     "expected method, host, path, query or body"},
        BrokenConfig{"UnknownTime", "query: {a: '${now:%H:%q}'}\n", 6, "expected unix, unix_ms, rfc3339"},
        BrokenConfig{"TimeOfNothing", "query: {a: '${now:today}'}\n", 6, "expected unix, unix_ms, rfc3339"},
        BrokenConfig{"OddNonce", "query: {a: '${nonce:hex9}'}\n", 6, "an even number"},
        BrokenConfig{"TimeInTheProxy", "proxy: 'http://p:${now:unix}@h:1'\n", 6,
                     "is allowed only in the request of a source"},
        BrokenConfig{"RefreshTokenIsNotThere", "json: {a: '${refresh_token}'}\n", 6, "that has refresh_token"},
        BrokenConfig{"RefreshTokenIsNotUsed", "refresh_token: '${env:PATH}'\n", 6, "write ${refresh_token}"},
        BrokenConfig{"RefreshTokenWithoutSeal", "refresh_token: '${env:PATH}'\nform: {a: '${refresh_token}'}\n", 5,
                     "set coordination.seal.key_files"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Revocation, BrokenSource,
    testing::Values(BrokenConfig{"WithoutUrl", "revocation: {form: {t: \"${revoked}\"}}\nurl: https://a.example/\n", 6,
                                 "missing required key 'url'"},
                    BrokenConfig{"WithoutTheToken", "revocation:\n  url: https://a.example/\nurl: https://a.example/\n",
                                 7, "write ${revoked}"},
                    BrokenConfig{"DeleteWithBody",
                                 "revocation:\n  url: https://a.example/\n  method: DELETE\n  form: {t: "
                                 "\"${revoked}\"}\nurl: https://a.example/\n",
                                 8, "method DELETE has no body"},
                    BrokenConfig{"RevokedElsewhere", "form: {t: \"${revoked}\"}\n", 6,
                                 "is allowed only in source.revocation"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Egress, BrokenSource,
    testing::Values(
        BrokenConfig{"ProxyWithoutPort", "proxy: http://proxy.example.com\n", 6, "no port"},
        BrokenConfig{"ProxyWithoutScheme", "proxy: proxy.example.com:3128\n", 6, "a proxy is http://HOST:PORT"},
        BrokenConfig{"ProxyWithPath", "proxy: http://proxy.example.com:3128/x\n", 6, "has a path"},
        BrokenConfig{"ProxyWithBareAt", "proxy: http://u:p@q@proxy.example.com:3128\n", 6, "%40"},
        BrokenConfig{"ProxySecretIsMissing", "proxy: http://u:${env:JETON_TEST_NOT_SET}@p:1\n", 6, "no such variable"},
        BrokenConfig{"NoProxyOfNone", "proxy: none\nno_proxy: [a]\n", 7, "source.proxy is none"},
        BrokenConfig{"NoProxyInOneText", "no_proxy: ['a, b']\n", 6, "is not one host"},
        BrokenConfig{"CertificateWithoutKey", "tls:\n  cert_file: PEM_FILE\n", 7, "go together"},
        BrokenConfig{"CaFileIsMissing", "tls: {ca_file: /nonexistent/ca.pem}\n", 6, "No such file or directory"},
        BrokenConfig{"CaFileIsRelative", "tls: {ca_file: ca.pem}\n", 6, "expected an absolute path"},
        BrokenConfig{"IpVersionUnknown", "ip: v6\n", 6, "expected one of any, 4, 6"},
        BrokenConfig{"HttpVersionUnknown", "http_version: '3'\n", 6, "auto, 1.1, 2"},
        BrokenConfig{"ResolveWithoutPort", "resolve: {api.example.com: 10.0.0.1}\n", 6, "expected HOST:PORT"},
        BrokenConfig{"ResolveToAName", "resolve: {\"api.example.com:443\": other}\n", 6, "an IPv4 or IPv6 address"},
        BrokenConfig{"UserAgentNotAscii", "user_agent: jetón\n", 6, "only ASCII"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Response, BrokenSource,
    testing::Values(
        BrokenConfig{"PointerWithoutSlash", "response: {token: access_token}\n", 6, "expected a JSON pointer"},
        BrokenConfig{"PointerWithBadEscape", "response: {token: /a~2b}\n", 6, "expected a JSON pointer"},
        BrokenConfig{"PointerEndsInTilde", "response: {error: /a~}\n", 6, "expected a JSON pointer"},
        BrokenConfig{"AttributePointer", "response: {attributes: {scope: scope}}\n", 6, "expected a JSON pointer"},
        BrokenConfig{"NoLifetime", "response: {default_lifetime: 0s}\n", 6, "not in 1s to 366d"},
        BrokenConfig{"ErrorRulesWithoutError", "response: {error_rules: {permanent: [1]}}\n", 6,
                     "needs response.error"},
        BrokenConfig{"ErrorIsBoth", "response: {error: /e, error_rules: {permanent: [1], transient: [1]}}\n", 6,
                     "'1' is listed as permanent and as transient"},
        BrokenConfig{"SuccessWithoutError", "response: {error_rules: {success: [200]}}\n", 6, "needs response.error"},
        BrokenConfig{"SuccessIsAnError", "response: {error: /e, error_rules: {success: [1], permanent: [1]}}\n", 6,
                     "'1' is listed as a success and as an error"},
        BrokenConfig{"StatusIsNone", "response: {error_rules: {transient_status: [soon]}}\n", 6, "expected statuses"},
        BrokenConfig{"StatusIsOutOfRange", "response: {error_rules: {permanent_status: [600]}}\n", 6, "1 to 599"},
        BrokenConfig{"StatusIsBoth", "response: {error_rules: {permanent_status: [404], transient_status: [404]}}\n", 6,
                     "the status 404 is listed as permanent and as transient"},
        BrokenConfig{"HeaderIsSetCookie", "response: {header: Set-Cookie, default_lifetime: 1h}\n", 6, "cookie NAME"},
        BrokenConfig{"PlaceIsSetCookie", "response: {token: header set-cookie, default_lifetime: 1h}\n", 6,
                     "cookie NAME"},
        BrokenConfig{"PlaceWithoutName", "response: {token: 'header '}\n", 6, "header NAME or cookie NAME"},
        BrokenConfig{"InnerPointer", "response: {token: /a json /b~2}\n", 6, "expected a JSON pointer"},
        BrokenConfig{"AttributeIsTheToken", "response: {token: /t, attributes: {x: /t}}\n", 6, "is a secret"},
        BrokenConfig{"TypeIsTheToken", "response: {token: /t, type: /t}\n", 6, "is a secret"},
        BrokenConfig{"RefreshTokenOfHttp", "response: {refresh_token: /r}\n", 6, "needs tokens.t.source.refresh_token"},
        BrokenConfig{"UnknownUnit", "response: {expiry_unit: seconds}\n", 6, "expected one of ms, s, m, h, d"},
        BrokenConfig{"TextWithoutLifetime", "response: {format: text}\n", 6, "default_lifetime is missing"},
        BrokenConfig{"TextWithPointer", "response: {format: text, default_lifetime: 1h, type: /t}\n", 6,
                     "type is not used: response.format is text"},
        BrokenConfig{"TextWithHeader", "response: {format: text, default_lifetime: 1h, header: X-A}\n", 6,
                     "exclude each other"},
        BrokenConfig{"HeaderWithoutLifetime", "response: {header: X-A}\n", 6, "default_lifetime is missing"},
        BrokenConfig{"HeaderAndToken", "response: {header: X-A, token: /t, expires_in: /e}\n", 6, "exclude each other"},
        BrokenConfig{"BodyTooLarge", "response: {max_body: 1GiB}\n", 6, "not in 1KiB to 16MiB"},
        BrokenConfig{"SizeWithDecimalUnit", "response: {max_body: 1MB}\n", 6, "expected a size like 512B"},
        BrokenConfig{"KeyMisspelt", "response: {expire_in: /a}\n", 6, "did you mean 'expires_in'?"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Reference, BrokenSource,
    testing::Values(
        BrokenConfig{"UnknownKind", "query: {k: \"${vault:x}\"}\n", 6, "unknown reference ${vault:...}"},
        BrokenConfig{"NoEnd", "query: {k: \"${env:x\"}\n", 6, "has no }"},
        BrokenConfig{"AuthoritiesAreADirectory", "tls: {ca_file: /etc}\n", 6, "/etc is a directory; name a file in it"},
        BrokenConfig{"CertificateIsADevice", "tls: {cert_file: /dev/zero, key_file: PEM_FILE}\n", 6,
                     "/dev/zero is not a regular file"},
        BrokenConfig{"EmptyProxy", "proxy: ''\n", 6, "proxy is empty; expected text or a reference"},
        BrokenConfig{"EmptyKey", "values: {a: {function: hmac_sha256, of: '', key: ''}}\n", 6, "a.key is empty"},
        BrokenConfig{"RelativeFile", "query: {k: \"${file:key}\"}\n", 6, "must be absolute"},
        BrokenConfig{"MissingFile", "query: {k: \"${file:/nonexistent/jeton/key}\"}\n", 6, "No such file or directory"},
        BrokenConfig{"FileIsADirectory", "query: {k: \"${file:/}\"}\n", 6, "not a regular file"},
        BrokenConfig{"FileIsADevice", "query: {k: \"${file:/dev/zero}\"}\n", 6, "not a regular file"},
        BrokenConfig{"MissingVariable", "query: {k: \"${env:JETON_TEST_NOT_SET}\"}\n", 6, "no such variable"},
        BrokenConfig{"VariableNameWithBlank", "query: {k: \"${env:a b}\"}\n", 6, "not a name"},
        BrokenConfig{"CredentialClimbs", "query: {k: \"${credential:../key}\"}\n", 6, "not a name of a credential"},
        BrokenConfig{"InsideOfJson", "json:\n  list:\n    - a\n    - ${env:JETON_TEST_NOT_SET}\n", 9,
                     "no such variable"},
        BrokenConfig{"InTheUrl", "url: https://api.example.com/${env:JETON_TEST_NOT_SET}\n", 6, "no such variable"}),
    name_of);

}  // namespace
}  // namespace jeton::test
