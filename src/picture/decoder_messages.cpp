#include "picture/decoder_messages.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <type_traits>

#include "picture/vips_support.hpp"

namespace fsrcnn {
namespace {

[[noreturn]] void fail_malformed() {
  fail(ErrorCode::io, "the answer of the process that decodes pictures is malformed");
}

class Packer {
 public:
  template <class T>
  void number(T value) {
    static_assert(std::is_arithmetic_v<T>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(T));
  }
  void text(std::string_view text) {
    number<uint64_t>(text.size());
    bytes_ += text;
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : bytes_(bytes) {}
  std::string_view take(uint64_t count) {
    if (count > bytes_.size()) fail_malformed();
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }
  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  int64_t number_within(int64_t least, int64_t most) {
    const auto value = number<int64_t>();
    if (value < least || value > most) fail_malformed();
    return value;
  }
  std::string text() { return std::string(take(number<uint64_t>())); }
  bool is_empty() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
};

/// Types of fields of metadata.
enum class Field : uint8_t { none, integer, real, text, blob, integers };

void* pack_field(VipsImage*, const char* name, GValue* value, void* to) {
  // Every image has these.
  constexpr std::array<std::string_view, 7> kImages = {"width", "height",  "bands",  "xres",
                                                       "yres",  "xoffset", "yoffset"};
  if (std::find(kImages.begin(), kImages.end(), name) != kImages.end()) return nullptr;
  auto& packer = *static_cast<Packer*>(to);
  const GType type = G_VALUE_TYPE(value);
  const auto begin = [&](Field field) {
    packer.number(static_cast<uint8_t>(field));
    packer.text(name);
  };
  if (type == G_TYPE_INT) {
    begin(Field::integer);
    packer.number<int64_t>(g_value_get_int(value));
  } else if (type == G_TYPE_DOUBLE) {
    begin(Field::real);
    packer.number(g_value_get_double(value));
  } else if (type == VIPS_TYPE_REF_STRING) {
    size_t size = 0;
    const char* const text = vips_value_get_ref_string(value, &size);
    begin(Field::text);
    packer.text({text, size});
  } else if (type == VIPS_TYPE_BLOB) {
    size_t size = 0;
    const void* const data = vips_value_get_blob(value, &size);
    begin(Field::blob);
    packer.text({static_cast<const char*>(data), size});
  } else if (type == VIPS_TYPE_ARRAY_INT) {
    int count = 0;
    const int* const numbers = vips_value_get_array_int(value, &count);
    if (count <= 0) return nullptr;
    begin(Field::integers);
    packer.text({reinterpret_cast<const char*>(numbers), static_cast<size_t>(count) * sizeof(int)});
  }
  return nullptr;
}

void unpack_fields(Unpacker& from, VipsImage* to) {
  for (;;) {
    const auto field = static_cast<Field>(from.number<uint8_t>());
    if (field == Field::none) return;
    const std::string name = from.text();
    switch (field) {
      case Field::integer:
        vips_image_set_int(to, name.c_str(), static_cast<int>(from.number_within(INT32_MIN, INT32_MAX)));
        break;
      case Field::real: vips_image_set_double(to, name.c_str(), from.number<double>()); break;
      case Field::text: vips_image_set_string(to, name.c_str(), from.text().c_str()); break;
      case Field::blob: {
        const std::string blob = from.text();
        vips_image_set_blob_copy(to, name.c_str(), blob.data(), blob.size());
        break;
      }
      case Field::integers: {
        const std::string bytes = from.text();
        if (bytes.empty() || bytes.size() % sizeof(int) != 0) fail_malformed();
        std::vector<int> numbers(bytes.size() / sizeof(int));
        std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(int));
        vips_image_set_array_int(to, name.c_str(), numbers.data(), static_cast<int>(numbers.size()));
        break;
      }
      default: fail_malformed();
    }
  }
}

double resolution(Unpacker& from) {
  const auto value = from.number<double>();
  return std::isfinite(value) && value > 0 ? value : 1;
}

}  // namespace

std::string pack_start(const PictureStart& start) {
  const PictureHeader& h = start.header;
  Packer packer;
  for (const int64_t number :
       {h.width, h.height, h.frames, int64_t{h.colour_planes}, int64_t{h.has_alpha}, int64_t{h.left_out},
        int64_t{h.alpha_is_data}, int64_t{h.bits}, int64_t{h.used_bits}, int64_t{h.linear}, int64_t{h.halves_chroma},
        int64_t{h.pixel_aspect.first}, int64_t{h.pixel_aspect.second}, int64_t{h.lossless},
        int64_t{h.colours.has_value()}, int64_t{h.colours.value_or(Cicp()).primaries},
        int64_t{h.colours.value_or(Cicp()).transfer}, int64_t{h.colours.value_or(Cicp()).matrix},
        int64_t{start.white}}) {
    packer.number(number);
  }
  packer.text(pack_texts(start.warnings));
  packer.number(h.metadata->Xres);
  packer.number(h.metadata->Yres);
  vips_image_map(h.metadata.get(), pack_field, &packer);
  packer.number(static_cast<uint8_t>(Field::none));
  return packer.take();
}

PictureStart unpack_start(std::string_view bytes, int64_t most_pixels) {
  start_vips();
  Unpacker from(bytes);
  PictureStart start;
  PictureHeader& h = start.header;
  h.width = from.number_within(1, VIPS_MAX_COORD);
  h.height = from.number_within(1, VIPS_MAX_COORD);
  h.frames = from.number_within(1, VIPS_MAX_COORD);
  if (h.height > most_pixels / h.width || h.frames > most_pixels / h.width / h.height) fail_malformed();
  h.colour_planes = static_cast<int>(from.number_within(1, 3));
  h.has_alpha = from.number_within(0, 1) != 0;
  h.left_out = static_cast<int>(from.number_within(0, UINT16_MAX));
  h.alpha_is_data = from.number_within(0, 1) != 0;
  h.bits = static_cast<int>(from.number_within(8, 32));
  h.used_bits = static_cast<int>(from.number_within(0, 16));
  h.linear = from.number_within(0, 1) != 0;
  h.halves_chroma = from.number_within(0, 1) != 0;
  h.pixel_aspect.first = static_cast<uint32_t>(from.number_within(1, UINT32_MAX));
  h.pixel_aspect.second = static_cast<uint32_t>(from.number_within(1, UINT32_MAX));
  h.lossless = from.number_within(0, 1) != 0;
  const bool has_colours = from.number_within(0, 1) != 0;
  Cicp colours;
  for (uint8_t* number : {&colours.primaries, &colours.transfer, &colours.matrix}) {
    *number = static_cast<uint8_t>(from.number_within(0, UINT8_MAX));
  }
  if (has_colours) h.colours = colours;
  start.white = static_cast<int>(from.number_within(1, 65535));
  if (h.colour_planes == 2 || (h.bits != 8 && h.bits != 16 && h.bits != 32)) fail_malformed();
  start.warnings = unpack_texts(from.text());
  h.metadata.reset(vips_image_new(), VipsUnref());
  h.metadata->Xres = resolution(from);
  h.metadata->Yres = resolution(from);
  unpack_fields(from, h.metadata.get());
  return start;
}

std::string pack_metadata(const EmbeddedMetadata& metadata, const std::vector<std::string>& warnings) {
  Packer packer;
  for (const std::string& block :
       {metadata.exif, metadata.xmp, metadata.xmp_extension, metadata.xmp_guid, metadata.photoshop,
        metadata.description, pack_texts(metadata.comments), pack_texts(metadata.jpeg_segments),
        pack_texts(metadata.png_chunks), pack_texts(warnings)}) {
    packer.text(block);
  }
  packer.number(static_cast<int64_t>(metadata.has_place));
  return packer.take();
}

EmbeddedMetadata unpack_metadata(std::string_view bytes, std::vector<std::string>& warnings) {
  Unpacker from(bytes);
  EmbeddedMetadata metadata;
  for (std::string* block : {&metadata.exif, &metadata.xmp, &metadata.xmp_extension, &metadata.xmp_guid,
                             &metadata.photoshop, &metadata.description}) {
    *block = from.text();
  }
  for (auto* texts : {&metadata.comments, &metadata.jpeg_segments, &metadata.png_chunks}) {
    *texts = unpack_texts(from.text());
  }
  for (std::string& warning : unpack_texts(from.text())) warnings.push_back(std::move(warning));
  metadata.has_place = from.number_within(0, 1) != 0;
  return metadata;
}

std::string pack_texts(const std::vector<std::string>& texts) {
  Packer packer;
  for (const std::string& text : texts) packer.text(text);
  return packer.take();
}

std::vector<std::string> unpack_texts(std::string_view bytes) {
  std::vector<std::string> texts;
  for (Unpacker from(bytes); !from.is_empty();) texts.push_back(from.text());
  return texts;
}

std::string pack_error(int code, std::string_view message) {
  Packer packer;
  packer.number<int64_t>(code);
  packer.text(message);
  return packer.take();
}

void throw_error(std::string_view bytes) {
  Unpacker from(bytes);
  const int64_t code = from.number_within(0, static_cast<int64_t>(ErrorCode::limit));
  if (code == 0) throw std::bad_alloc();
  if (code < static_cast<int64_t>(ErrorCode::usage)) fail_malformed();
  throw Error(static_cast<ErrorCode>(code), from.text());
}

}  // namespace fsrcnn
