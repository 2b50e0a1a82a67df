#include "network/quantisation.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <locale>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "network/network.hpp"

namespace fsrcnn {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr size_t kLongestScales = 1 << 20, kLongestScalesName = 200;
constexpr const char* kInputName = "input";

constexpr std::array<std::pair<ElementType, std::string_view>, 6> kTypes = {{{ElementType::u8, "uint8"},
                                                                             {ElementType::i8, "int8"},
                                                                             {ElementType::u16, "uint16"},
                                                                             {ElementType::i16, "int16"},
                                                                             {ElementType::u32, "uint32"},
                                                                             {ElementType::i32, "int32"}}};

std::string_view name_of(ElementType type) {
  const auto* const found = std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& t) { return t.first == type; });
  return found == kTypes.end() ? "integers" : found->second;
}

/// Names that differ only in case and in the separators of words are equal.
std::string plain(std::string_view name) {
  std::string text;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const char plain_c = std::isalnum(byte) != 0 ? static_cast<char>(std::tolower(byte)) : ' ';
    if (plain_c != ' ' || (!text.empty() && text.back() != ' ')) text += plain_c;
  }
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

OrderedJson to_json(const Quantisation& q) {
  OrderedJson json = {{"scale", q.scale}, {"zero_point", q.zero_point}};
  if (q.type) json["type"] = name_of(*q.type);
  return json;
}

class ScalesReader {
 public:
  ScalesReader(Network& network, const std::string& source) : network_(network), source_(source) {}

  void read(std::string_view text) {
    if (text.size() > kLongestScales) fail(ErrorCode::model, "{}: the scales have more than 1 MiB of text", source_);
    const size_t begin = text.find_first_not_of(" \t\r\n");
    if (begin == std::string_view::npos) fail(ErrorCode::model, "{}: there are no scales", source_);
    if (text[begin] == '{') return read_json(text);
    read_lines(text);
  }

 private:
  template <class... Args>
  [[noreturn]] void refuse(std::string_view name, fmt::format_string<Args...> text, Args&&... args) const {
    fail(ErrorCode::model, "{}: '{}' {}", source_, name.substr(0, kLongestScalesName),
         fmt::format(text, std::forward<Args>(args)...));
  }

  /// nullptr: the network's input.
  Layer* find(std::string_view name) const {
    const std::string wanted = plain(name);
    if (wanted == kInputName) return nullptr;
    auto& layers = network_.layers;
    Layer* found = nullptr;
    for (Layer& layer : layers) {
      if (wanted != plain(layer.name) && (layer.key.empty() || wanted != plain(layer.key))) continue;
      if (found != nullptr) refuse(name, "is the name of several layers; use the layer's number");
      found = &layer;
    }
    size_t number = 0;
    const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
    if (found == nullptr && error == std::errc{} && end == wanted.data() + wanted.size() && number >= 1 &&
        number <= layers.size()) {
      found = &layers[number - 1];
    }
    if (found != nullptr) return found;
    std::string names = kInputName;
    for (const Layer& layer : layers) {
      if (names.size() < 400) names += ", " + layer.name;
    }
    refuse(name, "is not a layer of the network; its layers: {}", names);
  }

