// Follows a token through its generations, as a program with a long-lived connection would: it prints a line for the
// current token and for each that replaces it.
//
//   follow_token NAME [COUNT [SECONDS]]     ends after COUNT tokens (default 3), or after SECONDS (60) without a new
//   one
//
// Exit status: 0 saw COUNT tokens, 1 could not be opened, 3 none came in time.
#include <cstdlib>
#include <iostream>
#include <jeton/client.hpp>

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: follow_token NAME [COUNT [SECONDS]]\n";
    return 1;
  }
  const int count = argc > 2 ? std::atoi(argv[2]) : 3;
  const std::chrono::seconds patience{argc > 3 ? std::atoi(argv[3]) : 60};
  try {
    const jeton::Token token(argv[1]);  // the directory comes from $JETON_DIR, or is /run/jeton
    jeton::Reader reader(token);        // one per thread
    jeton::Generation seen = 0;
    for (int i = 0; i < count; ++i) {
      const auto newer = token.wait_change(seen, patience);
      if (!newer) {
        std::cerr << "follow_token: " << newer.status().text() << '\n';
        return 3;
      }
      const auto current = reader.current();
      if (!current) continue;  // expired in between
      seen = current->generation();
      const auto left = current->expires_at() - std::chrono::system_clock::now();
      std::cout << "generation " << seen << ": " << current->value().size() << " bytes, "
                << std::chrono::duration_cast<std::chrono::seconds>(left).count() << " s left\n";
    }
  } catch (const jeton::Error& e) {
    std::cerr << "follow_token: " << e.what() << '\n';
    return 1;
  }
  return 0;
}
