#include "libclient/ctl/handover.hpp"

#include <fcntl.h>
#include <string.h>  // explicit_bzero is not in <cstring>
#include <sys/mman.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <system_error>

namespace jeton::ctl {
namespace {

// Linux 6.3; kernels with vm.memfd_noexec=2 refuse memory without it.
constexpr unsigned noexec_seal = 0x0008U;

// Of the kernel (MAX_ARG_STRLEN, execve(2)): with the name, the sign and the NUL.
constexpr std::size_t longest_variable = std::size_t{128} * 1024;

void check_length(const std::string& variable, const std::string& name, std::string_view value) {
  if (variable.size() + value.size() + 2 <= longest_variable) return;
  throw Failure(Exit::run_failed, "token '" + name + "' is too long for a variable (" + std::to_string(value.size()) +
                                      " bytes); give it to the command with --fd or --stdin");
}

[[noreturn]] void no_memory(const char* what) {
  throw Failure(Exit::run_failed,
                std::string("cannot hand a token over: ") + what + ": " + std::generic_category().message(errno));
}

int new_memory() {
  constexpr unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  int fd = ::memfd_create("jeton-token", flags | noexec_seal);
  if (fd < 0 && errno == EINVAL) fd = ::memfd_create("jeton-token", flags);
  if (fd < 0) no_memory("memfd_create");
  return fd;
}

void append(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) no_memory("write");
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace

// Room for all variables: a text that is moved may leave a copy behind.
Handover::Handover(const ExecOptions& options) : options_(options) {
  given_.env.reserve(options.env.size() + options.names.size());
  if (options.on_stdin) stdin_ = open_for(STDIN_FILENO);
}

Handover::~Handover() {
  for (auto& [name, value] : given_.env) ::explicit_bzero(value.data(), value.size());
  for (const auto& [fd, number] : given_.descriptors) ::close(fd);
}

int Handover::open_for(int number) { return given_.descriptors.emplace_back(new_memory(), number).first; }

void Handover::add(const std::string& name, const View& token) {
  for (const auto& [variable, of] : options_.env) {
    if (of != name) continue;
    check_length(variable, name, token.value());
    given_.env.emplace_back(variable, token.value());
  }
  given_.env.emplace_back(variable_of(generation_variable, name), std::to_string(token.generation()));
  if (options_.fd) append(open_for(*options_.fd + added_), token.value());
  if (options_.on_stdin) {
    append(stdin_, token.value());
    append(stdin_, "\n");
  }
  ++added_;
}

const Given& Handover::given() {
  for (const auto& [fd, number] : given_.descriptors) {
    constexpr int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    if (::fcntl(fd, F_ADD_SEALS, seals) != 0) no_memory("F_ADD_SEALS");
    if (::lseek(fd, 0, SEEK_SET) != 0) no_memory("lseek");
  }
  return given_;
}

std::string variable_of(std::string_view prefix, const std::string& name) {
  std::string variable(prefix);
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    variable += std::isalnum(byte) != 0 ? static_cast<char>(std::toupper(byte)) : '_';
  }
  return variable;
}

}  // namespace jeton::ctl
