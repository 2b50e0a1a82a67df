#include <span>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "network/formats/pytorch.hpp"
#include "network/formats/zip_archive.hpp"

namespace fsrcnn {
namespace {

/// Writes the few instructions that a state_dict needs, in protocol 2.
class PickleWriter {
 public:
  /// With metadata beside the tensors: {"state_dict": ..., "metadata": ...}.
  std::vector<std::byte> write(const StateDict& state_dict) {
    append("\x80\x02");
    const auto has = [&](const char* key) { return state_dict.metadata.contains(key); };
    const bool beside = has("layers") || has("quantisation") || has("output_clip");
    if (beside) {
      append("}(");
      text("metadata");
      append("}(");
      for (const auto& [key, value] : state_dict.metadata) {
        text(key);
        text(value);
      }
      append("u");
      text("state_dict");
    }
    write_tensors(state_dict);
    append(beside ? "u." : ".");
    return bytes_;
  }

 private:
  void write_tensors(const StateDict& state_dict) {
    empty_ordered_dict();
    append("(");
    for (size_t i = 0; i < state_dict.tensors.size(); ++i) {
      const NamedTensor& tensor = state_dict.tensors[i];
      text(tensor.name);
      append("ctorch._utils\n_rebuild_tensor_v2\n((");
      text("storage");
      append("ctorch\nFloatStorage\n");
      text(std::to_string(i));
      text("cpu");
      integer(static_cast<int64_t>(tensor.values.size()));
      append("tQ");
      integer(0);
      std::vector<int64_t> stride(tensor.shape.size(), 1);
      for (size_t axis = stride.size(); axis-- > 1;) stride[axis - 1] = stride[axis] * tensor.shape[axis];
      tuple(tensor.shape);
      tuple(stride);
      append("\x89");
      empty_ordered_dict();
      append("tR");
    }
    append("u");
  }

  void append(std::string_view instructions) {
    const Bytes bytes = as_bytes(instructions);
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void word(uint32_t value) { append({reinterpret_cast<const char*>(&value), sizeof(value)}); }
  void text(std::string_view value) {
    append("X");
    word(static_cast<uint32_t>(value.size()));
    append(value);
  }
  void integer(int64_t value) {
    append("J");
    word(static_cast<uint32_t>(value));
  }
  void tuple(const std::vector<int64_t>& values) {
    append("(");
    for (const int64_t value : values) integer(value);
    append("t");
  }
  void empty_ordered_dict() { append("ccollections\nOrderedDict\n)R"); }

  std::vector<std::byte> bytes_;
};

}  // namespace

std::vector<std::byte> format_pytorch(const StateDict& state_dict) {
  const auto to_vector = [](Bytes bytes) { return std::vector<std::byte>(bytes.begin(), bytes.end()); };
  std::vector<std::pair<std::string, std::vector<std::byte>>> entries;
  entries.emplace_back("archive/data.pkl", PickleWriter().write(state_dict));
  entries.emplace_back("archive/byteorder", to_vector(as_bytes("little")));
  for (size_t i = 0; i < state_dict.tensors.size(); ++i) {
    const auto values = std::as_bytes(std::span(state_dict.tensors[i].values));
    entries.emplace_back(fmt::format("archive/data/{}", i), to_vector(values));
  }
  entries.emplace_back("archive/version", to_vector(as_bytes("3\n")));
  return write_zip(entries);
}

}  // namespace fsrcnn
