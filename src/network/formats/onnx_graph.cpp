#include "network/formats/onnx_graph.hpp"

#include <charconv>
#include <span>
#include <utility>

#include "base/error.hpp"
#include "network/formats/protobuf.hpp"
#include "network/state_dict.hpp"

namespace fsrcnn {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

constexpr auto kBytes = kProtobufBytes;
constexpr size_t kMostExternalBytes = 256 << 20, kMostGraphElements = 64 << 20, kMostTensorAxes = 8;

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

class ModelProtoParser {
 public:
  ModelProtoParser(std::string source, const ReadBeside& read_beside)
      : source_(std::move(source)), read_beside_(read_beside) {}

  OnnxGraph parse(Bytes bytes) {
    pbf_reader model(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    bool has_graph = false;
    while (model.next()) {
      if (model.tag_and_type() == tag(7, kBytes)) {
        parse_graph(model.get_message());
        has_graph = true;
      } else if (model.tag_and_type() == tag(8, kBytes)) {
        parse_opset(model.get_message());
      } else if (model.tag_and_type() == tag(14, kBytes)) {
        add_entry(model.get_message(), graph_.metadata);
      } else {
        model.skip();
      }
    }
    if (!has_graph) fail(ErrorCode::model, "{}: not a readable ONNX model: it has no graph", source_);
    if (graph_.opset < 1) fail(ErrorCode::model, "{}: it does not state the version of its operators (opset)", source_);
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

  /// The part of the external data file that the tensor's external_data gives.
  Bytes read_external(const std::string& name, const std::map<std::string, std::string>& data) {
    const auto number = [&](const char* key, size_t otherwise) {
      const auto found = data.find(key);
      if (found == data.end()) return otherwise;
      const std::string& text = found->second;
      size_t value = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (error != std::errc{} || end != text.data() + text.size()) {
        fail(ErrorCode::model, "{}: the {} of tensor '{}' in its external data file is '{}', which is not a size",
             source_, key, name, text.substr(0, 40));
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
           "{}: tensor '{}' should be {} bytes at offset {} of '{}', which has {} bytes; does that file belong to "
           "another model, or is it cut off?",
           source_, name, length, offset, file, whole.size());
    }
    count_external(length);
    return Bytes(whole).subspan(offset, length);
  }

  /// Many tensors may claim the same bytes, and many files may be named.
  void count_external(size_t bytes) {
    external_bytes_ += bytes;
    if (external_bytes_ > kMostExternalBytes) {
      fail(ErrorCode::model, "{}: its tensors have more than {} MiB of external data, which is not supported", source_,
           kMostExternalBytes >> 20);
    }
  }

  OnnxTensor parse_tensor(pbf_reader reader) {
    OnnxTensor tensor;
    int64_t type = 0;
    bool external = false;
    Bytes raw;
    std::map<std::string, std::string> external_data;
    std::vector<int64_t> integers;
    const auto read_integers = [&] {
      integers.clear();
      read_ints(reader, integers);
      tensor.values.insert(tensor.values.end(), integers.begin(), integers.end());
    };
    const auto read_numbers = [&](auto one, auto packed) {
      if (reader.wire_type() != kBytes) {
        tensor.values.push_back(static_cast<double>(one()));
        return;
      }
      for (const auto value : packed()) tensor.values.push_back(static_cast<double>(value));
    };
    while (reader.next()) {
      switch (reader.tag_and_type()) {
        case tag(1, pbf_wire_type::varint):
        case tag(1, kBytes): read_ints(reader, tensor.shape); break;
        case tag(2, pbf_wire_type::varint): type = reader.get_int64(); break;
        case tag(3, kBytes): fail(ErrorCode::model, "{}: it has tensors in segments, which is not supported", source_);
        case tag(4, pbf_wire_type::fixed32):
        case tag(4, kBytes):
          read_numbers([&] { return reader.get_float(); }, [&] { return reader.get_packed_float(); });
          break;
        case tag(5, pbf_wire_type::varint):  // int32_data and int64_data
        case tag(5, kBytes):
        case tag(7, pbf_wire_type::varint):
        case tag(7, kBytes): read_integers(); break;
        case tag(8, kBytes): tensor.name = read_string(reader); break;
        case tag(9, kBytes): {
          const protozero::data_view view = reader.get_view();
          raw = std::as_bytes(std::span(view.data(), view.size()));
          break;
        }
        case tag(10, pbf_wire_type::fixed64):
        case tag(10, kBytes):
          read_numbers([&] { return reader.get_double(); }, [&] { return reader.get_packed_double(); });
          break;
        case tag(11, pbf_wire_type::varint):
        case tag(11, kBytes):
          read_numbers([&] { return reader.get_uint64(); }, [&] { return reader.get_packed_uint64(); });
          break;
        case tag(13, kBytes): add_entry(reader.get_message(), external_data); break;
        case tag(14, pbf_wire_type::varint): external = reader.get_int64() == 1; break;
        default: reader.skip();
      }
      if (tensor.shape.size() > kMostTensorAxes) {
        fail(ErrorCode::model, "{}: tensor '{}' has more than {} axes", source_, tensor.name, kMostTensorAxes);
      }
    }
    const std::optional<ElementType> known = onnx_element_type(type);
    if (!known) {
      fail(ErrorCode::model,
           "{}: tensor '{}' has the unsupported element type {} of onnx.proto; export with float weights", source_,
           tensor.name, type);
    }
    tensor.type = *known;
    if (external) raw = read_external(tensor.name, external_data);
    const int64_t count = checked_element_count(tensor.name, tensor.shape);
    if (!raw.empty()) {
      if (raw.size() != static_cast<size_t>(count) * bytes_of(*known)) {
        fail(ErrorCode::model, "{}: tensor '{}' of shape {} should have {} bytes, but has {}", source_, tensor.name,
             to_string(tensor.shape), static_cast<size_t>(count) * bytes_of(*known), raw.size());
      }
      tensor.values = convert_elements<double>(raw, *known);
    } else if (*known == ElementType::f16 || *known == ElementType::bf16) {
      // int32_data has their bits.
      for (double& value : tensor.values) {
        const auto bits = static_cast<uint16_t>(static_cast<int64_t>(value));
        value = *known == ElementType::f16 ? from_half(bits) : from_bfloat16(bits);
      }
    }
    if (tensor.values.size() != static_cast<size_t>(count)) {
      fail(ErrorCode::model, "{}: tensor '{}' of shape {} needs {} values, but has {}", source_, tensor.name,
           to_string(tensor.shape), count, tensor.values.size());
    }
    elements_ += tensor.values.size();
    if (elements_ > kMostGraphElements) {
      fail(ErrorCode::model, "{}: its tensors have more than {} million values", source_, kMostGraphElements >> 20);
    }
    return tensor;
  }

  OnnxAttribute parse_attribute(pbf_reader reader) {
    OnnxAttribute a;
    int64_t told = OnnxAttribute::none;
    while (reader.next()) {
      int64_t found = OnnxAttribute::none;
      switch (reader.tag_and_type()) {
        case tag(1, kBytes): a.name = read_string(reader); break;
        case tag(2, pbf_wire_type::fixed32):
          a.number = reader.get_float();
          found = OnnxAttribute::number_;
          break;
        case tag(3, pbf_wire_type::varint):
          a.integer = reader.get_int64();
          found = OnnxAttribute::integer_;
          break;
        case tag(4, kBytes):
          a.text = read_string(reader);
          found = OnnxAttribute::text_;
          break;
        case tag(5, kBytes):
          a.tensor = parse_tensor(reader.get_message());
          found = OnnxAttribute::tensor_;
          break;
        case tag(7, pbf_wire_type::fixed32):
        case tag(7, kBytes):
          read_floats(reader, a.numbers);
          found = OnnxAttribute::numbers_;
          break;
        case tag(8, pbf_wire_type::varint):
        case tag(8, kBytes):
          read_ints(reader, a.integers);
          found = OnnxAttribute::integers_;
          break;
        case tag(20, pbf_wire_type::varint): told = reader.get_int64(); break;
        default: reader.skip();
      }
      if (found != OnnxAttribute::none) a.type = found;
    }
    // Files of the first versions omit it; writers may also omit empty lists and zeros.
    if (told != OnnxAttribute::none) a.type = told;
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
        case tag(7, kBytes): node.domain = read_string(reader); break;
        default: reader.skip();
      }
    }
    if (node.name.empty() && !node.outputs.empty()) node.name = node.outputs[0];
    return node;
  }

