// tokens.NAME.source of type exec: a command prints the token.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "agent/base/time.hpp"
#include "agent/config/model/sources/response_config.hpp"
#include "agent/config/secrets/secret_template.hpp"

namespace jeton::agent {

struct ExecSourceConfig {
  enum class Format {
    json,        // as `response` says
    text,        // the token and nothing else
    kubernetes,  // ExecCredential of client.authentication.k8s.io
    aws          // credential_process of the AWS SDKs
  };
  std::vector<std::string> command;  // absolute path of the program, then its arguments
  Format format = Format::json;
  std::map<std::string, SecretTemplate> env;
  std::filesystem::path working_directory = "/";
  Milliseconds timeout{10'000};
  ResponseConfig response;  // max_body: of what the command prints
  bool operator==(const ExecSourceConfig&) const = default;
};

}  // namespace jeton::agent
