#include "network/formats/safetensors.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/error.hpp"

namespace fsrcnn {
namespace {

using Json = nlohmann::json;

/// JSON takes some 25 times its size when it is parsed. An FSRCNN's header has 2 KiB, one of 500 tensors 60.
constexpr uint64_t kLargestHeaderBytes = 1 << 20;

static_assert(std::endian::native == std::endian::little, "files are little endian and are copied as they are");

struct Entry {
  NamedTensor tensor;
  uint64_t begin, end;
};

[[noreturn]] void fail_damaged(const std::string& source, const std::string& what) {
  fail(ErrorCode::model, "{}: not a readable safetensors file: {}", source, what);
}

uint64_t unsigned_number(const Json& value, const std::string& source, const std::string& what) {
  if (!value.is_number_unsigned()) fail_damaged(source, what + " is not an unsigned integer");
  return value.get<uint64_t>();
}

std::optional<ElementType> type_of_dtype(std::string_view dtype) {
  constexpr std::array<std::pair<std::string_view, ElementType>, 13> kTypes = {{{"F32", ElementType::f32},
                                                                                {"F16", ElementType::f16},
                                                                                {"BF16", ElementType::bf16},
                                                                                {"F64", ElementType::f64},
                                                                                {"U8", ElementType::u8},
                                                                                {"I8", ElementType::i8},
                                                                                {"U16", ElementType::u16},
                                                                                {"I16", ElementType::i16},
                                                                                {"U32", ElementType::u32},
                                                                                {"I32", ElementType::i32},
                                                                                {"U64", ElementType::u64},
                                                                                {"I64", ElementType::i64},
                                                                                {"BOOL", ElementType::boolean}}};
  const auto* found = std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& t) { return t.first == dtype; });
  return found == kTypes.end() ? std::nullopt : std::optional(found->second);
}

Entry parse_entry(const std::string& name, const Json& value, const std::string& source) {
  const std::string where = fmt::format("tensor '{}'", name);
  if (!value.is_object() || !value.contains("dtype") || !value.contains("shape") || !value.contains("data_offsets")) {
    fail_damaged(source, where + " lacks dtype, shape or data_offsets");
  }
  const Json &dtype = value["dtype"], &shape = value["shape"], &offsets = value["data_offsets"];
  if (!dtype.is_string()) fail_damaged(source, where + " has a dtype that is not a string");
  const std::optional<ElementType> type = type_of_dtype(dtype.get<std::string>());
  if (!type) {
    fail_damaged(source, fmt::format("{} has type {}; supported: F16, BF16, F32, F64 and integers", where,
                                     dtype.get<std::string>().substr(0, 40)));
  }
  if (!shape.is_array() || shape.size() > 8) {
    fail_damaged(source, where + " has a shape that is not a list of up to 8 extents");
  }
  if (!offsets.is_array() || offsets.size() != 2) fail_damaged(source, where + " does not have two data_offsets");

  Entry entry;
  entry.tensor.name = name;
  entry.tensor.type = *type;
  for (const Json& extent : shape) {
    const uint64_t value_of_extent = unsigned_number(extent, source, "an extent of " + where);
    entry.tensor.shape.push_back(static_cast<int64_t>(std::min<uint64_t>(value_of_extent, INT64_MAX)));
  }
  entry.begin = unsigned_number(offsets[0], source, "an offset of " + where);
  entry.end = unsigned_number(offsets[1], source, "an offset of " + where);
  const uint64_t bytes = bytes_of(*type) * static_cast<uint64_t>(checked_element_count(name, entry.tensor.shape));
  if (entry.end < entry.begin || entry.end - entry.begin != bytes) {
    fail_damaged(source, fmt::format("{} of shape {} needs {} bytes, but its offsets are {} to {}", where,
                                     to_string(entry.tensor.shape), bytes, entry.begin, entry.end));
  }
  return entry;
}

}  // namespace

StateDict parse_safetensors(Bytes bytes, const std::string& source) {
  uint64_t header_size = 0;
  if (bytes.size() < sizeof(header_size)) fail_damaged(source, "it ends before its header");
  std::memcpy(&header_size, bytes.data(), sizeof(header_size));
  bytes = bytes.subspan(sizeof(header_size));
  if (header_size > bytes.size()) {
    fail_damaged(source, fmt::format("its header should have {} bytes, but only {} follow", header_size, bytes.size()));
  }
  if (header_size > kLargestHeaderBytes) {
    fail_damaged(source, fmt::format("its header has {} bytes, more than is supported", header_size));
  }
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  const Json header = Json::parse(text, text + header_size, nullptr, /*allow_exceptions=*/false);
  if (!header.is_object()) fail_damaged(source, "its header is not a JSON object");
  const Bytes data = bytes.subspan(header_size);

  StateDict state_dict;
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name != "__metadata__") {
      entries.push_back(parse_entry(name, value, source));
      continue;
    }
    if (!value.is_object()) fail_damaged(source, "its __metadata__ is not a JSON object");
    for (const auto& [key, remark] : value.items()) {
      if (!remark.is_string()) fail_damaged(source, fmt::format("its __metadata__ '{}' is not a string", key));
      state_dict.metadata[key] = remark.get<std::string>();
    }
  }

  // The format allows neither gaps nor overlaps.
  std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.begin < b.begin; });
  uint64_t expected_begin = 0;
  for (Entry& entry : entries) {
    if (entry.begin != expected_begin || entry.end > data.size()) {
      fail_damaged(source, fmt::format("tensor '{}' lies at {} to {}, but should begin at {} and end within {} bytes",
                                       entry.tensor.name, entry.begin, entry.end, expected_begin, data.size()));
    }
    expected_begin = entry.end;
    entry.tensor.values =
        convert_elements<float>(data.subspan(entry.begin, entry.end - entry.begin), entry.tensor.type);
    state_dict.tensors.push_back(std::move(entry.tensor));
  }
  if (expected_begin != data.size()) {
    fail_damaged(source,
                 fmt::format("its tensors end at {}, but the file has {} bytes of data", expected_begin, data.size()));
  }
  return state_dict;
}

std::vector<std::byte> format_safetensors(const StateDict& state_dict) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  for (const auto& [key, remark] : state_dict.metadata) header["__metadata__"][key] = remark;
  uint64_t offset = 0;
  for (const NamedTensor& tensor : state_dict.tensors) {
    const uint64_t end = offset + sizeof(float) * tensor.values.size();
    header[tensor.name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // so that the data is aligned

  const uint64_t header_size = text.size();
  std::vector<std::byte> bytes(sizeof(header_size) + header_size + offset);
  std::byte* to = bytes.data();
  const auto append = [&](const void* from, size_t size) {
    if (size > 0) std::memcpy(to, from, size);
    to += size;
  };
  append(&header_size, sizeof(header_size));
  append(text.data(), text.size());
  for (const NamedTensor& tensor : state_dict.tensors) {
    append(tensor.values.data(), sizeof(float) * tensor.values.size());
  }
  return bytes;
}

}  // namespace fsrcnn
