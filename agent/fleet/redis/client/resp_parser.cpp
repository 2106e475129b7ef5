#include "agent/fleet/redis/client/resp_parser.hpp"

extern "C" {  // sds.h of hiredis 0.14 does not say it itself
#include <hiredis/sds.h>
}
#include <hiredis/hiredis.h>
#include <hiredis/read.h>

#include <algorithm>
#include <charconv>
#include <new>
#include <string>

namespace jeton::agent::redis {
namespace {

// The state that the callbacks of one reader share; reached through privdata.
struct Build {
  ReplyLimits limits;
  std::size_t elements = 0;  // announced so far by the arrays of the reply in hand
  const char* refusal = nullptr;
};

// Puts a reply that `fill` completes where it belongs: into the array that is being read, or on the heap if it is the
// outermost. Nothing may be thrown through hiredis; nullptr makes its reader stop.
template <typename Fill>
Reply* place(const redisReadTask* task, Reply::Type type, Fill fill) noexcept {
  try {
    Reply reply;
    reply.type = type;
    fill(reply);
    if (task->parent == nullptr) return new Reply(std::move(reply));
    auto& siblings = static_cast<Reply*>(task->parent->obj)->elements;
    return &siblings.emplace_back(std::move(reply));  // reserved by create_array, so earlier siblings stay in place
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void* create_string(const redisReadTask* task, char* text, std::size_t size) {
  const auto type = task->type == REDIS_REPLY_ERROR    ? Reply::Type::error
                    : task->type == REDIS_REPLY_STATUS ? Reply::Type::status
                                                       : Reply::Type::string;
  return place(task, type, [&](Reply& reply) { reply.text = SecretString(std::string_view(text, size)); });
}

#if HIREDIS_MAJOR >= 1
using ElementCount = std::size_t;
#else
using ElementCount = int;
#endif

void* create_array(const redisReadTask* task, ElementCount announced) {
  auto& build = *static_cast<Build*>(task->privdata);
  const auto count = static_cast<std::size_t>(announced);
  if (count > build.limits.elements - build.elements) {
    build.refusal = "an array with too many elements";
    return nullptr;
  }
  build.elements += count;
  return place(task, Reply::Type::array, [&](Reply& reply) { reply.elements.reserve(count); });
}

void* create_integer(const redisReadTask* task, long long value) {
  return place(task, Reply::Type::integer, [&](Reply& reply) { reply.integer = value; });
}

void* create_nil(const redisReadTask* task) {
  const auto nothing = [](Reply& /*reply*/) {};
  return place(task, Reply::Type::nil, nothing);
}

#if HIREDIS_MAJOR >= 1
// RESP3 only, which we never ask for; but the reader would hand us something that is no object without them.
void* create_double(const redisReadTask* task, double, char* text, std::size_t size) {
  return create_string(task, text, size);
}
void* create_bool(const redisReadTask* task, int value) { return create_integer(task, value); }
#endif

void free_object(void* object) { delete static_cast<Reply*>(object); }

redisReplyObjectFunctions object_functions() {
  redisReplyObjectFunctions functions{};
  functions.createString = create_string;
  functions.createArray = create_array;
  functions.createInteger = create_integer;
  functions.createNil = create_nil;
#if HIREDIS_MAJOR >= 1
  functions.createDouble = create_double;
  functions.createBool = create_bool;
#endif
  functions.freeObject = free_object;
  return functions;
}

const redisReadTask& current_task(const redisReader& reader) {
#if HIREDIS_MAJOR >= 1
  return *reader.task[reader.ridx];
#else
  return reader.rstack[reader.ridx];
#endif
}

constexpr std::size_t idle_buffer_size = 64 * 1024;  // a larger buffer is freed once it is empty

}  // namespace

class RespParser::Impl {
 public:
  explicit Impl(ReplyLimits limits)
      : build_{limits}, functions_(object_functions()), reader_(::redisReaderCreateWithFunctions(&functions_)) {
    if (reader_ == nullptr) throw std::bad_alloc();
    reader_->privdata = &build_;
    reader_->maxbuf = 0;  // the buffer is replaced here, wiped, and not by the reader
  }
  ~Impl() {
    wipe_buffer();
    ::redisReaderFree(reader_);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void feed(std::string_view bytes) {
    make_room(bytes.size());
    fed_ += bytes.size();
    if (::redisReaderFeed(reader_, bytes.data(), bytes.size()) != REDIS_OK) fail();
  }

  std::optional<Reply> next() {
    void* object = nullptr;
    if (::redisReaderGetReply(reader_, &object) != REDIS_OK) fail();
    if (object == nullptr) {
      wipe_consumed();
      check_incomplete_reply();
      return std::nullopt;
    }
    const std::unique_ptr<Reply> reply(static_cast<Reply*>(object));
    reply_began_at_ = fed_ - (reader_->len - reader_->pos);
    build_.elements = 0;
    return std::move(*reply);
  }

 private:
  [[noreturn]] void fail() const {
    throw TransportError("the server sent " + (build_.refusal != nullptr
                                                   ? std::string(build_.refusal)
                                                   : "no Redis reply: " + std::string(reader_->errstr)));
  }

  void check_incomplete_reply() {
    if (fed_ - reply_began_at_ > build_.limits.bytes) refuse("a reply that is too long");
    if (reader_->ridx < 0 || current_task(*reader_).type != REDIS_REPLY_STRING) return;
    // The reader waits for a bulk string, whose length was announced: too much need not be waited for.
    const std::string_view rest(reader_->buf + reader_->pos, reader_->len - reader_->pos);
    const std::string_view digits = rest.substr(0, rest.find('\r'));
    unsigned long long announced = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), announced);
    if (parsed.ec == std::errc::result_out_of_range || announced > build_.limits.bytes) {
      refuse("a string that is too long");
    }
  }

  [[noreturn]] void refuse(const char* what) {
    build_.refusal = what;
    fail();
  }

  // sds would grow by realloc, which leaves the old bytes behind in freed memory.
  void make_room(std::size_t size) {
    const std::size_t unread = reader_->len - reader_->pos;
    const bool shrink = unread == 0 && sdsavail(reader_->buf) > idle_buffer_size;
    if (sdsavail(reader_->buf) >= size && !shrink) return;
    sds larger = ::sdsnewlen(nullptr, 2 * (unread + size));
    if (larger == nullptr) throw std::bad_alloc();
    ::sdsclear(larger);
    larger = ::sdscatlen(larger, reader_->buf + reader_->pos, unread);
    wipe_buffer();
    ::sdsfree(reader_->buf);
    reader_->buf = larger;
    reader_->pos = 0;
    reader_->len = unread;
  }

  void wipe_buffer() noexcept {
    if (reader_->buf != nullptr) wipe(reader_->buf, sdslen(reader_->buf) + sdsavail(reader_->buf));
  }

  // Wipes the bytes that were read, and the free space, where the reader leaves old bytes when it moves the rest down.
  void wipe_consumed() noexcept {
    if (reader_->buf == nullptr) return;
    wipe(reader_->buf, reader_->pos);
    wipe(reader_->buf + reader_->len, sdsavail(reader_->buf));
    if (reader_->pos == reader_->len) {
      ::sdsclear(reader_->buf);
      reader_->pos = reader_->len = 0;
    }
  }

  Build build_;
  redisReplyObjectFunctions functions_;
  redisReader* reader_;
  std::size_t fed_ = 0;             // bytes in all
  std::size_t reply_began_at_ = 0;  // of those, before the reply in hand
};

RespParser::RespParser(ReplyLimits limits) : impl_(std::make_unique<Impl>(limits)) {}
RespParser::~RespParser() = default;
void RespParser::feed(std::string_view bytes) { impl_->feed(bytes); }
std::optional<Reply> RespParser::next() { return impl_->next(); }

}  // namespace jeton::agent::redis