  /// A ValueInfoProto: a name, and in its type a tensor's element type and shape.
  static OnnxInput parse_value(pbf_reader reader) {
    OnnxInput value;
    while (reader.next()) {
      if (reader.tag_and_type() == tag(1, kBytes)) {
        value.name = read_string(reader);
      } else if (reader.tag_and_type() == tag(2, kBytes)) {
        parse_type(reader.get_message(), value);
      } else {
        reader.skip();
      }
    }
    return value;
  }
  static void parse_type(pbf_reader type, OnnxInput& value) {
    while (type.next()) {
      if (type.tag_and_type() != tag(1, kBytes)) {
        type.skip();
        continue;
      }
      pbf_reader tensor = type.get_message();
      while (tensor.next()) {
        if (tensor.tag_and_type() == tag(1, pbf_wire_type::varint)) {
          value.type = tensor.get_int64();
        } else if (tensor.tag_and_type() == tag(2, kBytes)) {
          pbf_reader shape = tensor.get_message();
          while (shape.next()) {
            if (shape.tag_and_type() != tag(1, kBytes)) {
              shape.skip();
              continue;
            }
            pbf_reader dimension = shape.get_message();
            value.shape.push_back(0);
            while (dimension.next()) {
              if (dimension.tag_and_type() == tag(1, pbf_wire_type::varint)) {
                value.shape.back() = std::max<int64_t>(0, dimension.get_int64());
              } else {
                dimension.skip();
              }
            }
          }
        } else {
          tensor.skip();
        }
      }
    }
  }

