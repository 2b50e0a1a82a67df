#include "network/formats/keras_weights.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <regex>
#include <utility>

#include "base/error.hpp"

namespace fsrcnn {
namespace {

/// "kernel" of "conv2d/kernel:0".
std::string leaf_of(const std::string& path) {
  std::string leaf = path.substr(path.rfind('/') + 1);
  return leaf.substr(0, leaf.find(':'));
}

}  // namespace

KerasWeights::KerasWeights(Hdf5File& file, const std::string& source) : file_(file), source_(source) {
  const std::string root = file.has("model_weights") ? "model_weights/" : "";
  std::vector<std::string> order = file.texts(root.empty() ? "" : "model_weights", "layer_names");
  for (const Hdf5File::Object& object : file.objects()) {
    if (object.is_group || !object.path.starts_with(root) || object.path.starts_with("optimizer")) continue;
    const std::string path = object.path.substr(root.size());
    const size_t vars = path.rfind("/vars/");
    if (vars != path.npos) {
      add_numbered(object.path.substr(0, vars + root.size()), object.path);
    } else {
      has_names_ = true;
      add(path.substr(0, path.find('/')), leaf_of(path), object.path);
    }
  }
  if (order.empty()) return;
  // In the model's order.
  std::stable_sort(found_.begin(), found_.end(), [&](const Tensor& a, const Tensor& b) {
    const auto place = [&](const Tensor& t) { return std::find(order.begin(), order.end(), t.layer) - order.begin(); };
    return place(a) < place(b);
  });
}

void KerasWeights::name_groups(const nlohmann::json& model) {
  if (has_names_ || !model.contains("config") || !model["config"].is_object()) return;
  std::map<std::string, std::string> names;
  std::map<std::string, int> seen;
  for (const nlohmann::json& layer : model["config"].value("layers", nlohmann::json::array())) {
    std::string group = layer.value("class_name", "").substr(0, 100);
    group = std::regex_replace(group, std::regex("(.)([A-Z][a-z]+)"), "$1_$2");
    group = std::regex_replace(group, std::regex("([a-z])([A-Z])"), "$1_$2");
    for (char& c : group) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const int number = seen[group]++;
    if (number > 0) group += "_" + std::to_string(number);
    names[group] = layer.contains("name") ? layer.value("name", "") : layer.at("config").value("name", "");
  }
  for (Tensor& tensor : found_) {
    if (const auto name = names.find(tensor.layer); name != names.end()) tensor.layer = name->second;
  }
}

NamedTensor KerasWeights::read(const std::string& layer, const std::string& role) {
  std::string path;
  for (const Tensor& tensor : found_) {
    if (tensor.layer != layer || tensor.role != role) continue;
    if (!path.empty()) fail(ErrorCode::model, "{}: the layer '{}' has two tensors '{}'", source_, layer, role);
    path = tensor.path;
  }
  if (path.empty()) fail(ErrorCode::model, "{}: the {} of the layer '{}' is missing", source_, role, layer);
  return file_.read(path);
}

StateDict KerasWeights::state_dict() {
  StateDict result;
  for (const Tensor& from : found_) {
    NamedTensor tensor = file_.read(from.path);
    tensor.name = from.layer + "." + (from.role == "kernel" ? "weight" : from.role);
    std::vector<int64_t>& s = tensor.shape;
    if (from.role == "kernel" && s.size() == 4) {
      const std::vector<float> values = tensor.values;
      const int64_t h = s[0], w = s[1], a = s[2], b = s[3];
      for (int64_t p = 0; p < h * w; ++p)
        for (int64_t i = 0; i < a; ++i)
          for (int64_t o = 0; o < b; ++o)
            tensor.values[static_cast<size_t>((o * a + i) * h * w + p)] =
                values[static_cast<size_t>((p * a + i) * b + o)];
      s = {b, a, h, w};
    } else if (from.role == "alpha") {
      if (s.size() == 3 && (s[0] != 1 || s[1] != 1)) {
        fail(ErrorCode::model,
             "{}: PReLU '{}' has slopes of shape {}, one for each pixel; only shared_axes=[1, 2] is "
             "supported",
             source_, from.layer, to_string(s));
      }
      s = {static_cast<int64_t>(tensor.values.size())};
    }
    result.tensors.push_back(std::move(tensor));
  }
  return result;
}

void KerasWeights::add(const std::string& layer, const std::string& role, const std::string& path) {
  if (role == "kernel" || role == "bias" || role == "alpha") found_.push_back({layer, role, path});
}

void KerasWeights::add_numbered(const std::string& group, const std::string& path) {
  const std::vector<std::string> told = file_.texts(group + "/vars", "name");
  has_names_ = has_names_ || !told.empty();
  const std::string layer = told.empty() ? leaf_of(group) : told[0], number = leaf_of(path);
  const size_t axes = file_.shape(path).size();
  // Other tensors do not belong to supported layers.
  add(layer,
      number == "0" && axes == 4   ? "kernel"
      : number == "0" && axes == 3 ? "alpha"
      : number == "1"              ? "bias"
                                   : "",
      path);
}

}  // namespace fsrcnn
