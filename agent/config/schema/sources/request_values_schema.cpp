// values of a request: named texts, and results of functions.
#include "agent/base/error.hpp"
#include "agent/config/schema/sources/request_schema.hpp"
#include "agent/config/schema/sources/source_schema.hpp"

namespace jeton::agent {

namespace {

using Function = RequestValue::Function;
using Form = RequestValue::Form;

std::optional<Function> read_function(const ValueReader& value) {
  return value.choice<Function>({{"md5", Function::md5},
                                 {"sha1", Function::sha1},
                                 {"sha256", Function::sha256},
                                 {"sha512", Function::sha512},
                                 {"hmac_md5", Function::hmac_md5},
                                 {"hmac_sha1", Function::hmac_sha1},
                                 {"hmac_sha256", Function::hmac_sha256},
                                 {"hmac_sha512", Function::hmac_sha512},
                                 {"rsa_sha256", Function::rsa_sha256},
                                 {"base64", Function::base64},
                                 {"base64_decode", Function::base64_decode},
                                 {"percent_encode", Function::percent_encode},
                                 {"xml_escape", Function::xml_escape}});
}

RequestValue read_call(const ValueReader& value) {
  RequestValue config;
  ObjectReader call = value.object();
  const auto function = read_function(call.required("function"));
  assign(config.function, function);
  assign(config.of, call.required("of").secret());
  const ValueReader key = call.at("key");
  assign(config.key, key.secret());
  if (!config.key.empty() && !config.key.has_reference()) {
    key.warning(key.path() + " is a literal secret; put it into a file of mode 0600 and write ${file:PATH}");
  }
  const ValueReader form = call.at("as");
  if (config.function == Function::rsa_sha256) config.form = Form::base64;
  assign(config.form, form.choice<Form>({{"hex", Form::hex},
                                         {"HEX", Form::upper_hex},
                                         {"base64", Form::base64},
                                         {"base64url", Form::base64url},
                                         {"bytes", Form::bytes}}));
  call.finish();
  if (!value.present() || !function) return config;
  if (takes_key(*function) && !key.present()) {
    value.error(value.path() + ": this function needs a key, such as ${file:/etc/jeton/api.secret}");
  }
  if (!takes_key(*function) && key.present()) key.error(key.path() + " is not used by this function; remove it");
  if (!gives_bytes(*function) && form.present()) form.error(form.path() + " is not used by this function; remove it");
  if (*function == Function::rsa_sha256 && !config.key.empty()) check_signing_key(key, config.key, JwtAlgorithm::rs256);
  return config;
}

// Whether ${value:NAME} can be written.
bool can_be_referred_to(const std::string& name) {
  try {
    const SecretTemplate reference = SecretTemplate::parse("${value:" + name + "}");
    return reference.parts().size() == 1 && reference.parts().front().text == name;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

std::vector<RequestValue> read_values(const ValueReader& section, RequestReferences& references, Reading& reading) {
  std::vector<RequestValue> values;
  for (const Member& member : section.members()) {
    // While the schema is listed a value is both a text and a call.
    const bool listed = reading.paths != nullptr;
    const bool call = listed || member.value.is_map();
    RequestValue value;
    if (call) value = read_call(member.value);
    if (listed || !call) assign(value.of, member.value.secret());
    value.name = member.name;
    if (listed) continue;
    if (!can_be_referred_to(member.name)) {
      reading.problems.error(
          member.place, section.path() + "." + member.name + ": the name of a value has letters, digits, _ and - only");
    }
    references.values.insert(member.name);
    values.push_back(std::move(value));
  }
  return values;
}

}  // namespace jeton::agent
