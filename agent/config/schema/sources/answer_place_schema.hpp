// The places of `response`: "/data/token", "header NAME", "cookie NAME", each maybe with " json /pointer" behind it.
#pragma once

#include "agent/config/model/sources/response_config.hpp"
#include "agent/config/schema/value_reader.hpp"

namespace jeton::agent {

// Which parts an answer has: a file and the output of a command are a body and nothing else.
enum class AnswerParts { body, http };

// Nothing, and a problem, if the text does not name a place of such an answer.
[[nodiscard]] std::optional<AnswerPlace> read_place(const ValueReader& value, AnswerParts parts);

// For a value that is only the name of a header.
[[nodiscard]] std::optional<AnswerPlace> read_header_place(const ValueReader& value);

}  // namespace jeton::agent
