#include "agent/config/yaml_document.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/config/utf8.hpp"

namespace jeton::agent {

namespace {

// The text by line, for what the parser does not say.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {
    starts_.push_back(0);
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (text[at] == '\n') starts_.push_back(at + 1);
    }
  }

  // Column from 1 of a tab before the first other character of a line; 0: none.
  [[nodiscard]] int tab_in_indentation(int line) const {
    if (line < 1 || static_cast<std::size_t>(line) > starts_.size()) return 0;
    const std::size_t start = starts_[static_cast<std::size_t>(line) - 1];
    for (std::size_t at = start; at < text_.size() && (text_[at] == ' ' || text_[at] == '\t'); ++at) {
      if (text_[at] == '\t') return static_cast<int>(at - start) + 1;
    }
    return 0;
  }

  // yaml-cpp 0.7 takes a quote that is never closed as closed at the end of the file, with all that lies between.
  [[nodiscard]] bool quote_is_closed(const Place& place) const {
    std::size_t at = offset(place);
    if (at >= text_.size() || (text_[at] != '"' && text_[at] != '\'')) return true;  // a block of text, not a quote
    const char quote = text_[at];
    for (++at; at < text_.size(); ++at) {
      if (quote == '"' && text_[at] == '\\') {
        ++at;
      } else if (text_[at] == quote) {
        if (quote == '"' || at + 1 == text_.size() || text_[at + 1] != quote) return true;
        ++at;  // '' is an escaped quote
      }
    }
    return false;
  }

 private:
  [[nodiscard]] std::size_t offset(const Place& place) const {
    if (place.line < 1 || static_cast<std::size_t>(place.line) > starts_.size()) return text_.size();
    std::size_t at = starts_[static_cast<std::size_t>(place.line) - 1];
    for (int column = 1; column < place.column && at < text_.size(); ++column) at += utf8_length(text_, at);
    return at;
  }

  std::string_view text_;
  std::vector<std::size_t> starts_;
};

// Ends the parsing from inside a callback; the problem is reported already.
struct Stop {};

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& file, const Lines& lines, Problems& problems)
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
    if (!node.plain && !lines_.quote_is_closed(node.place)) {
      problems_.error(node.place, "the quote that opens here is never closed");
      throw Stop{};
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
    if (++nodes_ > max_config_nodes) {
      problems_.error(place(mark), "more than 20000 keys and values; split or simplify the configuration");
      throw Stop{};
    }
    Node node;
    node.kind = kind;
    node.place = place(mark);
    return node;
  }

  bool accepts_tag(const std::string& tag, const YAML::Mark& mark) {
    if (tag.empty() || tag == "?" || tag == "!") return true;  // none, plain, quoted
    problems_.error(place(mark), "tags (" + tag.substr(0, 40) + ") are not supported; put text in quotes instead");
    return false;
  }

  void open(Node node) {
    if (stack_.size() >= max_config_depth) {
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
      problems_.error(key.place, "key " + in_quotes(key.scalar) + " stands twice; first at line " +
                                     std::to_string(first->second.line));
    } else {
      parent.keep = true;
      parent.key = std::move(key.scalar);
    }
  }

  const std::string& file_;
  const Lines& lines_;
  Problems& problems_;
  std::vector<Frame> stack_;
  Node root_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
};

// The parser's words, followed by what usually is the matter.
std::string explain(const std::string& message) {
  using namespace YAML::ErrorMsg;
  if (message == MAP_VALUE) {
    return "YAML syntax: a ':' where none can be; wrong indentation, a missing ':' in the line above, or a value that "
           "needs quotes";
  }
  if (message == END_OF_MAP || message == END_OF_SEQ) return "YAML syntax: this does not line up with what is above";
  if (message == END_OF_MAP_FLOW) return "YAML syntax: a '{' before this is not closed, or a ',' is missing";
  if (message == END_OF_SEQ_FLOW) return "YAML syntax: a '[' before this is not closed, or a ',' is missing";
  if (message == UNKNOWN_TOKEN) return "YAML syntax: a value cannot start like this; put it in quotes";
  if (message.starts_with(UNKNOWN_ANCHOR))
    return "aliases (*name) are not supported; put text that starts with * in quotes";
  return "YAML syntax: " + message;
}

}  // namespace

std::optional<Node> parse_yaml(const std::string& file, std::string_view text, Problems& problems) {
  const Lines lines(text);
  TreeBuilder builder(file, lines, problems);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    // The second call finds nothing, or a second document, which the builder refuses. More calls are not made: yaml-cpp
    // 0.7 finds empty documents for ever after a stray ','.
    if (parser.HandleNextDocument(builder)) parser.HandleNextDocument(builder);
  } catch (const Stop&) {
    return std::nullopt;
  } catch (const YAML::Exception& e) {
    Place place = builder.place(e.mark);
    if (const int tab = lines.tab_in_indentation(place.line)) {
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
