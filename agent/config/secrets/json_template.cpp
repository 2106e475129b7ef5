#include "agent/config/secrets/json_template.hpp"

#include "agent/base/error.hpp"
#include "agent/config/text/values.hpp"

namespace jeton::agent {

namespace {

void write_string(SecretString& out, std::string_view text) {
  if (!is_utf8(text)) throw Error("a secret for the JSON body is not UTF-8 text");
  constexpr std::string_view hex = "0123456789abcdef";
  out.append("\"");
  for (const char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.append("\\");
      out.append({&c, 1});
    } else if (c == '\n') {
      out.append("\\n");
    } else if (byte < 0x20) {
      out.append("\\u00");
      out.append(hex.substr(byte >> 4U, 1));
      out.append(hex.substr(byte & 0xFU, 1));
    } else {
      out.append({&c, 1});
    }
  }
  out.append("\"");
}

std::size_t skip_digits(std::string_view text, std::size_t at) {
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
  return at;
}

}  // namespace

bool operator==(const JsonTemplate& a, const JsonTemplate& b) { return a.value_ == b.value_; }

SecretString JsonTemplate::resolve(const TokenValues* tokens) const {
  SecretString out;
  write(out, tokens);
  return out;
}

void JsonTemplate::write(SecretString& out, const TokenValues* tokens) const {
  if (std::holds_alternative<std::monostate>(value_)) {
    out.append("null");
  } else if (const auto* boolean = std::get_if<bool>(&value_)) {
    out.append(*boolean ? "true" : "false");
  } else if (const auto* number = std::get_if<Number>(&value_)) {
    out.append(number->text);
  } else if (const auto* reference = std::get_if<NumberReference>(&value_)) {
    out.append(reference->text.resolve(tokens).reveal());
  } else if (const auto* text = std::get_if<SecretTemplate>(&value_)) {
    write_string(out, text->resolve(tokens).reveal());
  } else if (const auto* array = std::get_if<Array>(&value_)) {
    std::string_view before = "";
    out.append("[");
    for (const JsonTemplate& item : *array) {
      out.append(std::exchange(before, ","));
      item.write(out, tokens);
    }
    out.append("]");
  } else {
    std::string_view before = "";
    out.append("{");
    for (const auto& [key, item] : std::get<Object>(value_)) {
      out.append(std::exchange(before, ","));
      write_string(out, key);
      out.append(":");
      item.write(out, tokens);
    }
    out.append("}");
  }
}

std::vector<const SecretTemplate*> texts_of(const JsonTemplate& json) {
  std::vector<const SecretTemplate*> texts;
  const auto add = [&texts](const JsonTemplate& item) {
    const auto more = texts_of(item);
    texts.insert(texts.end(), more.begin(), more.end());
  };
  if (const auto* text = std::get_if<SecretTemplate>(&json.value())) {
    texts.push_back(text);
  } else if (const auto* array = std::get_if<JsonTemplate::Array>(&json.value())) {
    for (const JsonTemplate& item : *array) add(item);
  } else if (const auto* object = std::get_if<JsonTemplate::Object>(&json.value())) {
    for (const auto& [key, item] : *object) add(item);
  }
  return texts;
}

bool is_json_number(std::string_view text) {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  std::size_t end = skip_digits(text, at);
  if (end == at || (text[at] == '0' && end != at + 1)) return false;
  at = end;
  if (at < text.size() && text[at] == '.') {
    end = skip_digits(text, at + 1);
    if (end == at + 1) return false;
    at = end;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    end = skip_digits(text, at);
    if (end == at) return false;
    at = end;
  }
  return at == text.size();
}

}  // namespace jeton::agent
