// The credentials by which root's `check` and `fetch` judge: those that systemd gives to the service.
#include "agent/cli/service_credentials.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/base/unique_fd.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::agent {
namespace {

using testing::HasSubstr;

class ServiceCredentials : public testing::Test {
 protected:
  // "id=text", one a line.
  [[nodiscard]] std::string all() const {
    std::string text;
    for (const auto& [id, secret] : credentials_of(account_, {dir_ / "etc", dir_ / "lib"}))
      text += id + "=" + std::string(secret.reveal()) + "\n";
    return text;
  }
  std::string written(const std::string& name) const { return dir_.write(name, "of " + name).string(); }

  test::TempDir dir_;
  ServiceAccount account_;
};

TEST_F(ServiceCredentials, FolderAndFileAreNamed_HaveTheNamesOfSystemd) {
  account_.credentials = {{"jeton", std::filesystem::path(written("folder/key")).parent_path().string()},
                          {"one", written("file")}};
  EXPECT_EQ(all(), "jeton_key=of folder/key\none=of file\n");
}

// As systemd reads a folder: with the folders in it, without links and hidden files.
TEST_F(ServiceCredentials, FolderHasFoldersAndLinks_FilesInThemAndNoLinksAreGiven) {
  written("folder/key");
  written("folder/prod/api/key");
  written("folder/.hidden");
  written("folder/.git/key");
  std::filesystem::create_symlink(written("elsewhere/file"), dir_ / "folder/link");
  std::filesystem::create_symlink(dir_ / "elsewhere", dir_ / "folder/links");
  account_.credentials = {{"jeton", dir_ / "folder"}};
  EXPECT_EQ(all(), "jeton_key=of folder/key\njeton_prod_api_key=of folder/prod/api/key\n");
}

TEST_F(ServiceCredentials, FileIsMissing_ServiceCannotStart) {
  account_.credentials = {{"one", dir_.path() / "missing"}};
  try {
    static_cast<void>(all());
    ADD_FAILURE() << "accepted";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("missing is missing, so the service cannot start"));
  }
}

TEST_F(ServiceCredentials, FileIsMissingAndThereIsAText_TextIsTheDefault) {
  account_.credentials = {{"one", dir_.path() / "missing"}, {"two", written("file")}};
  account_.texts = {{"one", "default"}, {"two", "default"}, {"three", "text"}};
  EXPECT_EQ(all(), "one=default\nthree=text\ntwo=of file\n");
}

// LoadCredential=NAME in a drop-in.
TEST_F(ServiceCredentials, PathIsNoneOrRelative_IsLookedForInTheStores) {
  written("lib/both");
  written("etc/both");
  written("lib/other");
  account_.credentials = {{"both", "both"}, {"mine", "other"}, {"of-systemd", "of-systemd"}};
  EXPECT_EQ(all(), "both=of etc/both\nmine=of lib/other\n");
}

TEST_F(ServiceCredentials, PathIsASocket_OnlySystemdCanRead) {
  const std::string path = (dir_ / "socket").string();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_LT(path.size(), sizeof address.sun_path);
  std::copy(path.begin(), path.end(), address.sun_path);
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  account_.credentials = {{"vault", path}};
  EXPECT_EQ(all(), "");
}

}  // namespace
}  // namespace jeton::agent
