#include "tests/support/documented_user.hpp"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace jeton::test {

std::vector<std::string> documented_user(const std::string& password, const std::vector<std::string>& more) {
  std::ifstream page(JETON_REDIS_PAGE);
  std::string line;
  const std::string command = "redis-cli ";
  while (std::getline(page, line) && !line.starts_with(command + "ACL SETUSER agent ")) {
  }
  // As the shell reads it.
  std::string text = page ? line.substr(command.size()) : "";
  for (; text.ends_with('\\') && std::getline(page, line); text += line) text.pop_back();
  std::erase(text, '\'');
  std::vector<std::string> arguments;
  std::istringstream words(text);
  for (std::string word; words >> word;) arguments.push_back(word == ">PASSWORD" ? ">" + password : word);
  if (arguments.empty()) throw std::runtime_error("no ACL user in " JETON_REDIS_PAGE);
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

}  // namespace jeton::test
