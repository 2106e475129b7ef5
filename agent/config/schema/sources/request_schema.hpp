// Parts of a request that several types of source have: URL, parameters, headers, values, proxy and TLS.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/model/sources/request_config.hpp"
#include "agent/config/schema/value_reader.hpp"

namespace jeton::agent {

// An http or https URL without a fragment; http:// to another host than loopback is an error without `allow_http`.
[[nodiscard]] std::optional<SecretTemplate> read_url(const ValueReader& value, bool allow_http);

[[nodiscard]] std::map<std::string, SecretTemplate> read_fields(const ValueReader& fields,
                                                                SecretUse use = SecretUse::any);

// Names, each with a value or a list of them.
[[nodiscard]] ParameterTemplates read_parameters(const ValueReader& fields);

// Named values, which are added to `references` one by one: a value may refer to those above it.
// request_values_schema.cpp.
[[nodiscard]] std::vector<RequestValue> read_values(const ValueReader& section, RequestReferences& references,
                                                    Reading& reading);

// Whether `name` is this header; the case of `name` does not matter.
[[nodiscard]] bool is_header(const std::string& name, std::string_view lower_case_name);

[[nodiscard]] std::map<std::string, SecretTemplate> read_headers(const ValueReader& headers, Reading& reading);

// Permits `references` while this object lives.
class RequestPlace {
 public:
  RequestPlace(Reading& reading, const RequestReferences& references) : reading_(reading) {
    reading_.request = &references;
  }
  ~RequestPlace() { reading_.request = nullptr; }
  RequestPlace(const RequestPlace&) = delete;
  RequestPlace& operator=(const RequestPlace&) = delete;

 private:
  Reading& reading_;
};

// Its keys are beside the others of the source; egress_schema.cpp.
[[nodiscard]] EgressConfig read_egress(ObjectReader& source, Reading& reading);

}  // namespace jeton::agent
