#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/atomic_output.hpp"
#include "network/network.hpp"

namespace fsrcnn {

/// A folder of vectors in the making.
class VectorFolder {
 public:
  explicit VectorFolder(const std::filesystem::path& folder) : output_(folder, AtomicOutput::Kind::folder) {}

  std::filesystem::path path(const std::string& name) const { return output_.temporary() / name; }
  void write(const std::string& name, std::string_view text) const;
  void write_json(const std::string& name, const nlohmann::ordered_json& json) const;
  void commit() { output_.commit(); }

 private:
  AtomicOutput output_;
};

/// What stands between the quotes of a string in C and in Verilog; other characters become '_'.
std::string c_string(std::string name);

/// A layer's padding as the programs have it: of a transposed convolution counted from the input without its border.
Pair program_padding(const Layer& layer);

/// "02_shrinking": how a layer's files begin.
std::string layer_file_name(const Network& network, size_t index);

}  // namespace fsrcnn
