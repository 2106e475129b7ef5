#include "agent/demo/http_get.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "agent/base/task.hpp"

namespace jeton::agent::demo {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Server = asio::generic::stream_protocol;

constexpr std::chrono::milliseconds patience{200};

Task<> get(asio::io_context& context, const Server::endpoint& server, const http::request<http::empty_body>& request,
           HttpAnswer& answer) {
  try {
    boost::beast::basic_stream<Server> stream(context);
    stream.expires_after(patience);
    co_await stream.async_connect(server, asio::use_awaitable);
    co_await http::async_write(stream, request, asio::use_awaitable);
    boost::beast::flat_buffer buffer;
    http::response<http::string_body> response;
    co_await http::async_read(stream, buffer, response, asio::use_awaitable);
    answer = {response.result_int(), std::move(response.body())};
  } catch (const boost::system::system_error&) {
    // The server has not started yet, or has ended.
  }
}

}  // namespace

HttpAnswer http_get(const Server::endpoint& server, const std::string& target, const std::string& authorization) {
  http::request<http::empty_body> request(http::verb::get, target, 11);
  request.set(http::field::host, "127.0.0.1");
  if (!authorization.empty()) request.set(http::field::authorization, authorization);
  request.keep_alive(false);
  HttpAnswer answer;
  asio::io_context context{1};
  start_task(context.get_executor(), get(context, server, request, answer));
  context.run();
  return answer;
}

}  // namespace jeton::agent::demo
