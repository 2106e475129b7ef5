#include "tests/fuzz/segment_trial.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "libclient/layout/attributes.hpp"
#include "libclient/src/slot_reader.hpp"

namespace jeton::fuzz {
namespace {

struct CloseToken {
  void operator()(jeton_token* token) const { jeton_close(token); }
};
struct CloseReader {
  void operator()(jeton_reader* reader) const { jeton_reader_close(reader); }
};

bool is_one_of(jeton_status status, std::initializer_list<jeton_status> expected) {
  return std::find(expected.begin(), expected.end(), status) != expected.end();
}

// Nobody writes, so BUSY would be wrong; and each kind of damage has a status of its own.
bool is_fault(jeton_status status) {
  return is_one_of(status, {JETON_TRUNCATED, JETON_BAD_MAGIC, JETON_UNSUPPORTED_VERSION, JETON_CORRUPT});
}
bool is_answer(jeton_status status) {
  return is_one_of(status, {JETON_OK, JETON_NO_TOKEN, JETON_EXPIRED, JETON_NOT_FOUND, JETON_CORRUPT});
}

class Calls {
 public:
  explicit Calls(SegmentTrial::Outcome& outcome) : outcome_(outcome) {}

  void demand(bool holds, const char* what, jeton_status status = JETON_OK) {
    if (holds || !outcome_.complaint.empty()) return;
    outcome_.complaint = std::string(what) + ", status " + jeton_status_name(status);
  }

  void read(jeton_token* token) {
    constexpr std::size_t capacity = 4096;
    char buffer[capacity + 1];
    buffer[capacity] = '#';
    std::size_t size = 0;
    jeton_info info = JETON_INFO_INIT;
    jeton_status status = jeton_read(token, buffer, capacity, &size, &info);
    outcome_.read = status;
    demand(is_answer(status) || (status == JETON_BUFFER_TOO_SMALL && size > capacity), "jeton_read", status);
    demand(buffer[capacity] == '#', "jeton_read wrote behind the buffer");
    if (status == JETON_OK) {
      demand(size <= capacity && info.value_size == size, "jeton_read gave a wrong size");
      demand(::memchr(info.type, 0, sizeof(info.type)) != nullptr, "the type has no end");
    }
    // Once more by the short way, which a verified publication opens; and into too little room.
    status = jeton_read(token, buffer, capacity, &size, nullptr);
    demand(status == outcome_.read || status == JETON_EXPIRED, "a second jeton_read differs", status);
    status = jeton_read(token, buffer, 1, &size, nullptr);
    demand(is_answer(status) || status == JETON_BUFFER_TOO_SMALL, "jeton_read into a byte", status);
    status = jeton_inspect(token, &info);
    demand(is_answer(status) && status != JETON_EXPIRED, "jeton_inspect", status);
    const char presented[] = "vvvvvvvv";
    status = jeton_accepts(token, presented, sizeof(presented) - 1);
    demand(is_answer(status) || status == JETON_MISMATCH, "jeton_accepts", status);
    std::uint64_t generation = 0;
    status = jeton_wait_change(token, 1, 0, &generation);
    demand(is_one_of(status, {JETON_OK, JETON_TIMED_OUT, JETON_CORRUPT}), "jeton_wait_change", status);
  }

  void current(jeton_token* token) {
    jeton_reader* raw = nullptr;
    if (jeton_reader_open(token, &raw) != JETON_OK) return demand(false, "jeton_reader_open");
    const std::unique_ptr<jeton_reader, CloseReader> reader(raw);
    for (int i = 0; i < 2; ++i) {  // the second time there is a view already
      const jeton_view* view = nullptr;
      const jeton_status status = jeton_current(raw, &view);
      demand(is_answer(status), "jeton_current", status);
      if (status == JETON_OK) look_at(*view);
    }
  }

 private:
  void look_at(const jeton_view& view) {
    demand(view.value[view.value_size] == '\0' && view.type[view.type_size] == '\0' &&
               view.origin[view.origin_size] == '\0' && view.previous_value[view.previous_value_size] == '\0',
           "a part of the view is not terminated");
    const char* name = nullptr;
    const char* value = nullptr;
    std::size_t name_size = 0;
    std::size_t value_size = 0;
    const char* const begin = static_cast<const char*>(view.attributes);
    const char* const end = begin + view.attributes_size;
    std::size_t index = 0;
    while (jeton_attribute_at(&view, index, &name, &name_size, &value, &value_size) == JETON_OK) {
      demand(name >= begin && name + name_size <= end && value >= begin && value + value_size <= end,
             "an attribute lies outside of the attributes");
      ++index;
    }
    demand(index <= view.attributes_size / layout::attribute_overhead, "more attributes than there is room for");
    const jeton_status found = jeton_attribute(&view, "tenant", &value, &value_size);
    demand(found == JETON_OK || found == JETON_NOT_FOUND, "jeton_attribute", found);
  }

