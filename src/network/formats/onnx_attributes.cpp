#include "network/formats/onnx_attributes.hpp"

#include <algorithm>
#include <utility>

namespace fsrcnn {

OnnxAttributes::OnnxAttributes(const OnnxNode& node, const std::string& source,
                               std::initializer_list<std::string_view> known)
    : node_(node), source_(source) {
  for (const OnnxAttribute& a : node.attributes) {
    if (std::find(known.begin(), known.end(), a.name) == known.end()) {
      refuse_node(source, node, "has the attribute '{}', which is not supported", a.name);
    }
    const auto same = [&](const OnnxAttribute& other) { return other.name == a.name; };
    if (std::count_if(node.attributes.begin(), node.attributes.end(), same) > 1) {
      refuse_node(source, node, "has the attribute '{}' twice", a.name);
    }
  }
}

const OnnxAttribute* OnnxAttributes::find(std::string_view name, int64_t type) const {
  const auto found =
      std::find_if(node_.attributes.begin(), node_.attributes.end(), [&](const auto& a) { return a.name == name; });
  if (found == node_.attributes.end()) return nullptr;
  if (type != OnnxAttribute::none && found->type != type) {
    refuse_node(source_, node_, "has the attribute '{}' with a type other than ONNX's", name);
  }
  return &*found;
}

int64_t OnnxAttributes::integer(std::string_view name, int64_t otherwise) const {
  const OnnxAttribute* a = find(name, OnnxAttribute::integer_);
  return a == nullptr ? otherwise : a->integer;
}

double OnnxAttributes::number(std::string_view name, double otherwise) const {
  const OnnxAttribute* a = find(name, OnnxAttribute::number_);
  return a == nullptr ? otherwise : a->number;
}

std::string OnnxAttributes::text(std::string_view name, const std::string& otherwise) const {
  const OnnxAttribute* a = find(name, OnnxAttribute::text_);
  return a == nullptr ? otherwise : a->text;
}

std::vector<int64_t> OnnxAttributes::integers(std::string_view name, std::vector<int64_t> otherwise) const {
  const OnnxAttribute* a = find(name, OnnxAttribute::integers_);
  return a == nullptr ? std::move(otherwise) : a->integers;
}

std::vector<int64_t> OnnxAttributes::integers(std::string_view name, std::vector<int64_t> otherwise,
                                              size_t count) const {
  const std::vector<int64_t> values = integers(name, std::move(otherwise));
  if (values.size() != count) {
    refuse_node(source_, node_, "has {} values of '{}'; a network of pictures needs {}", values.size(), name, count);
  }
  return values;
}

std::vector<float> OnnxAttributes::numbers(std::string_view name) const {
  const OnnxAttribute* a = find(name, OnnxAttribute::numbers_);
  return a == nullptr ? std::vector<float>() : a->numbers;
}

void OnnxAttributes::require(std::string_view name, int64_t expected) const {
  const int64_t value = integer(name, expected);
  if (value != expected) {
    refuse_node(source_, node_, "has {} {}, but only {} is supported", name, value, expected);
  }
}

void OnnxAttributes::require(std::string_view name, const std::string& expected) const {
  const std::string value = text(name, expected);
  if (value != expected) {
    refuse_node(source_, node_, "has {} '{}', but only '{}' is supported", name, value, expected);
  }
}

OnnxAttribute onnx_attribute(const char* name, int64_t value) {
  OnnxAttribute a{name, OnnxAttribute::integer_};
  a.integer = value;
  return a;
}
OnnxAttribute onnx_attribute(const char* name, std::vector<int64_t> values) {
  OnnxAttribute a{name, OnnxAttribute::integers_};
  a.integers = std::move(values);
  return a;
}
OnnxAttribute onnx_text(const char* name, const std::string& value) {
  OnnxAttribute a{name, OnnxAttribute::text_};
  a.text = value;
  return a;
}

}  // namespace fsrcnn
