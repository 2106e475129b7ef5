#include "agent/api/peer.hpp"

#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/base/time.hpp"
#include "agent/base/unique_fd.hpp"

namespace jeton::agent {
namespace {

constexpr uid_t unknown_id = 54321;

class MayRead : public ::testing::Test {
 protected:
  SystemClock clock;
  AccountNames names{clock};
  const group* some_group = ::getgrnam("daemon");
  const passwd* some_user = ::getpwnam("daemon");
};

TEST(Peer, SocketPair_GivesIdsAndGroupsOfTheOtherProcess) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  const Peer peer = peer_of(ours.get());
  EXPECT_EQ(peer.uid, ::geteuid());
  EXPECT_EQ(peer.gid, ::getegid());
  EXPECT_EQ(peer.pid, ::getpid());
  std::vector<gid_t> groups(static_cast<std::size_t>(::getgroups(0, nullptr)));
  ASSERT_EQ(::getgroups(static_cast<int>(groups.size()), groups.data()), static_cast<int>(groups.size()));
  EXPECT_EQ(peer.groups, groups);
}

TEST(Peer, DescriptorIsNoSocket_Throws) { EXPECT_THROW(static_cast<void>(peer_of(-1)), std::exception); }

TEST_F(MayRead, PeerIsRootOrTheAgentsUser_IsAdmitted) {
  EXPECT_TRUE(may_read({0, 0, {}, 1}, {}, names));
  EXPECT_TRUE(may_read({::geteuid(), unknown_id, {}, 1}, {}, names));
}

TEST_F(MayRead, PeerIsNotNamed_IsRefused) {
  EXPECT_FALSE(may_read({unknown_id, unknown_id, {unknown_id}, 1}, {}, names));
  EXPECT_FALSE(may_read({unknown_id, unknown_id, {unknown_id}, 1}, {{"daemon"}, {"daemon"}}, names));
}

TEST_F(MayRead, UserIsNamed_IsAdmitted) {
  ASSERT_NE(some_user, nullptr);
  EXPECT_TRUE(may_read({some_user->pw_uid, unknown_id, {}, 1}, {{"root", "daemon"}, {}}, names));
}

TEST_F(MayRead, PrimaryOrSupplementaryGroupIsNamed_IsAdmitted) {
  ASSERT_NE(some_group, nullptr);
  EXPECT_TRUE(may_read({unknown_id, some_group->gr_gid, {}, 1}, {{}, {"daemon"}}, names));
  EXPECT_TRUE(may_read({unknown_id, unknown_id, {1234, some_group->gr_gid}, 1}, {{}, {"daemon"}}, names));
}

TEST_F(MayRead, NameHasOnlyDigits_IsTakenAsAnId) {
  EXPECT_TRUE(may_read({unknown_id, unknown_id, {}, 1}, {{"54321"}, {}}, names));
  EXPECT_TRUE(may_read({1234, 1234, {unknown_id}, 1}, {{}, {"54321"}}, names));
  EXPECT_FALSE(may_read({unknown_id, unknown_id, {}, 1}, {{"54321x", "", "5432"}, {"-54321"}}, names));
}

TEST_F(MayRead, NameDoesNotExist_AdmitsNoPeer) {
  const Peer nobody{static_cast<uid_t>(-1), static_cast<gid_t>(-1), {}, 1};
  EXPECT_FALSE(may_read(nobody, {{"no-such-user-here"}, {"no-such-group-here"}}, names));
}

}  // namespace
}  // namespace jeton::agent
