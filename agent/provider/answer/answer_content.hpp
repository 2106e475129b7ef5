// AnswerContent: an answer, parsed once: the body without its content coding, its JSON, and the headers; and the lookup
// of a place of the configuration (request_config.hpp) in it. Values; any thread. Include in .cpp files only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/json.hpp"
#include "agent/config/model/sources/request_config.hpp"
#include "agent/http/http.hpp"
#include "agent/provider/answer/json_body.hpp"
#include "agent/provider/source.hpp"

namespace jeton::agent {

struct Cookie {
  std::string_view value;                // without the quotes around it
  std::optional<Milliseconds> lifetime;  // by Max-Age
  std::optional<WallTime> end;           // by Expires, if there is no Max-Age
};

struct AnswerContent {
  SecretString body;                       // decoded; as it came if it cannot be
  WipingJson json;                         // of the body; null if it is not asked for or cannot be read
  std::optional<SourceError> undecodable;  // why the coding of the body cannot be undone
  std::optional<SourceError> unreadable;   // why the body cannot be read; nothing if no place is in it
  std::vector<HttpHeader> headers;         // none of a file or a command
  WallTime received_at;

  // A value of JSON; the value of a header or cookie is a text. Nothing if it is missing, or null.
  [[nodiscard]] std::optional<WipingJson> find(const AnswerPlace& place) const;
  // The cookie at `place` (RFC 6265 section 5.2), if that is one. If several have its name, the last counts, as in a
  // browser.
  [[nodiscard]] std::optional<Cookie> cookie(const AnswerPlace& place) const;
};

// Both throw nothing: a broken body is described in `unreadable`, because a status may say more about the failure.
[[nodiscard]] AnswerContent content_of(const HttpResponse& response, const ResponseConfig& config, WallTime now);
// The content of a file or of the output of a command.
[[nodiscard]] AnswerContent content_of(std::string_view text, const ResponseConfig& config, WallTime now);

// A single value as text; for a structure the name of its type.
[[nodiscard]] std::string scalar_text(const WipingJson& value);

}  // namespace jeton::agent
