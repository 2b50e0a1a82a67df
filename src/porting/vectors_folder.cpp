#include "porting/vectors_folder.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "porting/trace.hpp"

namespace fsrcnn {

void VectorFolder::write(const std::string& name, std::string_view text) const {
  write_file_directly(path(name), as_bytes(text));
}

void VectorFolder::write_json(const std::string& name, const nlohmann::ordered_json& json) const {
  write(name, json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

std::string c_string(std::string name) {
  for (char& c : name) {
    if (c < ' ' || c > '~' || c == '"' || c == '\\' || c == '%') c = '_';
  }
  return name;
}

Pair program_padding(const Layer& layer) {
  if (layer.op != Layer::Op::transposed_convolution) return layer.conv.padding;
  const ConvTranspose2dParams& p = layer.conv_transpose;
  return {p.padding.h - layer.border * p.stride.h, p.padding.w - layer.border * p.stride.w};
}

std::string layer_file_name(const Network& network, size_t index) {
  return fmt::format("{:02}_{}", index + 1, dump_name(network.layers[index].name, ""));
}

}  // namespace fsrcnn
