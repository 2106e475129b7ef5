// The events of the log that an operator may look for, each with an id that never changes: MESSAGE_ID of the journal,
// by which `journalctl -x` shows the explanation in systemd/jeton.catalog, and by which one line is found in any
// wording. Every line of level warning or above has one. `.ci/log-events` compares them with the catalog and with the
// table in systemd/README.md.
#pragma once

namespace jeton::agent::log {

struct EventId {
  const char* name;  // JETON_EVENT of the journal, `event` of JSON
  const char* id;    // 32 hex digits
};

inline constexpr EventId started{"started", "b048e6bce63942a099b5d9dbb8e4fed9"};
inline constexpr EventId stopping{"stopping", "f685e861dd2349ca8423ea9ef750a5b0"};
inline constexpr EventId agent_failed{"agent_failed", "e928ba9983334a4d800484d13499ee07"};
inline constexpr EventId configuration_problem{"configuration_problem", "fc4320fb64504596a54f8754bf8d5b0f"};
inline constexpr EventId reloaded{"reloaded", "3a558eee4aad4c50a67fc31281ce5076"};
inline constexpr EventId reload_refused{"reload_refused", "2886176b5a5446369e5438d267d7c586"};
inline constexpr EventId clock_stepped{"clock_stepped", "73060374c6a14c18bb4cfa40540be8bc"};
inline constexpr EventId log_lines_dropped{"log_lines_dropped", "320c9b34518d42789e9335f9005b7720"};
inline constexpr EventId log_not_apart{"log_not_apart", "deca8b48051e9881090a7cf088655444"};
inline constexpr EventId token_adopted{"token_adopted", "af92f5c883ce4684874ca5fa35f4fbf0"};
inline constexpr EventId token_refreshed{"token_refreshed", "b482f661156e4a4da82ba78a8a9125c4"};
inline constexpr EventId token_received{"token_received", "53464955b275404f99de8b5d5b9e20b5"};
inline constexpr EventId token_expired{"token_expired", "166d43ebfcb14dd28e23c9ce683ae30f"};
inline constexpr EventId token_rejected{"token_rejected", "a60a13eb4c6f4da4a0e9908ccfa53ecd"};
inline constexpr EventId tokens_rejected_in_a_row{"tokens_rejected_in_a_row", "31c33162bc8d4cb6b06184218dd3e8a1"};
inline constexpr EventId same_token_again{"same_token_again", "1346b30deb7547e8b7fe7c9da7a8b793"};
inline constexpr EventId token_revoked{"token_revoked", "2a501529fe1a47489626e4780dd20250"};
inline constexpr EventId revocation_failed{"revocation_failed", "eda500fcf9b34093a396e999fd927f00"};
inline constexpr EventId fetch_failed{"fetch_failed", "ce8a614fddc344ed85f702df3d875c6a"};
inline constexpr EventId fetch_outlasts_lock{"fetch_outlasts_lock", "cc2b0efe98284fce93ac249c6cf407ef"};
inline constexpr EventId budget_spent{"budget_spent", "904602e6006b466aa7951541c780ce65"};
inline constexpr EventId standalone_fetch{"standalone_fetch", "591fd2a98cb4482285ceb561c9db4d0d"};
inline constexpr EventId standalone_spent{"standalone_spent", "baaf2c48cfae4c9d8c4d77a347d34ede"};
inline constexpr EventId unreadable_answer{"unreadable_answer", "0513001d8e774430987fde54e794c4be"};
inline constexpr EventId state_not_kept{"state_not_kept", "3cf6e41bb5db42fcbd0d4d28af31c825"};
inline constexpr EventId refresh_asked{"refresh_asked", "13aec18fe2c743419c46e8e2951d2b94"};
inline constexpr EventId pause_lifted{"pause_lifted", "d6a2b198276142549fe3670e637dd273"};
inline constexpr EventId source_changed{"source_changed", "435f2cddd91d42d8963aff8ed29a81c3"};
inline constexpr EventId used_token_missing{"used_token_missing", "07254bdf472a43b09ca842277d4da39b"};
inline constexpr EventId used_token_back{"used_token_back", "31ba4feff5e443dd8fa3e2f9f51ce267"};
inline constexpr EventId updater_lock_lost{"updater_lock_lost", "7ebb2374f27b4831936379dff73c4dcd"};
inline constexpr EventId updater_lock_blocked{"updater_lock_blocked", "fe83b4208625419f9d9a765f6ce909e7"};
inline constexpr EventId updater_lock_not_released{"updater_lock_not_released", "0abb21340de146ae91d12ed9080814b7"};
inline constexpr EventId publication_refused{"publication_refused", "4d6cd52a474948a7b3944651c6fee233"};
inline constexpr EventId record_repaired{"record_repaired", "82e4a7df8697432d855eb1135fd9b92a"};
inline constexpr EventId record_ignored{"record_ignored", "96005f340acb452793b32be22790abe3"};
inline constexpr EventId message_ignored{"message_ignored", "91622bb6182a4069b028261fbc9cfffd"};
inline constexpr EventId coordinator_lost{"coordinator_lost", "5c9e431451d748969380f049c9dd091c"};
inline constexpr EventId coordinator_back{"coordinator_back", "7b4eff99476f40a6a6db696f987409ec"};
inline constexpr EventId redis_lost{"redis_lost", "36f2524e6ffc4cefa455051f7a7e1d8a"};
inline constexpr EventId redis_back{"redis_back", "43528eab910f44fb8d4becfa1b77fe93"};
inline constexpr EventId redis_moved{"redis_moved", "af8abb91921d4007beedd45d4ac42fcf"};
inline constexpr EventId redis_restricted{"redis_restricted", "eadc0baa87324f4590be34f9703d960b"};
inline constexpr EventId redis_is_cluster{"redis_is_cluster", "c5419144995943d39a8e0cd093023e54"};
inline constexpr EventId sentinels_disagree{"sentinels_disagree", "e45e16cbb93141a481f724fe4156d68b"};
inline constexpr EventId replicas_missing{"replicas_missing", "d2506540061c41f08d3b61c3f0ef1d1f"};
inline constexpr EventId local_state_lost{"local_state_lost", "1a021721f63545c79fc1da4875c3db4c"};
inline constexpr EventId segment_failed{"segment_failed", "d8d23dd5227c43a4a3ca39c3e63ab162"};
inline constexpr EventId segment_written{"segment_written", "007b311ce7a8b87d6a901b2af20ae839"};
inline constexpr EventId segment_replaced{"segment_replaced", "d4f5e7800bae4cddbb1684198b365cc9"};
inline constexpr EventId capacity_exceeded{"capacity_exceeded", "bdde57bddc3a4238833ecf968f6f83bd"};
inline constexpr EventId previous_not_kept{"previous_not_kept", "a4bb06ca921542dca57b9e1c6c73141f"};
inline constexpr EventId memory_not_locked{"memory_not_locked", "7a5d10c6b005445e8d398fdaecfe0036"};
inline constexpr EventId runtime_dir_on_disk{"runtime_dir_on_disk", "97416fde85a544fe976b7ed6299ef229"};
inline constexpr EventId runtime_dir_restored{"runtime_dir_restored", "356005bfe1314e43ab1c60444bb2eb6c"};
inline constexpr EventId runtime_dir_lost{"runtime_dir_lost", "96d0ed53eaa243bbb14f5754fce66b7c"};
inline constexpr EventId history_not_kept{"history_not_kept", "d2aacfd2e26d44cb9af94097628012e1"};
inline constexpr EventId history_damaged{"history_damaged", "306c21176bfb490c8b9b1e7c39712511"};
inline constexpr EventId file_watch_late{"file_watch_late", "2e6c49f9af8343f6a99186000fea2b9d"};
inline constexpr EventId exec_unprotected{"exec_unprotected", "d482b9ddce9a4f23b03036fab890fee1"};
inline constexpr EventId http_abandoned{"http_abandoned", "ce58ff52d3c043dfb787b4b3bea58e8e"};
inline constexpr EventId provider_stuck{"provider_stuck", "ee45e7e885d14afebe84f7dbdc07cafc"};
inline constexpr EventId output_written{"output_written", "7aa90285ff4cf33c86d6dab134ea6f35"};
inline constexpr EventId output_failed{"output_failed", "7aafc10c56844ddabbe29515240def6d"};
inline constexpr EventId on_change_done{"on_change_done", "d1dd88b94ced553248b133dd8eb06a7a"};
inline constexpr EventId on_change_failed{"on_change_failed", "23d8eedea4d043058f811d2db32351fe"};
inline constexpr EventId api_trouble{"api_trouble", "b1348e1ce8ce4670a6d19c1ddadec514"};
inline constexpr EventId listen_failed{"listen_failed", "19988dccf6b146cfa27d00209b81930c"};
inline constexpr EventId held_lock_lost{"held_lock_lost", "8a8d36ed09d343f2b5d9cde55a694642"};
inline constexpr EventId lock_not_released{"lock_not_released", "5e64a8c6506f458eb6dd2a40d049a8b6"};
inline constexpr EventId lock_given_back{"lock_given_back", "34e8fe8f3ef14edbb8b202566993efb3"};
inline constexpr EventId lock_taken{"lock_taken", "7ecdf679fa1c4458ac1438aa4dd5ba50"};
inline constexpr EventId lock_holders_left{"lock_holders_left", "9c87a66512684e2ab9cab009f87e8ac7"};

}  // namespace jeton::agent::log
