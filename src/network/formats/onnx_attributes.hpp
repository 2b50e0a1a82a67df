#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "network/formats/onnx_graph.hpp"

namespace fsrcnn {

/// Throws Error(model) that names the file and the node.
template <class... Args>
[[noreturn]] void refuse_node(const std::string& source, const OnnxNode& node, fmt::format_string<Args...> text,
                              Args&&... args) {
  fail(ErrorCode::model, "{}: {} '{}' {}", source, node.op, node.name, fmt::format(text, std::forward<Args>(args)...));
}

/// A node's attributes. All must have names and types that the reader knows, because an ignored attribute could change
/// the result.
class OnnxAttributes {
 public:
  OnnxAttributes(const OnnxNode& node, const std::string& source, std::initializer_list<std::string_view> known);

  bool has(std::string_view name) const { return find(name, OnnxAttribute::none) != nullptr; }
  int64_t integer(std::string_view name, int64_t otherwise) const;
  double number(std::string_view name, double otherwise) const;
  std::string text(std::string_view name, const std::string& otherwise) const;
  /// As many as expected, or any number of them.
  std::vector<int64_t> integers(std::string_view name, std::vector<int64_t> otherwise) const;
  std::vector<int64_t> integers(std::string_view name, std::vector<int64_t> otherwise, size_t count) const;
  std::vector<float> numbers(std::string_view name) const;

  /// Refuses any other value than this one, which has no effect.
  void require(std::string_view name, int64_t expected) const;
  void require(std::string_view name, const std::string& expected) const;

 private:
  /// nullptr if missing. Refuses an attribute of another type; none: any type.
  const OnnxAttribute* find(std::string_view name, int64_t type) const;

  const OnnxNode& node_;
  const std::string& source_;
};

// For readers that translate other graphs to ONNX's.
OnnxAttribute onnx_attribute(const char* name, int64_t value);
OnnxAttribute onnx_attribute(const char* name, std::vector<int64_t> values);
OnnxAttribute onnx_text(const char* name, const std::string& value);

}  // namespace fsrcnn