  SegmentTrial::Outcome& outcome_;
};

void look_around(const jeton_options& options, jeton_token* token, Calls& calls) {
  jeton_diagnosis diagnosis = JETON_DIAGNOSIS_INIT;
  calls.demand(jeton_diagnose(&options, "api", &diagnosis) == JETON_OK, "jeton_diagnose");
  calls.demand(is_fault(diagnosis.token) || is_answer(diagnosis.token) || diagnosis.token == JETON_REJECTED,
               "jeton_diagnose", diagnosis.token);
  char names[16];
  std::size_t size = 0;
  std::size_t count = 0;
  calls.demand(jeton_list(&options, names, sizeof(names), &size, &count) == JETON_OK && count == 1, "jeton_list");
  if (token == nullptr) return;
  int fd = -1;
  calls.demand(jeton_event_fd(token, &fd) == JETON_OK, "jeton_event_fd");
  calls.demand(jeton_event_clear(token, fd) == JETON_OK, "jeton_event_clear");
  ::close(fd);
  const jeton_status reported = jeton_rejected(token, 7, nullptr);
  calls.demand(is_answer(reported) || reported == JETON_NO_AGENT, "jeton_rejected", reported);
}

}  // namespace

SegmentTrial::SegmentTrial() {
  const std::string folder = directory_ + "/segments";
  if (::mkdir(directory_.c_str(), 0700) != 0 || ::mkdir(folder.c_str(), 0700) != 0) throw std::runtime_error(folder);
  file_ = ::open((folder + "/api").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  page_ = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* memory = ::mmap(nullptr, limit + page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (file_ < 0 || memory == MAP_FAILED) throw std::runtime_error("no memory");
  fenced_ = static_cast<char*>(memory);
  if (::mprotect(fenced_ + limit, page_, PROT_NONE) != 0) throw std::runtime_error("mprotect");
}

SegmentTrial::~SegmentTrial() {
  ::munmap(fenced_, limit + page_);
  ::close(file_);
}

void SegmentTrial::read_in_fenced_memory(std::string_view segment) {
  if (segment.size() < sizeof(layout::FileHeader) || segment.size() % layout::cache_line != 0) return;
  char* const begin = fenced_ + limit - segment.size();
  std::memcpy(begin, segment.data(), segment.size());
  layout::FileHeader header;
  std::memcpy(&header, begin, sizeof(header));
  client::Mapping mapping;
  if (layout::read_geometry(header, segment.size(), mapping.geometry) != layout::HeaderFault::none) return;
  mapping.base = reinterpret_cast<const std::byte*>(begin);
  mapping.find_slots();
  mapping.has_our_boot_clock = true;
  client::Snapshot snapshot;
  std::string content;
  const client::SlotRead result =
      client::read_slot(mapping, snapshot, [&](const layout::SlotHeader& slot, const std::byte* from) {
        content.resize(layout::content_size(slot));
        layout::racing_copy(content.data(), from, content.size());
      });
  if (result != client::SlotRead::ok) return;
  char value[256];
  std::size_t size = 0;
  const std::int64_t now_s = client::wall_now_s();
  static_cast<void>(client::ran_out(mapping, snapshot.control, client::expiry_of(snapshot.slot), client::WallClock()));
  static_cast<void>(client::shown_expiry_ms(mapping, client::end_of_overlap(snapshot.slot)));
  mapping.usable_in = client::usable_word(snapshot.control, now_s);  // also one that ran out: the copy is looked at
  static_cast<void>(client::read_verified_value(mapping, now_s, value, sizeof(value), size));
}

SegmentTrial::Outcome SegmentTrial::run(std::string_view segment, Trial how) {
  segment = segment.substr(0, limit);
  read_in_fenced_memory(segment);

  if ((segment.size() != size_ && ::ftruncate(file_, static_cast<off_t>(segment.size())) != 0) ||
      ::pwrite(file_, segment.data(), segment.size(), 0) != static_cast<ssize_t>(segment.size())) {
    throw std::runtime_error("the segment cannot be written");
  }
  size_ = segment.size();
  Outcome outcome;
  Calls calls(outcome);
  jeton_options options = JETON_OPTIONS_INIT;
  options.directory = directory_.c_str();
  jeton_token* raw = nullptr;
  outcome.opened = jeton_open(&options, "api", &raw);
  const std::unique_ptr<jeton_token, CloseToken> token(raw);
  if (outcome.opened == JETON_OK) {
    calls.read(raw);
    if (how != Trial::quick) calls.current(raw);
  } else {
    calls.demand(is_fault(outcome.opened), "jeton_open", outcome.opened);
  }
  if (how == Trial::thorough) look_around(options, raw, calls);
  return outcome;
}

}  // namespace jeton::fuzz
