#include "model/formats/onnx_graph.hpp"

#include <bit>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/error.hpp"
#include "model/formats/protobuf.hpp"

namespace fsrcnn {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

static_assert(std::endian::native == std::endian::little, "raw_data is little endian and is copied as it is");

constexpr auto kBytes = kProtobufBytes;
constexpr size_t kMostExternalBytes = 256 << 20;

/// A field of repeated numbers, packed or one at a time.
void read_ints(pbf_reader& reader, std::vector<int64_t>& values) {
  if (reader.wire_type() == pbf_wire_type::varint) {
    values.push_back(reader.get_int64());
    return;
  }
  for (const int64_t value : reader.get_packed_int64()) values.push_back(value);
}
void read_floats(pbf_reader& reader, std::vector<float>& values) {
  if (reader.wire_type() == pbf_wire_type::fixed32) {
    values.push_back(reader.get_float());
    return;
  }
  for (const float value : reader.get_packed_float()) values.push_back(value);
}

class Parser {
 public:
  Parser(std::string source, const ReadBeside& read_beside) : source_(std::move(source)), read_beside_(read_beside) {}

  OnnxGraph parse(Bytes bytes) {
    pbf_reader model(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    bool has_graph = false;
    while (model.next()) {
      if (model.tag_and_type() == tag(7, kBytes)) {
        parse_graph(model.get_message());
        has_graph = true;
      } else if (model.tag_and_type() == tag(14, kBytes)) {
        add_entry(model.get_message(), graph_.metadata);
      } else {
        model.skip();
      }
    }
    if (!has_graph) fail(ErrorCode::model, "{}: not a readable ONNX model: there is no graph in it", source_);
    return std::move(graph_);
  }

 private:
  /// A StringStringEntryProto.
  static void add_entry(pbf_reader reader, std::map<std::string, std::string>& entries) {
    std::string key, value;
    while (reader.next()) {
      if (reader.tag_and_type() == tag(1, kBytes)) {
        key = read_string(reader);
      } else if (reader.tag_and_type() == tag(2, kBytes)) {
        value = read_string(reader);
      } else {
        reader.skip();
      }
    }
    entries[key] = std::move(value);
  }

  /// The part of the file beside the model that the tensor's external_data tell.
  Bytes read_external(const std::string& name, const std::map<std::string, std::string>& data) {
    const auto number = [&](const char* key, size_t otherwise) {
      const auto found = data.find(key);
      if (found == data.end()) return otherwise;
      const std::string& text = found->second;
      size_t value = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (error != std::errc{} || end != text.data() + text.size()) {
        fail(ErrorCode::model, "{}: the {} of tensor '{}' in its other file is '{}', which is no size", source_, key,
             name, text.substr(0, 40));
      }
      return value;
    };
    const auto location = data.find("location");
    const std::string file = location == data.end() ? "" : location->second;
    if (!beside_.contains(file)) {
      beside_[file] = read_beside_(file);
      count_external(beside_[file].size());
    }
    const std::vector<std::byte>& whole = beside_[file];
    const size_t offset = number("offset", 0), most = whole.size() - std::min(offset, whole.size());
    const size_t length = number("length", most);
    if (offset > whole.size() || length > most) {
      fail(ErrorCode::model,
           "{}: tensor '{}' should be {} bytes from byte {} on of '{}', which has {} bytes; is it another model's, or "
           "cut off?",
           source_, name, length, offset, file, whole.size());
    }
    count_external(length);
    return Bytes(whole).subspan(offset, length);
  }

  /// Many tensors may claim the same bytes, and many files may be named.
  void count_external(size_t bytes) {
    external_bytes_ += bytes;
    if (external_bytes_ > kMostExternalBytes) {
      fail(ErrorCode::model, "{}: its tensors have more than {} MiB in other files, which no FSRCNN has", source_,
           kMostExternalBytes >> 20);
    }
  }

  OnnxTensor parse_tensor(pbf_reader reader) {
    OnnxTensor tensor;
    auto type = OnnxType{0};
    bool external = false;
    Bytes raw;
    std::map<std::string, std::string> external_data;
    while (reader.next()) {
      switch (reader.tag_and_type()) {
        case tag(1, pbf_wire_type::varint):
        case tag(1, kBytes): read_ints(reader, tensor.floats.shape); break;
        case tag(2, pbf_wire_type::varint): type = OnnxType{reader.get_int64()}; break;
        case tag(4, pbf_wire_type::fixed32):
        case tag(4, kBytes): read_floats(reader, tensor.floats.values); break;
        case tag(7, pbf_wire_type::varint):
        case tag(7, kBytes): read_ints(reader, tensor.integers); break;
        case tag(8, kBytes): tensor.floats.name = read_string(reader); break;
        case tag(9, kBytes): {
          const protozero::data_view view = reader.get_view();
          raw = std::as_bytes(std::span(view.data(), view.size()));
          break;
        }
        case tag(13, kBytes): add_entry(reader.get_message(), external_data); break;
        case tag(14, pbf_wire_type::varint): external = reader.get_int64() == 1; break;
        default: reader.skip();
      }
    }
    const std::string& name = tensor.floats.name;
    if (external) raw = read_external(name, external_data);
    const int64_t count = checked_element_count(name, tensor.floats.shape);
    const auto check = [&](size_t got, size_t element) {
      if (got != static_cast<size_t>(count) * element) {
        fail(ErrorCode::model, "{}: tensor '{}' of shape {} should have {} bytes, but has {}", source_, name,
             to_string(tensor.floats.shape), static_cast<size_t>(count) * element, got);
      }
    };
    if (type == OnnxType::float32) {
      if (!raw.empty()) {
        check(raw.size(), sizeof(float));
        tensor.floats.values.resize(count);
        std::memcpy(tensor.floats.values.data(), raw.data(), raw.size());
      }
      check(tensor.floats.values.size() * sizeof(float), sizeof(float));
    } else if (type == OnnxType::int64 && !raw.empty()) {
      check(raw.size(), sizeof(int64_t));
      tensor.integers.resize(count);
      std::memcpy(tensor.integers.data(), raw.data(), raw.size());
    }
    return tensor;
  }

  OnnxAttribute parse_attribute(pbf_reader reader) {
    OnnxAttribute a;
    while (reader.next()) {
      switch (reader.tag_and_type()) {
        case tag(1, kBytes): a.name = read_string(reader); break;
        case tag(2, pbf_wire_type::fixed32): a.number = reader.get_float(); break;
        case tag(3, pbf_wire_type::varint): a.integer = reader.get_int64(); break;
        case tag(4, kBytes): a.text = read_string(reader); break;
        case tag(5, kBytes): a.tensor = parse_tensor(reader.get_message()); break;
        case tag(7, pbf_wire_type::fixed32):
        case tag(7, kBytes): read_floats(reader, a.floats); break;
        case tag(8, pbf_wire_type::varint):
        case tag(8, kBytes): read_ints(reader, a.integers); break;
        default: reader.skip();
      }
    }
    return a;
  }

  OnnxNode parse_node(pbf_reader reader) {
    OnnxNode node;
    while (reader.next()) {
      switch (reader.tag_and_type()) {
        case tag(1, kBytes): node.inputs.push_back(read_string(reader)); break;
        case tag(2, kBytes): node.outputs.push_back(read_string(reader)); break;
        case tag(3, kBytes): node.name = read_string(reader); break;
        case tag(4, kBytes): node.op = read_string(reader); break;
        case tag(5, kBytes): node.attributes.push_back(parse_attribute(reader.get_message())); break;
        default: reader.skip();
      }
    }
    return node;
  }

  void parse_graph(pbf_reader reader) {
    while (reader.next()) {
      switch (reader.tag_and_type()) {
        case tag(1, kBytes):
          graph_.nodes.push_back(parse_node(reader.get_message()));
          if (graph_.nodes.size() > kMostGraphNodes)
            fail(ErrorCode::model, "{}: its graph has too many nodes", source_);
          break;
        case tag(5, kBytes): {
          OnnxTensor tensor = parse_tensor(reader.get_message());
          const std::string name = tensor.floats.name;
          graph_.constants[name] = std::move(tensor);
          break;
        }
        case tag(11, kBytes): {
          pbf_reader input = reader.get_message();
          while (input.next()) {
            if (input.tag_and_type() == tag(1, kBytes)) {
              graph_.inputs.push_back(read_string(input));
            } else {
              input.skip();
            }
          }
          break;
        }
        default: reader.skip();
      }
    }
  }

  std::string source_;
  const ReadBeside& read_beside_;
  std::map<std::string, std::vector<std::byte>> beside_;
  size_t external_bytes_ = 0;
  OnnxGraph graph_;
};

}  // namespace

OnnxGraph parse_onnx_graph(Bytes bytes, const std::string& source, const ReadBeside& read_beside) {
  try {
    return Parser(source, read_beside).parse(bytes);
  } catch (const protozero::exception& e) {
    fail(ErrorCode::model, "{}: not a readable ONNX model: {}", source, e.what());
  }
}

}  // namespace fsrcnn
