#include "agent/refresh/source_failure.hpp"

#include <boost/asio/error.hpp>
#include <boost/core/demangle.hpp>
#include <boost/system/system_error.hpp>
#include <typeinfo>

namespace jeton::agent {
namespace {

std::string in_words(const std::string& what) {
  return "the source failed in an unexpected way: " + what + " (a defect of jeton-agent: report it)";
}

}  // namespace

SourceError source_failure(const std::exception_ptr& thrown, SourceError::Kind unexpected, bool stopping) {
  try {
    std::rethrow_exception(thrown);
  } catch (const SourceError& e) {
    return e;
  } catch (const Error& e) {
    return {unexpected, in_words(e.what())};
  } catch (const boost::system::system_error& e) {
    if (stopping && e.code() == boost::asio::error::operation_aborted) throw;
    return {unexpected, in_words(e.code().message())};
  } catch (const std::exception& e) {
    // Only its type: the text of a library may quote an answer.
    return {unexpected, in_words(boost::core::demangle(typeid(e).name()))};
  }
}

}  // namespace jeton::agent
