#include "agent/refresh/source_failure.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/core/demangle.hpp>
#include <boost/system/system_error.hpp>
#include <typeinfo>

namespace jeton::agent {
namespace {

std::string in_words(const std::string& what) {
  return "the source failed in an unexpected way: " + what + " (a defect of jeton-agent: report it)";
}

}  // namespace

Task<SourceError> source_failure(std::exception_ptr thrown, SourceError::Kind unexpected) {
  const auto cancellation = co_await boost::asio::this_coro::cancellation_state;
  const bool stopping = cancellation.cancelled() != boost::asio::cancellation_type::none;
  try {
    std::rethrow_exception(thrown);
  } catch (const SourceError& e) {
    co_return e;
  } catch (const Error& e) {
    co_return SourceError(unexpected, in_words(e.what()));
  } catch (const boost::system::system_error& e) {
    if (stopping && e.code() == boost::asio::error::operation_aborted) throw;
    co_return SourceError(unexpected, in_words(e.code().message()));
  } catch (const std::exception& e) {
    const std::string type = boost::core::demangle(typeid(e).name());  // a library's text may quote an answer
    co_return SourceError(unexpected, in_words(type));
  }
}

}  // namespace jeton::agent
