#include "agent/provider/answer/content_coding.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/ascii.hpp"
#include "agent/base/excerpt.hpp"
#include "agent/base/json.hpp"
#include "agent/provider/answer/json_body.hpp"

namespace jeton::agent {
namespace {

constexpr std::size_t max_codings = 3;
constexpr int any_header = 15 + 32;  // windowBits: a header of gzip or zlib
constexpr int no_header = -15;       // a format that some servers call deflate

// The window of zlib holds decoded text, so it is wiped; its size is stored in front of it.
voidpf allocate_window(voidpf /*opaque*/, uInt items, uInt size) {
  const std::size_t bytes = std::size_t{items} * size + sizeof(std::max_align_t);
  auto* const block = static_cast<std::size_t*>(std::malloc(bytes));
  if (block == nullptr) return nullptr;
  *block = bytes;
  return reinterpret_cast<char*>(block) + sizeof(std::max_align_t);
}

void free_window(voidpf /*opaque*/, voidpf address) {
  auto* const block = reinterpret_cast<std::size_t*>(static_cast<char*>(address) - sizeof(std::max_align_t));
  wipe(block, *block);
  std::free(block);
}

class Inflater {
 public:
  Inflater(std::string_view coded, int window_bits) {
    stream_.zalloc = allocate_window;
    stream_.zfree = free_window;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(coded.data()));
    stream_.avail_in = static_cast<uInt>(std::min<std::size_t>(coded.size(), std::numeric_limits<uInt>::max()));
    ready_ = ::inflateInit2(&stream_, window_bits) == Z_OK;
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() {
    if (ready_) ::inflateEnd(&stream_);
    wipe(chunk_.data(), chunk_.size());
  }

  enum class End { whole, damaged, too_large };
  // Several members of gzip may follow each other.
  End run(SecretString& out, std::size_t max_body) {
    int end = ready_ ? Z_OK : Z_MEM_ERROR;
    while (end == Z_OK || (end == Z_STREAM_END && stream_.avail_in > 0 && ::inflateReset(&stream_) == Z_OK)) {
      stream_.next_out = reinterpret_cast<Bytef*>(chunk_.data());
      stream_.avail_out = static_cast<uInt>(chunk_.size());
      end = ::inflate(&stream_, Z_NO_FLUSH);
      const std::size_t got = chunk_.size() - stream_.avail_out;
      if (got > max_body - out.size()) return End::too_large;
      out.append({chunk_.data(), got});
      if (end == Z_OK && got == 0 && stream_.avail_in == 0) return End::damaged;  // it ends in the middle
    }
    return end == Z_STREAM_END ? End::whole : End::damaged;
  }

 private:
  z_stream stream_{};
  std::array<char, 4096> chunk_{};
  bool ready_ = false;
};

// A proxy may have unpacked it and left the header unchanged.
bool is_json_object(std::string_view body) {
  return without_blanks(body).starts_with('{') && try_parse_wiping_json(body).is_object();
}

SecretString inflated(std::string_view coded, std::size_t max_body) {
  for (const int window_bits : {any_header, no_header}) {
    SecretString out;
    switch (Inflater(coded, window_bits).run(out, max_body)) {
      case Inflater::End::whole:
        return out;
      case Inflater::End::too_large:
        refuse_answer("unpacks to more than " + std::to_string(max_body) + " bytes (response.max_body)");
      case Inflater::End::damaged:
        break;
    }
  }
  if (is_json_object(coded)) return SecretString(coded);
  refuse_answer("is compressed, and cannot be unpacked: it is damaged or ends in the middle");
}

// In the order in which they were applied.
std::vector<std::string> codings_of(const HttpResponse& response) {
  std::vector<std::string> codings;
  for (const HttpHeader& header : response.headers) {
    if (!equal_ignoring_case(header.name, "Content-Encoding")) continue;
    std::string_view rest = header.value.reveal();
    while (!rest.empty()) {
      const std::string_view one = without_blanks(part_until(rest, ','), " \t");
      if (!one.empty() && !equal_ignoring_case(one, "identity")) codings.emplace_back(one);
    }
  }
  return codings;
}

bool is_readable(const std::string& coding) {
  constexpr std::array<std::string_view, 3> known{"gzip", "x-gzip", "deflate"};
  return std::any_of(known.begin(), known.end(), [&](auto name) { return equal_ignoring_case(name, coding); });
}

}  // namespace

SecretString decoded_body(const HttpResponse& response, std::size_t max_body) {
  SecretString body = response.body;
  const std::vector<std::string> codings = codings_of(response);
  if (body.empty()) return body;
  if (codings.size() > max_codings) refuse_answer("is coded " + std::to_string(codings.size()) + " times");
  for (auto coding = codings.rbegin(); coding != codings.rend(); ++coding) {
    if (!is_readable(*coding)) {
      refuse_answer("is coded as " + excerpt(*coding) + ", which jeton did not ask for and cannot read");
    }
    body = inflated(body.reveal(), max_body);
  }
  if (body.reveal().starts_with("\x1f\x8b")) body = inflated(body.reveal(), max_body);
  return body;
}

}  // namespace jeton::agent
