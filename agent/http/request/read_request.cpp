#include "agent/http/request/read_request.hpp"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/error.hpp>
#include <cstddef>

namespace jeton::agent {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr std::size_t read_size = 512;  // the request of a usual client

}  // namespace

Task<boost::system::error_code> read_request(HttpSocket& socket, boost::beast::flat_buffer& buffer,
                                             HttpRequestParser& parser) {
  parser.eager(true);
  for (;;) {
    boost::system::error_code error;
    if (buffer.size() > 0) buffer.consume(parser.put(buffer.data(), error));
    if (error == http::error::need_more) error = {};
    if (error || parser.is_done()) co_return error;
    if (buffer.size() == buffer.max_size()) co_return http::error::buffer_overflow;
    const auto room = buffer.prepare(std::min(read_size, buffer.max_size() - buffer.size()));
    const std::size_t size = co_await socket.async_read_some(room, asio::redirect_error(asio::use_awaitable, error));
    if (error == asio::error::eof && parser.got_some()) {
      parser.put_eof(error);
      co_return error;
    }
    if (error == asio::error::eof) co_return http::error::end_of_stream;
    if (error) co_return error;
    buffer.commit(size);
  }
}

}  // namespace jeton::agent
