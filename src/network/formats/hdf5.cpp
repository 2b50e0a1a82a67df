#include "network/formats/hdf5.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/error.hpp"

namespace fsrcnn {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers of the file are little endian and are copied");

constexpr std::string_view kHdf5Signature = "\x89HDF\r\n\x1a\n";
constexpr size_t kMostHdf5Steps = 1 << 17, kMostHdf5NameBytes = 1 << 10, kMostHdf5TextBytes = 4 << 20;
constexpr int kMostHdf5Depth = 16;
constexpr int64_t kMostHdf5Elements = 64 << 20;

// Types of an object's messages.
constexpr uint16_t kDataspace = 1, kLinkInfo = 2, kDatatype = 3, kLink = 6, kExternalFiles = 7, kLayout = 8,
                   kFilters = 11, kAttribute = 12, kContinuation = 16, kSymbolTable = 17;
constexpr uint8_t kSharedMessage = 2;

size_t rounded_to_eight(size_t size) { return (size + 7) / 8 * 8; }

}  // namespace

class Hdf5File::Cursor {
 public:
  Cursor(Bytes bytes, const Hdf5File& file) : bytes_(bytes), file_(file) {}

  template <class T = uint64_t>
  T number() {
    T value = 0;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  Bytes take(size_t size) {
    if (size > bytes_.size()) file_.refuse("not a readable HDF5 file: it is damaged or cut off");
    const Bytes taken = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return taken;
  }
  void skip(size_t size) { take(size); }
  Bytes rest() const { return bytes_; }

 private:
  Bytes bytes_;
  const Hdf5File& file_;
};

bool looks_like_hdf5(Bytes bytes) {
  return bytes.size() > kHdf5Signature.size() &&
         std::memcmp(bytes.data(), kHdf5Signature.data(), kHdf5Signature.size()) == 0;
}

Hdf5File::Hdf5File(Bytes bytes, std::string source) : bytes_(bytes), source_(std::move(source)) {
  Cursor head = at(0, kHdf5Signature);
  const auto version = head.number<uint8_t>();
  if (version > 1) {
    refuse(
        "unsupported version of HDF5 (superblock {}); save the file in Keras, or in h5py with "
        "libver='earliest'",
        version);
  }
  head.skip(4);
  const auto offset_bytes = head.number<uint8_t>(), length_bytes = head.number<uint8_t>();
  if (offset_bytes != 8 || length_bytes != 8) refuse("its offsets have {} bytes; expected 8", offset_bytes);
  head.skip(1 + 2 + 2 + 4 + (version == 1 ? 4 : 0));
  const auto base = head.number();
  if (base != 0) refuse("its data start at byte {}; expected 0", base);
  head.skip(3 * 8 + 8);
  add_object("", head.number(), 0);
}

/// Offsets may lead in circles.
void Hdf5File::count_step() {
  if (++steps_ > kMostHdf5Steps) refuse("too many objects; the file is damaged, or is not a file of weights");
}

Bytes Hdf5File::part(uint64_t offset, uint64_t size) const {
  if (offset > bytes_.size() || size > bytes_.size() - offset) {
    refuse("not a readable HDF5 file: it is damaged or cut off");
  }
  return bytes_.subspan(offset, size);
}

/// The bytes after this offset and the signature there, which is checked.
Hdf5File::Cursor Hdf5File::at(uint64_t offset, std::string_view signature) const {
  const Bytes found = part(offset, signature.size());
  if (!signature.empty() && std::memcmp(found.data(), signature.data(), signature.size()) != 0) {
    refuse("not a readable HDF5 file: it is damaged");
  }
  return {bytes_.subspan(offset + signature.size()), *this};
}

void Hdf5File::add_object(const std::string& path, uint64_t header, int depth) {
  if (depth > kMostHdf5Depth) refuse("'{}' is nested too deep in groups", path);
  Cursor head = at(header);
  if (const auto version = head.number<uint8_t>(); version != 1) {
    refuse(
        "'{}' uses an unsupported version of HDF5; save the file in Keras, or in h5py with "
        "libver='earliest'",
        path);
  }
  head.skip(7);
  const auto size = head.number<uint32_t>();
  std::vector<std::pair<uint64_t, uint64_t>> blocks = {{header + 16, size}};
  std::vector<Message>& found = headers_[path];
  for (size_t b = 0; b < blocks.size(); ++b) {
    Cursor block(part(blocks[b].first, blocks[b].second), *this);
    while (block.rest().size() >= 8) {
      count_step();
      const auto type = block.number<uint16_t>(), bytes = block.number<uint16_t>();
      const auto flags = block.number<uint8_t>();
      block.skip(3);
      const Message message{type, block.take(bytes)};
      if (type == kContinuation) {
        Cursor next(message.data, *this);
        const auto offset = next.number();
        blocks.emplace_back(offset, next.number());
      }
      const bool needed = type == kDataspace || type == kDatatype || type == kLayout || type == kAttribute;
      if (needed && (flags & kSharedMessage) != 0) refuse("'{}' uses shared messages, which is not supported", path);
      if (type == kLink || type == kLinkInfo) {
        refuse(
            "'{}' uses an unsupported version of HDF5; save the file in Keras, or in h5py with "
            "libver='earliest'",
            path);
      }
      found.push_back(message);
    }
  }
  const auto table = std::find_if(found.begin(), found.end(), [](const Message& m) { return m.type == kSymbolTable; });
  objects_.push_back({path, table != found.end()});
  if (table == found.end()) return;
  Cursor group(table->data, *this);
  const auto tree = group.number();
  add_members(path, tree, group.number(), depth);
}

void Hdf5File::add_members(const std::string& path, uint64_t tree, uint64_t heap, int depth) {
  Cursor names = at(heap, "HEAP");
  names.skip(4);
  const auto name_bytes = names.number();
  names.skip(8);
  const Bytes all_names = part(names.number(), name_bytes);
  std::vector<uint64_t> nodes = {tree};
  while (!nodes.empty()) {
    const uint64_t offset = nodes.back();
    nodes.pop_back();
    count_step();
    if (std::memcmp(part(offset, 4).data(), "TREE", 4) == 0) {
      Cursor node = at(offset, "TREE");
      const auto type = node.number<uint8_t>();
      node.skip(1);
      const auto count = node.number<uint16_t>();
      if (type != 0) refuse("not a readable HDF5 file: it is damaged");
      node.skip(2 * 8);
      std::vector<uint64_t> children;
      for (int i = 0; i < count; ++i) {
        node.skip(8);
        children.push_back(node.number());
      }
      if (nodes.size() + children.size() > kMostHdf5Steps)
        refuse("too many objects; the file is damaged, or is not a file of weights");
      nodes.insert(nodes.end(), children.rbegin(), children.rend());
      continue;
    }
    Cursor node = at(offset, "SNOD");
    node.skip(2);
    const auto count = node.number<uint16_t>();
    for (int i = 0; i < count; ++i) {
      const auto name_at = node.number(), header = node.number();
      const auto kind = node.number<uint32_t>();
      node.skip(4 + 16);
      if (name_at >= all_names.size()) refuse("not a readable HDF5 file: it is damaged");
      const Bytes rest = all_names.subspan(name_at);
      const auto end = std::find(rest.begin(), rest.end(), std::byte{0});
      const std::string name(reinterpret_cast<const char*>(rest.data()), static_cast<size_t>(end - rest.begin()));
      if (end == rest.end() || name.empty() || name.size() > kMostHdf5NameBytes) {
        refuse("not a readable HDF5 file: the name of an object is damaged");
      }
      std::string inner = path.empty() ? name : path + "/" + name;
      constexpr uint32_t kSymbolicLink = 2;
      if (kind == kSymbolicLink) refuse("'{}' is a link, which is not supported", inner);
      if (headers_.contains(inner)) refuse("there are two objects '{}'", inner);
      add_object(inner, header, depth + 1);
    }
  }
}

const std::vector<Hdf5File::Message>& Hdf5File::messages(const std::string& path) const {
  const auto found = headers_.find(path);
  if (found == headers_.end()) refuse("'{}' is missing", path);
  return found->second;
}

std::vector<int64_t> Hdf5File::parse_shape(Bytes space) const {
  Cursor cursor(space, *this);
  const auto version = cursor.number<uint8_t>(), rank = cursor.number<uint8_t>();
  if (version < 1 || version > 2 || rank > 8) refuse("unsupported dataspace with {} axes", rank);
  cursor.skip(version == 1 ? 6 : 2);
  std::vector<int64_t> shape;
  for (int i = 0; i < rank; ++i) shape.push_back(static_cast<int64_t>(cursor.number()));
  return shape;
}

Hdf5File::Type Hdf5File::parse_type(Bytes type) const {
  Cursor cursor(type, *this);
  const auto kind = cursor.number<uint8_t>(), flags = cursor.number<uint8_t>();
  cursor.skip(2);
  Type to{.bytes = cursor.number<uint32_t>()};
  switch (kind & 15) {
    case 1: {  // bit offset and precision; place and size of exponent and fraction
      cursor.skip(2);
      const auto bits = cursor.number<uint16_t>();
      cursor.skip(1);
      const auto exponent = cursor.number<uint8_t>();
      const bool big_endian = (flags & 1) != 0;
      const std::pair<ElementType, std::pair<int, int>> known[] = {{ElementType::f16, {16, 5}},
                                                                   {ElementType::bf16, {16, 8}},
                                                                   {ElementType::f32, {32, 8}},
                                                                   {ElementType::f64, {64, 11}}};
      for (const auto& [element, sizes] : known) {
        if (big_endian || bits != sizes.first || exponent != sizes.second || to.bytes * 8 != bits) continue;
        to.element = element;
        to.kind = Type::number;
      }
      break;
    }
    case 3: to.kind = Type::text; break;
    case 9: to.kind = (flags & 15) == 1 && to.bytes == 16 ? Type::heap_texts : Type::other; break;
    default: break;
  }
  return to;
}

std::vector<int64_t> Hdf5File::shape(const std::string& path) const {
  for (const Message& message : messages(path)) {
    if (message.type == kDataspace) return parse_shape(message.data);
  }
  refuse("'{}' is not an array", path);
}

NamedTensor Hdf5File::read(const std::string& path) {
  NamedTensor tensor{path, {}, {}};
  Type type;
  Bytes data;
  bool has_data = false, has_shape = false;
  for (const Message& message : messages(path)) {
    if (message.type == kFilters || message.type == kExternalFiles) {
      refuse("the array '{}' is compressed or stored in an external file, which is not supported", path);
    }
    if (message.type == kDataspace) {
      tensor.shape = parse_shape(message.data);
      has_shape = true;
    } else if (message.type == kDatatype) {
      type = parse_type(message.data);
    } else if (message.type == kLayout) {
      Cursor cursor(message.data, *this);
      const auto version = cursor.number<uint8_t>(), kind = cursor.number<uint8_t>();
      if (version != 3 || kind > 1) refuse("the array '{}' is stored in chunks, which is not supported", path);
      if (kind == 0) {
        data = cursor.take(cursor.number<uint16_t>());
      } else {
        const auto offset = cursor.number();
        data = part(offset, cursor.number());
      }
      has_data = true;
    }
  }
  if (!has_data || !has_shape) refuse("'{}' is not an array", path);
  if (type.kind != Type::number) refuse("the array '{}' does not hold floats", path);
  const int64_t count = checked_element_count(path, tensor.shape);
  if (data.size() != static_cast<size_t>(count) * type.bytes) {
    refuse("the array '{}' of shape {} has {} bytes; expected {}", path, to_string(tensor.shape), data.size(),
           static_cast<size_t>(count) * type.bytes);
  }
  elements_ += count;
  if (elements_ > kMostHdf5Elements) refuse("the arrays have too many values");
  tensor.type = type.element;
  tensor.values = convert_elements<float>(data, type.element);
  return tensor;
}

std::string Hdf5File::heap_text(Bytes reference) {
  Cursor cursor(reference, *this);
  const auto size = cursor.number<uint32_t>();
  const auto heap = cursor.number();
  const auto wanted = cursor.number<uint32_t>();
  if (size == 0) return {};
  if (size > kMostHdf5TextBytes) refuse("a text has {} bytes, which is too long", size);
  Cursor head = at(heap, "GCOL");
  head.skip(4);
  const auto heap_bytes = head.number();
  constexpr uint64_t kHeadBytes = 16;
  if (heap_bytes < kHeadBytes) refuse("not a readable HDF5 file: it is damaged");
  Cursor objects(part(heap + kHeadBytes, heap_bytes - kHeadBytes), *this);
  for (;;) {
    count_step();
    const auto index = objects.number<uint16_t>();
    objects.skip(2 + 4);
    const auto bytes = objects.number();
    if (index == 0 || bytes > kMostHdf5TextBytes) refuse("not a readable HDF5 file: a text is missing");
    const Bytes data = objects.take(rounded_to_eight(bytes));
    if (index != wanted) continue;
    if (size > bytes) refuse("not a readable HDF5 file: a text is cut off");
    return {reinterpret_cast<const char*>(data.data()), size};
  }
}

std::vector<std::string> Hdf5File::texts(const std::string& path, std::string_view attribute) {
  for (const Message& message : messages(path)) {
    if (message.type != kAttribute) continue;
    Cursor cursor(message.data, *this);
    const auto version = cursor.number<uint8_t>();
    if (version < 1 || version > 3 || (cursor.number<uint8_t>() != 0 && version > 1)) continue;
    const auto name_bytes = cursor.number<uint16_t>(), type_bytes = cursor.number<uint16_t>(),
               space_bytes = cursor.number<uint16_t>();
    if (version == 3) cursor.skip(1);
    const auto take = [&](size_t bytes) {
      return cursor.take(version == 1 ? rounded_to_eight(bytes) : bytes).first(bytes);
    };
    const Bytes name = take(name_bytes);
    const std::string_view called(reinterpret_cast<const char*>(name.data()), name.size());
    if (called.substr(0, called.find('\0')) != attribute) continue;
    const Type type = parse_type(take(type_bytes));
    const std::vector<int64_t> shape = parse_shape(take(space_bytes));
    const int64_t count = checked_element_count(path + "." + std::string(attribute), shape);
    if (count == 0) return {};
    if (type.kind != Type::text && type.kind != Type::heap_texts) {
      refuse("the attribute '{}' of '{}' is not text", attribute, path);
    }
    std::vector<std::string> list;
    size_t text_bytes = 0;
    for (int64_t i = 0; i < count; ++i) {
      const Bytes data = cursor.take(type.bytes);
      if (type.bytes == 0) refuse("the attribute '{}' of '{}' is damaged", attribute, path);
      if (type.kind == Type::heap_texts) {
        list.push_back(heap_text(data));
        text_bytes += list.back().size();
        if (text_bytes > kMostHdf5TextBytes) refuse("the attribute '{}' of '{}' is too long", attribute, path);
        continue;
      }
      const std::string_view text(reinterpret_cast<const char*>(data.data()), data.size());
      list.emplace_back(text.substr(0, std::min(text.find('\0'), text.size())));
    }
    return list;
  }
  return {};
}

}  // namespace fsrcnn