  void check(std::string_view name, const Quantisation& q) const {
    if (!std::isfinite(q.scale) || q.scale <= 0) refuse(name, "has the scale {}; expected a number above 0", q.scale);
    const IntegerRange range = integer_range(q.type.value_or(ElementType::i32)).value();
    if (q.zero_point < range.low || q.zero_point > range.high) {
      refuse(name, "has the zero point {}; expected {} to {}", q.zero_point, range.low, range.high);
    }
  }
  ElementType type(std::string_view name, std::string_view word) const {
    const auto* const found =
        std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& t) { return t.second == word; });
    if (found == kTypes.end()) {
      refuse(name, "has the unknown type '{}'; supported: uint8, int8, uint16, int16, uint32, int32",
             word.substr(0, 40));
    }
    return found->first;
  }

  Quantisation quantisation(std::string_view name, const OrderedJson& json) const {
    Quantisation q;
    const auto scale = json.find("scale");
    if (scale == json.end() || !scale->is_number()) refuse(name, "has no scale, or one that is not a number");
    q.scale = scale->get<double>();
    if (const auto zero = json.find("zero_point"); zero != json.end()) {
      if (!zero->is_number_integer()) refuse(name, "has a zero_point that is not an integer");
      q.zero_point = zero->get<int64_t>();
    }
    if (const auto word = json.find("type"); word != json.end()) {
      if (!word->is_string()) refuse(name, "has a type that is not text");
      q.type = type(name, word->get<std::string>());
    }
    check(name, q);
    return q;
  }

  void read_json(std::string_view text) {
    const OrderedJson json = OrderedJson::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object()) fail(ErrorCode::model, "{}: the scales are not a valid JSON object", source_);
    for (const auto& [name, value] : json.items()) {
      if (!value.is_object()) refuse(name, "is not an object with a scale");
      Layer* const layer = find(name);
      for (const auto& [member, of] : value.items()) {
        const bool known = member == "scale" || member == "zero_point" || member == "type" ||
                           (layer != nullptr && (member == "weight_scale" || member == "before_activation"));
        if (!known) refuse(name, "has the unknown member '{}'", member.substr(0, 40));
      }
      // There may be only scales of weights.
      if (value.contains("scale") || value.contains("zero_point")) {
        (layer == nullptr ? network_.input_quantisation : layer->quantisation) = quantisation(name, value);
      }
      if (value.contains("before_activation")) {
        const OrderedJson& before = value["before_activation"];
        if (!before.is_object()) refuse(name, "has a before_activation that is not an object");
        layer->before_activation = quantisation(name, before);
      }
      if (value.contains("weight_scale")) layer->weight_scales = weight_scales(name, *layer, value["weight_scale"]);
    }
  }

  std::vector<double> weight_scales(std::string_view name, const Layer& layer, const OrderedJson& json) const {
    std::vector<double> scales;
    if (json.is_number()) {
      scales = {json.get<double>()};
    } else if (json.is_array() && layer.has_weight() && json.size() == static_cast<size_t>(layer.out_channels()) &&
               std::all_of(json.begin(), json.end(), [](const auto& v) { return v.is_number(); })) {
      scales = json.get<std::vector<double>>();
    }
    const bool good = layer.has_weight() && !scales.empty() &&
                      std::all_of(scales.begin(), scales.end(), [](double s) { return std::isfinite(s) && s > 0; });
    if (!good)
      refuse(name,
             "has an invalid weight_scale; expected a number above 0, or a list with one for each output channel");
    return scales;
  }

  void read_lines(std::string_view text) {
    for (size_t line = 1; !text.empty(); ++line) {
      std::string_view rest = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(rest.size() + 1, text.size()));
      rest = rest.substr(0, rest.find('#'));
      std::vector<std::string_view> words;
      for (;;) {
        rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r,"), rest.size()));
        if (rest.empty()) break;
        words.push_back(rest.substr(0, rest.find_first_of(" \t\r,")));
        rest.remove_prefix(words.back().size());
      }
      if (!words.empty()) read_line(line, words);
    }
  }
  void read_line(size_t line, std::vector<std::string_view> words) {
    const std::string where = fmt::format("line {}", line);
    Quantisation q;
    const auto is_number = [](std::string_view word) { return word.find_first_not_of("+-.0123456789eE") == word.npos; };
    if (!is_number(words.back())) {
      q.type = type(where, words.back());
      words.pop_back();
    }
    if (words.size() < 3) refuse(where, "is incomplete; expected NAME SCALE ZERO_POINT [TYPE]");
    const auto parse = [&](std::string_view word, auto& value) {
      // Not from_chars, which libc++ does not have for double.
      std::istringstream stream{std::string(word)};
      stream.imbue(std::locale::classic());
      stream >> value;
      if (stream.fail() || stream.peek() != std::istringstream::traits_type::eof()) {
        refuse(where, "has '{}'; expected a number", word.substr(0, 40));
      }
    };
    parse(words[words.size() - 1], q.zero_point);
    parse(words[words.size() - 2], q.scale);
    std::string name;
    for (size_t i = 0; i + 2 < words.size(); ++i) {
      if (i > 0) name += ' ';
      name += words[i];
    }
    check(name, q);
    Layer* const layer = find(name);
    (layer == nullptr ? network_.input_quantisation : layer->quantisation) = q;
  }

  Network& network_;
  const std::string& source_;
};

}  // namespace

std::optional<IntegerRange> integer_range(ElementType type) {
  switch (type) {
    case ElementType::u8: return IntegerRange{0, UINT8_MAX};
    case ElementType::i8: return IntegerRange{INT8_MIN, INT8_MAX};
    case ElementType::u16: return IntegerRange{0, UINT16_MAX};
    case ElementType::i16: return IntegerRange{INT16_MIN, INT16_MAX};
    case ElementType::u32: return IntegerRange{0, UINT32_MAX};
    case ElementType::i32: return IntegerRange{INT32_MIN, INT32_MAX};
    default: return std::nullopt;
  }
}

std::string to_string(const Quantisation& q) {
  std::string text = fmt::format("scale {:.6g}, zero point {}", q.scale, q.zero_point);
  if (q.type) text += fmt::format(", {}", name_of(*q.type));
  return text;
}

std::string format_scales(const Network& network) {
  OrderedJson json = OrderedJson::object();
  if (network.input_quantisation) json[kInputName] = to_json(*network.input_quantisation);
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const Layer& layer = network.layers[i];
    OrderedJson entry = layer.quantisation ? to_json(*layer.quantisation) : OrderedJson::object();
    if (layer.weight_scales.size() == 1) entry["weight_scale"] = layer.weight_scales[0];
    if (layer.weight_scales.size() > 1) entry["weight_scale"] = layer.weight_scales;
    if (layer.before_activation) entry["before_activation"] = to_json(*layer.before_activation);
    if (entry.empty()) continue;
    const std::string name = plain(layer.name);
    const bool unique = !name.empty() && name != kInputName &&
                        std::count_if(network.layers.begin(), network.layers.end(), [&](const Layer& other) {
                          return plain(other.name) == name || plain(other.key) == name;
                        }) == 1;
    json[unique ? layer.name : std::to_string(i + 1)] = std::move(entry);
  }
  return json.empty() ? "" : json.dump();
}

void apply_scales(Network& network, std::string_view text, const std::string& source) {
  ScalesReader(network, source).read(text);
}

}  // namespace fsrcnn
