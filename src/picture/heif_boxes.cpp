#include "picture/heif_boxes.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "picture/boxes.hpp"

namespace fsrcnn {
namespace {

constexpr uint64_t kMostProperties = 10000;

/// A property that items have.
struct Property {
  std::string name, content;  // the beginning alone
};

struct Meta {
  uint64_t primary = 0;
  std::vector<Property> properties;
  std::vector<uint64_t> of_primary;  // numbers of properties, from 1 on
  bool has_tone_map = false;
};

/// The version and flags that many boxes begin with.
struct Head {
  uint64_t version, flags;
  explicit Head(std::istream& file) : version(read_big_endian(file, 1)), flags(read_big_endian(file, 3)) {}
};

void read_associations(std::istream& file, Meta& meta) {
  const Head head(file);
  const int item_bytes = head.version < 1 ? 2 : 4, number_bytes = (head.flags & 1) != 0 ? 2 : 1;
  const uint64_t items = read_big_endian(file, 4);
  for (uint64_t i = 0; file && i < items; ++i) {
    const uint64_t item = read_big_endian(file, item_bytes), count = read_big_endian(file, 1);
    for (uint64_t k = 0; file && k < count; ++k) {
      const uint64_t number = read_big_endian(file, number_bytes) & (number_bytes == 2 ? 0x7FFF : 0x7F);
      if (item == meta.primary && meta.of_primary.size() < kMostProperties) meta.of_primary.push_back(number);
    }
  }
}

void read_properties(std::istream& file, uint64_t begin, uint64_t end, Meta& meta) {
  constexpr uint64_t kBeginning = 64;
  walk_boxes(file, begin, end, [&](std::string_view name, uint64_t inner, uint64_t inner_end) {
    if (name == "ipco") {
      walk_boxes(file, inner, inner_end, [&](std::string_view property, uint64_t from, uint64_t to) {
        meta.properties.push_back({std::string(property), read_text(file, std::min(kBeginning, to - from))});
        return meta.properties.size() < kMostProperties;
      });
    }
    if (name == "ipma") read_associations(file, meta);
    return true;
  });
}

void read_items(std::istream& file, uint64_t begin, uint64_t end, Meta& meta) {
  const Head head(file);
  walk_boxes(file, begin + (head.version == 0 ? 6 : 8), end, [&](std::string_view name, uint64_t, uint64_t) {
    const Head entry(file);
    read_big_endian(file, entry.version == 2 ? 4 : 6);
    meta.has_tone_map = meta.has_tone_map || (name == "infe" && read_text(file, 4) == "tmap");
    return true;
  });
}

Meta read_meta(std::istream& file, uint64_t begin, uint64_t end) {
  constexpr uint64_t kHeadBytes = 4;
  Meta meta;
  // The primary item's number is needed before the properties of items.
  walk_boxes(file, begin + kHeadBytes, end, [&](std::string_view name, uint64_t, uint64_t) {
    if (name == "pitm") meta.primary = read_big_endian(file, Head(file).version == 0 ? 2 : 4);
    return true;
  });
  walk_boxes(file, begin + kHeadBytes, end, [&](std::string_view name, uint64_t inner, uint64_t inner_end) {
    if (name == "iprp") read_properties(file, inner, inner_end, meta);
    if (name == "iinf") read_items(file, inner, inner_end, meta);
    return true;
  });
  return meta;
}

}  // namespace

HeifBoxes heif_boxes(std::istream& file) {
  HeifBoxes boxes;
  const uint64_t file_bytes = size_of_stream(file);
  Meta meta;
  walk_boxes(file, 0, file_bytes, [&](std::string_view name, uint64_t begin, uint64_t end) {
    if (name == "meta") meta = read_meta(file, begin, end);
    return name != "meta";
  });
  boxes.has_gain_map = meta.has_tone_map;
  for (const Property& property : meta.properties) {
    // Apple's, and that of the standard before ISO 21496-1.
    if (property.name == "auxC" && property.content.find("hdrgainmap") != std::string::npos) boxes.has_gain_map = true;
  }
  bool turned = false;
  for (const uint64_t number : meta.of_primary) {
    if (number == 0 || number > meta.properties.size()) continue;
    const auto& [name, content] = meta.properties[number - 1];
    const auto byte = [&content = content](size_t at) {
      return at < content.size() ? static_cast<unsigned char>(content[at]) : 0U;
    };
    const auto word = [&byte](size_t at) {
      return byte(at) << 24 | byte(at + 1) << 16 | byte(at + 2) << 8 | byte(at + 3);
    };
    if (name == "pasp" && word(0) > 0 && word(4) > 0) boxes.pixel_aspect = {word(0), word(4)};
    if (name == "irot") turned = byte(0) % 2 == 1;  // by 90 degrees
    if (name == "colr" && content.starts_with("nclx")) {
      // Numbers of 16 bits, of which none is above 255.
      boxes.colours = {static_cast<uint8_t>(byte(5)), static_cast<uint8_t>(byte(7)), static_cast<uint8_t>(byte(9))};
    }
    if (name == "colr" && (content.starts_with("prof") || content.starts_with("rICC"))) boxes.has_profile = true;
  }
  if (turned) std::swap(boxes.pixel_aspect.first, boxes.pixel_aspect.second);
  // A picture of tiles has them of the tiles.
  const auto coded = std::find_if(meta.properties.begin(), meta.properties.end(), [](const Property& property) {
    return property.name == "av1C" || property.name == "hvcC";
  });
  if (coded != meta.properties.end()) {
    const bool av1 = coded->name == "av1C";
    const size_t at = av1 ? 2 : 16;
    const unsigned bits = at < coded->content.size() ? static_cast<unsigned char>(coded->content[at]) : 0;
    boxes.halves_chroma = av1 ? (bits & 0x1C) == 0x0C : (bits & 0x03) == 1;  // along both axes, and not gray
  }
  return boxes;
}

}  // namespace fsrcnn