  void parse_graph(pbf_reader reader) {
    while (reader.next()) {
      switch (reader.tag_and_type()) {
        case tag(1, kBytes):
          graph_.nodes.push_back(parse_node(reader.get_message()));
          if (graph_.nodes.size() > kMostGraphNodes) {
            fail(ErrorCode::model, "{}: its graph has too many nodes", source_);
          }
          break;
        case tag(5, kBytes): {
          OnnxTensor tensor = parse_tensor(reader.get_message());
          const std::string name = tensor.name;
          graph_.constants[name] = std::move(tensor);
          break;
        }
        case tag(11, kBytes): graph_.inputs.push_back(parse_value(reader.get_message())); break;
        case tag(12, kBytes): graph_.outputs.push_back(parse_value(reader.get_message()).name); break;
        case tag(15, kBytes): fail(ErrorCode::model, "{}: it has sparse weights, which is not supported", source_);
        default: reader.skip();
      }
    }
  }

  /// An OperatorSetIdProto; of the operators of ONNX itself its version.
  void parse_opset(pbf_reader reader) {
    std::string domain;
    int64_t version = 0;
    while (reader.next()) {
      if (reader.tag_and_type() == tag(1, kBytes)) {
        domain = read_string(reader);
      } else if (reader.tag_and_type() == tag(2, pbf_wire_type::varint)) {
        version = reader.get_int64();
      } else {
        reader.skip();
      }
    }
    if (domain.empty() || domain == "ai.onnx") graph_.opset = version;
  }

  std::string source_;
  const ReadBeside& read_beside_;
  std::map<std::string, std::vector<std::byte>> beside_;
  size_t external_bytes_ = 0, elements_ = 0;
  OnnxGraph graph_;
};

}  // namespace

std::optional<ElementType> onnx_element_type(int64_t type) {
  switch (type) {
    case 1: return ElementType::f32;
    case 2: return ElementType::u8;
    case 3: return ElementType::i8;
    case 4: return ElementType::u16;
    case 5: return ElementType::i16;
    case 6: return ElementType::i32;
    case 7: return ElementType::i64;
    case 9: return ElementType::boolean;
    case 10: return ElementType::f16;
    case 11: return ElementType::f64;
    case 12: return ElementType::u32;
    case 13: return ElementType::u64;
    case 16: return ElementType::bf16;
    default: return std::nullopt;
  }
}

bool is_onnx_float(int64_t type) {
  const std::optional<ElementType> known = onnx_element_type(type);
  return known && is_float(*known);
}

OnnxGraph parse_onnx_graph(Bytes bytes, const std::string& source, const ReadBeside& read_beside) {
  try {
    return ModelProtoParser(source, read_beside).parse(bytes);
  } catch (const protozero::end_of_buffer_exception&) {
    fail(
        ErrorCode::model,
        "{}: not a readable ONNX model: it ends in the middle of a field, so it is cut off or not ONNX; copy or export "
        "it again",
        source);
  } catch (const protozero::exception& e) {
    fail(ErrorCode::model, "{}: not a readable ONNX model: it is damaged or not ONNX ({}); copy or export it again",
         source, e.what());
  }
}

}  // namespace fsrcnn
