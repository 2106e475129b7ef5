#include "agent/config/yaml/yaml_document.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <optional>
#include <sstream>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/config/yaml/yaml_lines.hpp"

namespace jeton::agent {

namespace {

constexpr std::size_t max_nodes = 500'000;  // of a file; 10,000 tokens with 50 each
constexpr std::size_t max_depth = 32;

// The one of them that a text begins or ends with, as it comes out of word processors and web pages; nullptr: none.
const char* unseen_mark(std::string_view text) {
  const auto has = [text](std::string_view mark) { return text.starts_with(mark) || text.ends_with(mark); };
  for (const char* quote : {"\u201C", "\u201D", "\u201E", "\u2018", "\u2019", "\u201A", "\u00AB", "\u00BB"}) {
    if (has(quote)) return "a typographic quote";
  }
  if (has("\u00A0")) return "a no-break space";
  if (has("\u200B")) return "an invisible space";
  return has("\uFEFF") ? "a byte order mark" : nullptr;
}

// Ends the parsing from inside a callback; the problem is reported already.
struct Stop {};

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& file, const YamlLines& lines, Problems& problems)
      : file_(file), lines_(lines), problems_(problems) {}

  [[nodiscard]] Node take() { return std::move(root_); }

  [[nodiscard]] Place place(const YAML::Mark& mark) const {
    if (mark.line < 0 || mark.column < 0) return {file_, 0, 0};
    return {file_, mark.line + 1, mark.column + 1};
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ == 0) return;
    problems_.error(place(mark), "a second document, or text after the end of the first; one file holds one document");
    throw Stop{};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { attach(make(Node::Kind::null, mark)); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    problems_.error(place(mark), "aliases (*name) are not supported; write the value out");
    attach(make(Node::Kind::invalid, mark));
  }

  void OnAnchor(const YAML::Mark& mark, const std::string&) override {
    problems_.error(place(mark), "anchors (&name) are not supported; write the value out where it is needed");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string& value) override {
    Node node = make(accepts_tag(tag, mark) ? Node::Kind::scalar : Node::Kind::invalid, mark);
    node.scalar = value;
    node.plain = tag == "?";
    if (!node.plain) check_quote(node.place, value);
    if (const char* unseen = node.plain ? unseen_mark(value) : nullptr) {
      problems_.error(node.place,
                      "the text begins or ends with " + std::string(unseen) +
                          ", which YAML takes as part of the text; put the text in quotes, or remove the character");
      node.kind = Node::Kind::invalid;
    }
    attach(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    accepts_tag(tag, mark);
    open(make(Node::Kind::sequence, mark));
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, YAML::EmitterStyle::value) override {
    accepts_tag(tag, mark);
    open(make(Node::Kind::map, mark));
  }
  void OnMapEnd() override { close(); }

 private:
  // A map or sequence whose end has not come.
  struct Frame {
    Node node;
    std::unordered_map<std::string, Place> keys;  // of a map: where each was first seen
    bool has_key = false;                         // of a map: the key was read, its value comes
    bool keep = true;                             // of a map: false if that key is refused, and its value with it
    std::string key;
    Place key_place;
  };

  Node make(Node::Kind kind, const YAML::Mark& mark) {
    if (++nodes_ > max_nodes) {
      problems_.error(place(mark), "more than 500000 keys and values; move some tokens to other files in agent.d");
      throw Stop{};
    }
    Node node;
    node.kind = kind;
    node.place = place(mark);
    return node;
  }

  void check_quote(const Place& place, const std::string& value) {
    const int end = lines_.end_of_quote(place);
    if (end == 0) {
      problems_.error(place, "the quote that opens here is not closed");
      throw Stop{};
    }
    if (end > place.line && value.find(": ") != std::string::npos) {
      problems_.warning(place, "the quote that opens here ends in line " + std::to_string(end) +
                                   ", so the lines between, which look like keys, are part of the text");
    }
  }

  bool accepts_tag(const std::string& tag, const YAML::Mark& mark) {
    if (tag.empty() || tag == "?" || tag == "!") return true;  // none, plain, quoted
    // Not shown: it may be a password.
    problems_.error(place(mark), "tags (!...) are not supported; put text that begins with ! in quotes");
    return false;
  }

  void open(Node node) {
    if (stack_.size() >= max_depth) {
      problems_.error(node.place, "nested deeper than 32 levels");
      throw Stop{};
    }
    Frame frame;
    frame.node = std::move(node);
    stack_.push_back(std::move(frame));
  }

  void close() {
    Node node = std::move(stack_.back().node);
    stack_.pop_back();
    attach(std::move(node));
  }

  void attach(Node node) {
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& parent = stack_.back();
    if (parent.node.kind == Node::Kind::sequence) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.has_key) {
      begin_entry(parent, std::move(node));
    } else {
      // The parser says that a missing value is where the next token is; the key is where a person looks.
      if (node.kind == Node::Kind::null) node.place = parent.key_place;
      if (parent.keep) parent.node.entries.push_back({parent.key, parent.key_place, std::move(node)});
      parent.has_key = false;
    }
  }

