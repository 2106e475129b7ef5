#include "agent/refresh/source_failure.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <exception>

namespace jeton::agent {
namespace {

SourceError unexpected(const std::exception& e) {
  return {SourceError::Kind::transient,
          std::string("the source failed in an unexpected way: ") + e.what() + " (a defect of jeton-agent: report it)"};
}

}  // namespace

SourceError source_failure() {
  try {
    throw;
  } catch (const SourceError& e) {
    return e;
  } catch (const boost::system::system_error& e) {
    if (e.code() == boost::asio::error::operation_aborted) throw;
    return unexpected(e);
  } catch (const std::exception& e) {
    return unexpected(e);
  }
}

}  // namespace jeton::agent
