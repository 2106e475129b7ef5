// tokens.NAME.source of type http.
#include "agent/config/json_schema.hpp"
#include "agent/config/sources/request_schema.hpp"
#include "agent/config/sources/response_schema.hpp"
#include "agent/config/sources/source_schema.hpp"

namespace jeton::agent {

HttpSourceConfig read_http_source(ObjectReader& source, Reading& reading) {
  HttpSourceConfig config;
  const ValueReader url = source.required("url");
  const ValueReader method = source.at("method");
  const auto chosen = method.choice<std::string>({{"GET", "GET"}, {"POST", "POST"}});
  config.query = read_fields(source.at("query"));
  config.headers = read_headers(source.at("headers"), reading);
  const ValueReader form = source.at("form");
  config.form = read_fields(form);
  const ValueReader json = source.at("json");
  config.json = read_json_template(json, reading);

  if (form.present() && json.present()) json.error("source.form and source.json exclude each other");
  const bool has_body = form.present() || json.present();
  if (has_body && chosen == "GET")
    method.error("method GET has no body; use POST, or source.query instead of the body");
  config.method = chosen.value_or(has_body ? "POST" : "GET");

  config.egress = read_egress(source, reading);
  assign(config.url, read_url(url, config.egress.allow_http));
  config.response = read_response(source.at("response").object());
  return config;
}

}  // namespace jeton::agent
