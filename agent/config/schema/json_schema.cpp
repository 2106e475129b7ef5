#include <string>

#include "agent/config/schema/schema.hpp"
#include "agent/config/text/request_formats.hpp"

namespace jeton::agent {

namespace {

JsonTemplate convert_text(std::optional<SecretTemplate> text, bool plain) {
  if (!text) return JsonTemplate(SecretTemplate());
  const auto& parts = text->parts();
  const bool number =
      plain && parts.size() == 1 && parts.front().kind == SecretPart::Kind::now && is_unix_time(parts.front().text);
  if (number) return JsonTemplate(JsonTemplate::NumberReference{std::move(*text)});
  return JsonTemplate(std::move(*text));
}

// Depth is bounded by the parser.
JsonTemplate convert(const Node& node, const std::string& path, Reading& reading) {
  switch (node.kind) {
    case Node::Kind::map: {
      JsonTemplate::Object object;
      for (const Node::Entry& entry : node.entries) {
        object.emplace_back(entry.key, convert(entry.value, path + "." + entry.key, reading));
      }
      return JsonTemplate(std::move(object));
    }
    case Node::Kind::sequence: {
      JsonTemplate::Array array;
      for (const Node& item : node.items) array.push_back(convert(item, path, reading));
      return JsonTemplate(std::move(array));
    }
    case Node::Kind::scalar:
      if (node.plain && (node.scalar == "true" || node.scalar == "false")) return JsonTemplate(node.scalar == "true");
      if (node.plain && is_json_number(node.scalar)) return JsonTemplate(JsonTemplate::Number{node.scalar});
      return convert_text(ValueReader(reading, &node, path, node.place).secret(SecretUse::json), node.plain);
    default:
      return JsonTemplate();
  }
}

}  // namespace

std::optional<JsonTemplate> read_json_template(const ValueReader& value, Reading& reading) {
  const Node* node = value.raw();
  if (node == nullptr || node->kind == Node::Kind::invalid) return std::nullopt;
  if (node->kind != Node::Kind::map && node->kind != Node::Kind::sequence) {
    value.error(value.path() + ": expected a map of keys or a list");
    return std::nullopt;
  }
  return convert(*node, value.path(), reading);
}

}  // namespace jeton::agent