  void begin_entry(Frame& parent, Node key) {
    parent.has_key = true;
    parent.keep = false;
    parent.key_place = key.place;
    if (key.kind == Node::Kind::invalid) return;
    if (key.kind != Node::Kind::scalar) {
      problems_.error(key.place, "a key must be text");
    } else if (key.scalar == "<<" && key.plain) {
      problems_.error(key.place, "merge keys (<<) are not supported; write the keys out");
    } else if (const auto [first, fresh] = parent.keys.emplace(key.scalar, key.place); !fresh) {
      problems_.error(key.place, "key " + in_quotes(key.scalar) + " is set twice; first at line " +
                                     std::to_string(first->second.line));
    } else {
      parent.keep = true;
      parent.key = std::move(key.scalar);
    }
  }

  const std::string& file_;
  const YamlLines& lines_;
  Problems& problems_;
  std::vector<Frame> stack_;
  Node root_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
};

// The parser's error in plain words, with the usual cause.
std::string explain(const std::string& message) {
  using namespace YAML::ErrorMsg;
  if (message == MAP_VALUE) {
    return "YAML syntax: unexpected ':'; wrong indentation, a missing ':' or blank after it in the line above, or a "
           "value that needs quotes";
  }
  if (message == END_OF_MAP || message == END_OF_SEQ) {
    return "YAML syntax: the indentation does not match the lines above";
  }
  if (message == END_OF_MAP_FLOW) return "YAML syntax: a '{' before this is not closed, or a ',' is missing";
  if (message == END_OF_SEQ_FLOW) return "YAML syntax: a '[' before this is not closed, or a ',' is missing";
  if (message == UNKNOWN_TOKEN) return "YAML syntax: a value cannot start like this; put it in quotes";
  if (message.starts_with(UNKNOWN_ANCHOR))
    return "aliases (*name) are not supported; put text that starts with * in quotes";
  return "YAML syntax: " + message;
}

}  // namespace

std::optional<Node> parse_yaml(const std::string& file, std::string_view text, Problems& problems) {
  const YamlLines lines(text);
  TreeBuilder builder(file, lines, problems);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    // The second call finds nothing, or a second document, which the builder refuses. More calls are not made: yaml-cpp
    // 0.7 finds empty documents without end after a stray ','.
    if (parser.HandleNextDocument(builder)) parser.HandleNextDocument(builder);
  } catch (const Stop&) {
    return std::nullopt;
  } catch (const YAML::Exception& e) {
    Place place = builder.place(e.mark);
    if (const auto quote = lines.quote_behind(place)) {
      problems.error(*quote, "the quote that opens here is not closed, or the next opening quote closes it");
    } else if (const int tab = lines.tab_in_indentation(place.line)) {
      place.column = tab;
      problems.error(place, "a tab in the indentation; indent with spaces");
    } else {
      problems.error(place, explain(e.msg));
    }
    return std::nullopt;
  } catch (const std::exception& e) {  // a fault of the parser itself; the agent goes on with what it had
    problems.error({file, 0, 0}, std::string("the YAML parser failed: ") + e.what());
    return std::nullopt;
  }
  return builder.take();
}

}  // namespace jeton::agent
