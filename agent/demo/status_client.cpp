#include "agent/demo/status_client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "agent/base/json.hpp"
#include "agent/base/task.hpp"

namespace jeton::agent::demo {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Local = asio::local::stream_protocol;

constexpr std::chrono::milliseconds patience{200};

Task<> get(Local::socket& socket, std::string path, std::string target, std::string& body) {
  try {
    co_await socket.async_connect(Local::endpoint(path), asio::use_awaitable);
    http::request<http::empty_body> request(http::verb::get, target, 11);
    request.set(http::field::host, "jeton");
    request.keep_alive(false);
    co_await http::async_write(socket, request, asio::use_awaitable);
    boost::beast::flat_buffer buffer;
    http::response<http::string_body> response;
    co_await http::async_read(socket, buffer, response, asio::use_awaitable);
    if (response.result() == http::status::ok) body = std::move(response.body());
  } catch (const boost::system::system_error&) {
    // Not there yet, or not any more.
  }
}

}  // namespace

std::optional<AgentAnswer> ask_agent(const std::filesystem::path& socket_path, const std::string& token) {
  std::string body;
  {
    asio::io_context context{1};
    Local::socket socket(context);
    start_task(context.get_executor(), get(socket, socket_path.string(), "/v1/tokens/" + token, body));
    context.run_for(patience);
    if (!context.stopped()) {
      boost::system::error_code ignored;
      socket.close(ignored);
      context.run();
    }
  }
  try {
    const Json json = try_parse_json(body);
    return AgentAnswer{json.at("phase").get<std::string>(), json.at("counters").at("fetches").get<std::uint64_t>()};
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace jeton::agent::demo
