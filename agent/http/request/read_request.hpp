// read_request(): one HTTP/1.1 request from a socket. Beast's own operation does the same; it costs more at each
// request, and is compiled again for each kind of stream.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/system/error_code.hpp>

#include "agent/base/task.hpp"

namespace jeton::agent {

using HttpSocket = boost::asio::generic::stream_protocol::socket;  // unix or TCP
using HttpRequestParser = boost::beast::http::request_parser<boost::beast::http::string_body>;

// `buffer` has the bytes that came before, and keeps those of the next request. Returns an error of Beast or of the
// socket; end_of_stream: the peer ended the connection before the first byte of a request; buffer_overflow: the header
// is larger than the buffer may be.
Task<boost::system::error_code> read_request(HttpSocket& socket, boost::beast::flat_buffer& buffer,
                                             HttpRequestParser& parser);

}  // namespace jeton::agent
