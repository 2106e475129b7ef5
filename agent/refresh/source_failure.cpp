#include "agent/refresh/source_failure.hpp"

#include <boost/asio/error.hpp>
#include <boost/core/demangle.hpp>
#include <boost/system/system_error.hpp>
#include <exception>
#include <typeinfo>

namespace jeton::agent {
namespace {

SourceError unexpected(const std::string& what) {
  return {SourceError::Kind::transient,
          "the source failed in an unexpected way: " + what + " (a defect of jeton-agent: report it)"};
}

}  // namespace

SourceError source_failure() {
  try {
    throw;
  } catch (const SourceError& e) {
    return e;
  } catch (const Error& e) {
    return unexpected(e.what());
  } catch (const boost::system::system_error& e) {
    if (e.code() == boost::asio::error::operation_aborted) throw;
    return unexpected(e.code().message());
  } catch (const std::exception& e) {
    return unexpected(boost::core::demangle(typeid(e).name()));  // the text of a library may quote an answer
  }
}

}  // namespace jeton::agent
