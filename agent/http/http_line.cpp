#include "agent/http/http_line.hpp"

#include <utility>

namespace jeton::agent {

void HttpLine::close_unless_for(const HttpRoute& route) {
  bool suits = std::exchange(version_, route.http_version) == route.http_version;
  for (const std::filesystem::path* const file : {&route.tls.ca_file, &route.tls.cert_file, &route.tls.key_file}) {
    if (file->empty()) continue;
    const FileState now(*file);
    const auto [known, is_new] = files_.try_emplace(*file, now);
    suits = suits && (is_new || known->second == now);
    known->second = now;
  }
  if (!suits) multi.reset(::curl_multi_init());
}

}  // namespace jeton::agent
