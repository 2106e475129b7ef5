#include "tests/support/redis_command.hpp"

#include <hiredis/hiredis.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <memory>

#include "agent/base/unique_fd.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/unix_http.hpp"

namespace jeton::test {
namespace {

using Reader = std::unique_ptr<redisReader, decltype(&redisReaderFree)>;
using Reply = std::unique_ptr<redisReply, decltype(&freeReplyObject)>;

// Not through a context of hiredis: its send(2) to a server that was just killed would end the test by SIGPIPE.
Reply ask(int server, redisReader& reader, const std::vector<std::string>& words) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string& word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  char* request = nullptr;
  const auto size = redisFormatCommandArgv(&request, static_cast<int>(words.size()), texts.data(), sizes.data());
  const bool sent = ::send(server, request, static_cast<std::size_t>(size), MSG_NOSIGNAL) == size;
  redisFreeCommand(request);
  void* reply = nullptr;
  char bytes[16384];
  for (ssize_t n = 0; sent && reply == nullptr && (n = ::read(server, bytes, sizeof bytes)) > 0;) {
    redisReaderFeed(&reader, bytes, static_cast<std::size_t>(n));
    if (redisReaderGetReply(&reader, &reply) != REDIS_OK) break;
  }
  return {static_cast<redisReply*>(reply), freeReplyObject};
}

std::string raw_text(const redisReply& reply) {
  if (reply.type == REDIS_REPLY_INTEGER) return std::to_string(reply.integer);
  if (reply.type != REDIS_REPLY_ARRAY) return reply.str == nullptr ? std::string() : std::string(reply.str, reply.len);
  std::string lines;
  for (std::size_t i = 0; i < reply.elements; ++i) lines += (i == 0 ? "" : "\n") + raw_text(*reply.element[i]);
  return lines;
}

}  // namespace

std::string redis_command(const std::string& socket, const std::vector<std::string>& words,
                          const std::string& password) {
  const agent::UniqueFd server = connect_to_unix(socket);
  const timeval limit{patience.count(), 0};
  ::setsockopt(server.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const Reader reader(redisReaderCreate(), redisReaderFree);
  if (!server || (!password.empty() && ask(server.get(), *reader, {"AUTH", password}) == nullptr)) return {};
  const bool elsewhere = words.front() == "-n";
  if (elsewhere && ask(server.get(), *reader, {"SELECT", words.at(1)}) == nullptr) return {};
  const Reply reply = ask(server.get(), *reader, {words.begin() + (elsewhere ? 2 : 0), words.end()});
  return reply == nullptr ? std::string() : raw_text(*reply);
}

}  // namespace jeton::test
