#include "agent/config/model/sources/response_config.hpp"

namespace jeton::agent {

std::string AnswerPlace::text() const {
  const char* const where = in == In::header ? "header " : in == In::cookie ? "cookie " : "";
  return where + name + (inner_json.empty() ? "" : " json " + inner_json);
}

}  // namespace jeton::agent
