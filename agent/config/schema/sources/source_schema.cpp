// tokens.NAME.source: which type it is of, and so which keys it has.
#include "agent/config/schema/sources/source_schema.hpp"

#include "agent/base/error.hpp"

namespace jeton::agent {

namespace {

enum class Type { exec, file, http, jwt, oauth2 };

// While the schema is listed every type is asked for its keys.
SourceConfig read_every_type(ObjectReader& source, Reading& reading) {
  static_cast<void>(read_exec_source(source, reading));
  static_cast<void>(read_file_source(source, reading));
  static_cast<void>(read_jwt_source(source, reading));
  static_cast<void>(read_oauth2_source(source, reading));
  return read_http_source(source, reading);
}

}  // namespace

SourceConfig read_source(ObjectReader source, Reading& reading) {
  const auto type = source.required("type").choice<Type>(
      {{"exec", Type::exec}, {"file", Type::file}, {"http", Type::http}, {"jwt", Type::jwt}, {"oauth2", Type::oauth2}});
  if (reading.paths != nullptr) return read_every_type(source, reading);
  SourceConfig config;
  // An unknown type is reported already; no schema knows its keys.
  if (!type) return config;
  switch (*type) {
    case Type::exec:
      config = read_exec_source(source, reading);
      break;
    case Type::file:
      config = read_file_source(source, reading);
      break;
    case Type::http:
      config = read_http_source(source, reading);
      break;
    case Type::jwt:
      config = read_jwt_source(source, reading);
      break;
    case Type::oauth2:
      config = read_oauth2_source(source, reading);
      break;
  }
  source.finish();
  return config;
}

void check_signing_key(const ValueReader& value, const SecretTemplate& key, JwtAlgorithm algorithm) {
  SecretString secret;
  try {
    secret = key.resolve();
  } catch (const Error&) {
    return;
  }
  try {
    const JwtSigner signer(algorithm, secret);
  } catch (const Error& e) {
    value.error(value.path() + ": " + e.what());
  }
}

}  // namespace jeton::agent
