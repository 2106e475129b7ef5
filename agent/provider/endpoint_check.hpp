// Examines the server of a source for an operator (`jetonctl doctor`): its name, its TLS certificate and its clock, by
// the way of a fetch (proxy, authorities, addresses). The request is HEAD / without any credential of the source: it
// gets no token, and no provider counts it as a fetch.
#pragma once

#include <optional>

#include "agent/base/finding.hpp"
#include "agent/config/model/sources/source_config.hpp"
#include "agent/http/http.hpp"

namespace jeton::agent {

// The request that examines the source. Nothing: the source asks no server (exec, file, jwt). Reads files and
// environment. Throws Error, without any secret: a reference in the URL or in the proxy cannot be resolved.
[[nodiscard]] std::optional<HttpRequest> endpoint_probe(const SourceConfig& source, const TokenValues& tokens);

// Takes no longer than the probe's timeout. `http` and `clock` outlive it.
Task<Findings> examine_endpoint(HttpRequest probe, HttpTransport& http, const Clock& clock);

// Compares the clocks by the header Date of an answer. `sent`, `now`: the times at which the request was sent and the
// answer was there.
[[nodiscard]] Finding judge_provider_clock(const std::string& subject, WallTime date, WallTime sent, WallTime now);

}  // namespace jeton::agent
