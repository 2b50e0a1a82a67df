#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "network/formats/hdf5.hpp"
#include "network/state_dict.hpp"

namespace fsrcnn {

/// Finds the tensors of each layer in an HDF5 file of Keras. Files of whole models and of Keras 2 have names; those of
/// Keras 3 have numbers, with the layers' names as an attribute. Throws Error(model) naming `source`.
class KerasWeights {
 public:
  KerasWeights(Hdf5File& file, const std::string& source);

  /// Early files of Keras 3 have no names: their groups have the names of the layers' classes, with numbers.
  void name_groups(const nlohmann::json& model);

  /// A layer's "kernel", "bias" or "alpha".
  NamedTensor read(const std::string& layer, const std::string& role);

  /// All tensors in PyTorch's order of axes, with the names of their layers.
  StateDict state_dict();

 private:
  struct Tensor {
    std::string layer, role, path;
  };

  void add(const std::string& layer, const std::string& role, const std::string& path);
  /// "layers/conv2d", with "vars/0" in it.
  void add_numbered(const std::string& group, const std::string& path);

  Hdf5File& file_;
  const std::string& source_;
  std::vector<Tensor> found_;
  bool has_names_ = false;
};

}  // namespace fsrcnn
