// A library of today on segments of an agent of tomorrow.
#include <fstream>

#include "tests/unit/client/client_fixture.hpp"
#include "tests/unit/segment/crafted_segment.hpp"

namespace jeton::test {
namespace {

class LayoutVersion : public ClientTest {
 protected:
  // Makes `craft` the segment "api".
  void put(const Crafted& craft) const {
    const std::string fresh = dir / "fresh";
    std::ofstream(fresh, std::ios::binary) << crafted_segment(craft);
    std::filesystem::permissions(fresh, std::filesystem::perms(0600));
    std::filesystem::rename(fresh, file());
  }
};

// Larger headers, and every byte that 1.0 has no meaning for is in use.
Crafted newer_minor() {
  Crafted craft;
  craft.minor = layout::minor_version + 1;
  craft.header_size = sizeof(layout::FileHeader) + 128;
  craft.slot_header_size = sizeof(layout::SlotHeader) + 64;
  craft.previous = "the-one-before";
  craft.filler = 0xa5;
  return craft;
}

TEST_F(LayoutVersion, MinorVersionIsNewer_IsReadInEveryWay) {
  put(newer_minor());
  const TokenPtr token = must_open();
  EXPECT_EQ(read(token), "secret-value");
  const ReaderPtr reader = must_open_reader(token);
  const jeton_view* view = nullptr;
  ASSERT_EQ(jeton_current(reader.get(), &view), JETON_OK);
  EXPECT_STREQ(view->value, "secret-value");
  EXPECT_STREQ(view->previous_value, "the-one-before");
  EXPECT_STREQ(view->origin, "host-1");
  const char* tenant = nullptr;
  std::size_t size = 0;
  ASSERT_EQ(jeton_attribute(view, "tenant", &tenant, &size), JETON_OK);
  EXPECT_EQ(std::string(tenant, size), "42");
  EXPECT_EQ(jeton_accepts(token.get(), "the-one-before", 14), JETON_OK);
  EXPECT_EQ(jeton_wait_change(token.get(), 6, 0, nullptr), JETON_OK);
}

TEST_F(LayoutVersion, FileIsReplacedByANewerMinorVersion_ReaderFollows) {
  make_store();
  publish(1, "of today");
  const TokenPtr token = must_open();
  const ReaderPtr reader = must_open_reader(token);
  EXPECT_EQ(current(reader), "of today");
  store->retire();
  put(newer_minor());
  EXPECT_EQ(current(reader), "secret-value");
  EXPECT_EQ(read(token), "secret-value");
}

TEST_F(LayoutVersion, StateHasUnknownFlags_AreIgnored) {
  Crafted craft;
  craft.state = layout::state_valid | 0xf0;
  put(craft);
  const TokenPtr token = must_open();
  jeton_info info = JETON_INFO_INIT;
  ASSERT_EQ(jeton_inspect(token.get(), &info), JETON_OK);
  EXPECT_EQ(info.flags, JETON_FLAG_VALID);
}

TEST_F(LayoutVersion, FileIsReplacedByANewerMajorVersion_IsRefused) {
  make_store();
  publish(1, "of today");
  const TokenPtr token = must_open();
  store->retire();
  Crafted craft;
  craft.major = layout::major_version + 1;
  put(craft);
  char buffer[64];
  std::size_t size = 0;
  EXPECT_EQ(jeton_read(token.get(), buffer, sizeof(buffer), &size, nullptr), JETON_UNSUPPORTED_VERSION);
  EXPECT_EQ(jeton_wait_valid(token.get(), -1), JETON_UNSUPPORTED_VERSION);  // waiting will not mend it
}

}  // namespace
}  // namespace jeton::test
