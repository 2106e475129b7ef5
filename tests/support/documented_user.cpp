#include "tests/support/documented_user.hpp"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace jeton::test {

std::vector<std::string> documented_user(const std::string& password, const std::vector<std::string>& more) {
  std::ifstream page(JETON_REDIS_PAGE);
  std::string line;
  while (std::getline(page, line) && !line.starts_with("ACL SETUSER agent ")) {
  }
  std::vector<std::string> arguments;
  for (; page && line != "```"; std::getline(page, line)) {
    std::istringstream words(line);
    for (std::string word; words >> word;) {
      if (word != "\\") arguments.push_back(word == ">PASSWORD" ? ">" + password : word);
    }
  }
  if (arguments.empty()) throw std::runtime_error("no ACL user in " JETON_REDIS_PAGE);
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

}  // namespace jeton::test
