// Slots of keys, and what a node tells about the slots of a Cluster.
#include "agent/fleet/redis/client/cluster_map.hpp"

#include <gtest/gtest.h>

#include "agent/fleet/redis/client/resp_parser.hpp"

namespace jeton::agent::redis {
namespace {

Reply parse(const std::string& wire) {
  RespParser parser({});
  parser.feed(wire);
  auto reply = parser.next();
  if (!reply) throw std::runtime_error("not a whole reply");
  return std::move(*reply);
}

Address at(const std::string& host, std::uint16_t port) {
  Address address;
  address.host = host;
  address.port = port;
  return address;
}

const Address asked_node = at("asked.example", 7000);

std::string bulk(const std::string& text) { return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n"; }
std::string node(const std::string& host, int port) {
  return "*3\r\n" + bulk(host) + ":" + std::to_string(port) + "\r\n" + bulk("id");
}
std::string range(int first, int last, const std::string& nodes, int count = 1) {
  return "*" + std::to_string(2 + count) + "\r\n:" + std::to_string(first) + "\r\n:" + std::to_string(last) + "\r\n" +
         nodes;
}
ClusterMap map_of(const std::string& wire) { return {parse(wire), asked_node}; }

TEST(KeySlot, KeyIsPlain_SlotIsCrc16OfTheSpecification) {
  EXPECT_EQ(crc16("123456789"), 0x31C3);
  EXPECT_EQ(crc16(""), 0);
  EXPECT_EQ(key_slot("123456789"), 0x31C3);
  EXPECT_EQ(key_slot("foo"), 12182);
}

TEST(KeySlot, KeyHasAHashTag_SlotIsThatOfTheTag) {
  EXPECT_EQ(key_slot("{user1000}.following"), key_slot("user1000"));
  EXPECT_EQ(key_slot("{user1000}.followers"), key_slot("user1000"));
  EXPECT_EQ(key_slot("foo{{bar}}zap"), key_slot("{bar"));
  EXPECT_EQ(key_slot("foo{bar}{zap}"), key_slot("bar"));
  EXPECT_EQ(key_slot("jeton:{t}:token"), key_slot("jeton:{t}:updater"));
}

TEST(KeySlot, KeyHasNoHashTag_SlotIsThatOfTheWholeKey) {
  EXPECT_EQ(key_slot("foo{}{bar}"), crc16("foo{}{bar}") % cluster_slots);
  EXPECT_EQ(key_slot("foo{bar"), crc16("foo{bar") % cluster_slots);
  EXPECT_EQ(key_slot("}foo{"), crc16("}foo{") % cluster_slots);
}

TEST(ClusterMap, SlotRangesAreRead_OwnerIsThePrimaryOfTheSlot) {
  const ClusterMap map =
      map_of("*2\r\n" + range(0, 99, node("a", 1) + node("b", 2), 2) + range(200, 200, node("c", 3)));
  EXPECT_EQ(map.owner(0), at("a", 1));
  EXPECT_EQ(map.owner(99), at("a", 1));
  EXPECT_EQ(map.owner(100), std::nullopt);
  EXPECT_EQ(map.owner(200), at("c", 3));
  EXPECT_EQ(map.owner(16384), std::nullopt);
  EXPECT_EQ(map.nodes().size(), 3U);
}

TEST(ClusterMap, NodeHasNoHost_HostIsThatOfTheNodeAsked) {
  EXPECT_EQ(map_of("*1\r\n" + range(0, 1, node("", 7001))).owner(0), at("asked.example", 7001));
  EXPECT_EQ(map_of("*1\r\n" + range(0, 1, "*2\r\n$-1\r\n:7001\r\n")).owner(0), at("asked.example", 7001));
}

TEST(ClusterMap, HostNameIsUnknown_IpIsUsedOrSlotHasNoOwner) {
  const std::string known = "*4\r\n" + bulk("?") + ":7001\r\n" + bulk("id") + "*2\r\n" + bulk("ip") + bulk("10.0.0.1");
  EXPECT_EQ(map_of("*1\r\n" + range(0, 1, known)).owner(0), at("10.0.0.1", 7001));
  EXPECT_EQ(map_of("*2\r\n" + range(0, 1, node("?", 7001)) + range(2, 3, node("a", 1))).owner(0), std::nullopt);
}

TEST(ClusterMap, NodeAskedUsesTls_OwnersUseTls) {
  Address secure = asked_node;
  secure.tls = true;
  const ClusterMap map(parse("*1\r\n" + range(0, 1, node("a", 1))), secure);
  EXPECT_EQ(map.owner(0)->display(), "rediss://a:1");
}

TEST(ClusterMap, SlotIsMoved_OwnerIsTheNewNode) {
  ClusterMap map = map_of("*1\r\n" + range(0, 9, node("a", 1)));
  map.move(5, at("new", 9));
  EXPECT_EQ(map.owner(5), at("new", 9));
  EXPECT_EQ(map.owner(6), at("a", 1));
  EXPECT_TRUE(map.contains(at("new", 9)));
}

TEST(ClusterMap, ReplyIsHostile_IsATransportError) {
  std::string overlapping = "*40\r\n";
  for (int i = 0; i < 40; ++i) overlapping += range(0, 16383, node("a", 1));
  const std::string replies[] = {"*0\r\n",
                                 ":5\r\n",
                                 "+OK\r\n",
                                 "$-1\r\n",
                                 "$3\r\nabc\r\n",
                                 "*1\r\n:1\r\n",
                                 "*1\r\n*0\r\n",
                                 "*1\r\n*2\r\n:0\r\n:1\r\n",
                                 "*1\r\n*3\r\n:0\r\n:1\r\n:2\r\n",
                                 "*1\r\n*3\r\n:0\r\n:1\r\n*0\r\n",
                                 "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n:1\r\n:2\r\n",
                                 "*1\r\n*3\r\n$1\r\n0\r\n:1\r\n" + node("a", 1),
                                 "*1\r\n" + range(-1, 5, node("a", 1)),
                                 "*1\r\n" + range(0, 16384, node("a", 1)),
                                 "*1\r\n" + range(5, 4, node("a", 1)),
                                 "*1\r\n" + range(0, 1, node("a", 65536)),
                                 "*1\r\n" + range(0, 1, node("a", -1)),
                                 "*1\r\n" + range(0, 1, node("a", 0)),
                                 "*1\r\n" + range(0, 1, node("?", 1)),
                                 "*1\r\n" + range(0, 1, node(std::string(256, 'a'), 1)),
                                 "*1\r\n" + range(0, 1, node("a\nb", 1)),
                                 "*1\r\n" + range(0, 1, node(std::string("a\0", 2), 1)),
                                 overlapping};
  for (const std::string& reply : replies) {
    EXPECT_THROW(static_cast<void>(map_of(reply)), TransportError) << reply.substr(0, 80);
  }
}

TEST(Redirection, ErrorIsMovedOrAsk_IsParsed) {
  const auto moved = parse_redirection("MOVED 3999 127.0.0.1:6381", asked_node);
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->kind, Redirection::Kind::moved);
  EXPECT_EQ(moved->slot, 3999);
  EXPECT_EQ(moved->to, at("127.0.0.1", 6381));
  EXPECT_EQ(parse_redirection("ASK 1 ::1:6381", asked_node)->to, at("::1", 6381));
  EXPECT_EQ(parse_redirection("ASK 1 ::1:6381", asked_node)->kind, Redirection::Kind::ask);
  EXPECT_EQ(parse_redirection("MOVED 1 :6381", asked_node)->to, at("asked.example", 6381));
}

TEST(Redirection, ErrorHasNoUsableTarget_IsNone) {
  for (const char* error : {"MOVED", "MOVED ", "MOVED 1", "MOVED x a:1", "MOVED 16384 a:1", "MOVED 1 a", "MOVED 1 a:",
                            "MOVED 1 a:0", "MOVED 1 a:65536", "MOVED 1 ?:1", "MOVED 1 a b:1", "MOVED -1 a:1",
                            "MOVED 1 a\tb:1", "MOVED 1 a\x1b[31m:1", "ERR MOVED 1 a:1", "ASK 1 a:1x", ""}) {
    EXPECT_FALSE(parse_redirection(error, asked_node)) << error;
  }
}

}  // namespace
}  // namespace jeton::agent::redis
