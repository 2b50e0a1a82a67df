#include "network/formats/flat_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/atomic_output.hpp"
#include "base/error.hpp"
#include "network/formats/slides_text.hpp"

namespace fsrcnn {
namespace fs = std::filesystem;

namespace {

constexpr int64_t kLargestFileBytes = 16 << 20;
constexpr size_t kMostFlatLayers = 68;
constexpr const char *kZeroPadding = "zero_padding.txt", *kNoBorder = "no_border.txt";

/// Numbers between blanks and line ends.
std::vector<float> read_numbers(const fs::path& path) {
  const std::vector<std::byte> bytes = read_file(path, kLargestFileBytes);
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  // As one row, whatever its lines.
  std::replace(text.begin(), text.end(), '\n', ' ');
  return parse_text_matrix(text, path.string()).values;
}

/// Words of two's complement in hexadecimal digits, all of the same number, as $readmemh reads them.
std::vector<float> read_hex_words(const fs::path& path) {
  const std::vector<std::byte> bytes = read_file(path, kLargestFileBytes);
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::vector<float> words;
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    if (text.empty()) return words;
    const std::string_view digits = text.substr(0, text.find_first_of(" \t\r\n"));
    text.remove_prefix(digits.size());
    uint32_t word = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), word, 16);
    if (error != std::errc{} || end != digits.data() + digits.size() || digits.size() > 8) {
      fail(ErrorCode::model, "{}: word {} is '{}'; expected 1 to 8 hexadecimal digits", path.string(), words.size(),
           digits.substr(0, 40));
    }
    // The first digit's first bit is the sign.
    const int unused = 32 - 4 * static_cast<int>(digits.size());
    words.push_back(static_cast<float>(static_cast<int32_t>(word << unused) >> unused));
  }
}

void write_numbers(const fs::path& path, const std::vector<std::string>& numbers) {
  std::string text;
  for (const std::string& number : numbers) text += number + "\n";
  write_file_directly(path, as_bytes(text));
}

std::vector<std::string> exact(const std::vector<float>& values) {
  std::vector<std::string> numbers;
  for (const float v : values) numbers.push_back(fmt::format("{:.9g}", v));
  return numbers;
}

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

/// Keys of the convolutions of a network with this many layers.
std::string key_of(size_t layer, size_t layers) {
  return layer == 0 ? "first_part.0" : layer + 1 == layers ? "last_part" : fmt::format("mid_part.{}", 2 * layer - 2);
}
std::string activation_key_of(size_t layer) {
  return layer == 0 ? "first_part.1" : fmt::format("mid_part.{}", 2 * layer - 1);
}

/// The shape of a layer's kernels by its place and the numbers of outputs around it.
std::vector<int64_t> kernel_shape(size_t layer, size_t layers, int64_t inputs, int64_t outputs) {
  if (layer + 1 == layers) return {inputs, 1, 9, 9};
  const int64_t k = layer == 0 ? 5 : layer == 1 || layer + 2 == layers ? 1 : 3;
  return {outputs, inputs, k, k};
}

void add(StateDict& state_dict, const fs::path& path, std::string name, std::vector<int64_t> shape,
         std::vector<float> values) {
  if (checked_element_count(name, shape) != static_cast<int64_t>(values.size())) {
    fail(ErrorCode::model, "{}: it has {} values, but {} of shape {} needs {}", path.string(), values.size(), name,
         to_string(shape), checked_element_count(name, shape));
  }
  state_dict.tensors.push_back({std::move(name), std::move(shape), std::move(values)});
}

const NamedTensor& tensor_of(const StateDict& state_dict, const std::string& name) {
  const NamedTensor* tensor = state_dict.find(name);
  if (tensor == nullptr) fail(ErrorCode::model, "tensor '{}' is missing", name);
  return *tensor;
}

size_t layers_of(const StateDict& state_dict) {
  return static_cast<size_t>(std::count_if(state_dict.tensors.begin(), state_dict.tensors.end(),
                                           [](const NamedTensor& t) { return t.name.ends_with(".bias"); }));
}

void require_deconvolution(const StateDict& state_dict, const char* form) {
  const auto& shape = tensor_of(state_dict, "last_part.weight").shape;
  if (shape[1] != 1 || shape[3] != 9) {
    fail(ErrorCode::model,
         "the {} format needs a deconvolution as the last layer, but this model has a convolution of shape {}", form,
         to_string(shape));
  }
}

}  // namespace

bool is_deepc_folder(const fs::path& folder) { return is_there(folder / "weights_layer1.txt"); }

StateDict read_deepc(const fs::path& folder) {
  size_t layers = 0;
  while (layers < kMostFlatLayers && is_there(folder / fmt::format("weights_layer{}.txt", layers + 1))) ++layers;
  if (layers < 4) {
    fail(ErrorCode::model, "{}: it has weights_layer1.txt to weights_layer{}.txt; expected at least 4", folder.string(),
         layers);
  }
  const bool one_each = is_there(folder / "slopes.txt");
  std::vector<float> slopes;
  if (one_each) {
    slopes = read_numbers(folder / "slopes.txt");
    if (slopes.size() != layers - 1) {
      fail(ErrorCode::model, "{}: it has {} slopes for {} layers with a PReLU", (folder / "slopes.txt").string(),
           slopes.size(), layers - 1);
    }
  }
  StateDict state_dict;
  int64_t inputs = 1;
  for (size_t i = 0; i < layers; ++i) {
    const fs::path weights = folder / fmt::format("weights_layer{}.txt", i + 1);
    const fs::path biases = folder / fmt::format("biasess_layer{}.txt", i + 1);
    const bool tail = i + 1 == layers;
    if (tail && !is_there(biases)) {
      fail(ErrorCode::model,
           "{}: the file is missing. DeepC keeps the last bias and the slopes in its source code; write the bias to "
           "this file and the slopes, one per layer, to slopes.txt in the same folder",
           biases.string());
    }
    std::vector<float> bias = read_numbers(biases);
    const auto outputs = static_cast<int64_t>(bias.size());
    const std::string key = key_of(i, layers);
    const std::vector<int64_t> shape = kernel_shape(i, layers, inputs, outputs);
    std::vector<float> values = read_numbers(weights);
    // DeepC reads as many as it needs; its own weights_layer2.txt has twice as many.
    values.resize(std::min<size_t>(values.size(), checked_element_count(key, shape)));
    add(state_dict, weights, key + ".weight", shape, std::move(values));
    add(state_dict, biases, key + ".bias", {tail ? 1 : outputs}, std::move(bias));
    if (!tail) {
      const fs::path path = folder / (one_each ? "slopes.txt" : fmt::format("slopes_layer{}.txt", i + 1));
      if (!is_there(path)) {
        fail(ErrorCode::model,
             "{}: the file is missing. DeepC keeps its slopes in its source code; write them, one per layer, to "
             "slopes.txt",
             path.string());
      }
      std::vector<float> slope = one_each ? std::vector<float>{slopes[i]} : read_numbers(path);
      const auto count = static_cast<int64_t>(slope.size());
      add(state_dict, path, activation_key_of(i) + ".weight", {count}, std::move(slope));
    }
    inputs = outputs;
  }
  if (!is_there(folder / kZeroPadding)) state_dict.metadata["padding_mode"] = "replicate";
  if (!is_there(folder / kZeroPadding) && !is_there(folder / kNoBorder)) {
    state_dict.metadata["deconvolution_border"] = "1";
  }
  return state_dict;
}

void write_deepc(const StateDict& state_dict, const fs::path& folder) {
  require_deconvolution(state_dict, "DeepC");
  AtomicOutput output(folder, AtomicOutput::Kind::folder);
  const fs::path& to = output.temporary();
  const size_t layers = layers_of(state_dict);
  for (size_t i = 0; i < layers; ++i) {
    const std::string key = key_of(i, layers);
    write_numbers(to / fmt::format("weights_layer{}.txt", i + 1), exact(tensor_of(state_dict, key + ".weight").values));
    write_numbers(to / fmt::format("biasess_layer{}.txt", i + 1), exact(tensor_of(state_dict, key + ".bias").values));
    if (i + 1 == layers) continue;
    write_numbers(to / fmt::format("slopes_layer{}.txt", i + 1),
                  exact(tensor_of(state_dict, activation_key_of(i) + ".weight").values));
  }
  if (!state_dict.metadata.contains("padding_mode")) {
    write_file_directly(to / kZeroPadding, as_bytes("# this network pads with zeros; DeepC's own replicates\n"));
  } else if (!state_dict.metadata.contains("deconvolution_border")) {
    write_file_directly(to / kNoBorder,
                        as_bytes("# the deconvolution's input gets no border; DeepC's own gets a pixel\n"));
  }
  output.commit();
}

bool is_zcu102_folder(const fs::path& folder) {
  return is_there(folder / "first_part_0_weight.txt") || is_there(folder / "first_part_0_weight.hex");
}

StateDict read_zcu102(const fs::path& folder) {
  const auto file = [&](const std::string& key, const char* what) {
    std::string name = key;
    std::replace(name.begin(), name.end(), '.', '_');
    return folder / fmt::format("{}_{}.txt", name, what);
  };
  const auto hex_file = [&](const std::string& key, const char* what) {
    return file(key, what).replace_extension(".hex");
  };
  const auto has = [&](const std::string& key, const char* what) {
    return is_there(file(key, what)) || is_there(hex_file(key, what));
  };
  // With a PReLU after each convolution every second number is one's; ports with batch normalisation and ReLU have
  // every third.
  std::vector<std::string> keys = {"first_part.0"};
  for (size_t number = 0; number < 3 * kMostFlatLayers && keys.size() < kMostFlatLayers; ++number) {
    const std::string key = fmt::format("mid_part.{}", number);
    if (has(key, "bias")) keys.push_back(key);
  }
  keys.emplace_back("last_part");
  const size_t layers = keys.size();
  const auto number = [&](const fs::path& path, float otherwise) {
    return is_there(path) ? read_numbers(path)[0] : otherwise;
  };
  const auto part_and_number = [](const std::string& key) {
    const size_t dot = key.find('.');
    return std::pair(key.substr(0, dot), dot == std::string::npos ? 0 : std::atoi(key.c_str() + dot + 1));
  };
  /// Scale of a layer's integer output, in pixel values of 0 to 255, and its zero point; a scale of 0: unknown.
  const auto output_numbers = [&](size_t layer) {
    const auto [part, first] = part_and_number(keys[layer]);
    for (int i = first; i < first + 3; ++i) {
      std::string key = fmt::format("{}.{}", part, i);
      if (layer + 1 == layers) key = part;
      if (is_there(file(key, "out_scale"))) {
        return std::pair(number(file(key, "out_scale"), 0), number(file(key, "out_zp"), 0));
      }
    }
    return std::pair(0.0F, 0.0F);
  };
  const auto output_scale = [&](size_t layer) { return output_numbers(layer).first; };
  const auto activation_of = [&](size_t layer) {
    const auto [part, place] = part_and_number(keys[layer]);
    return fmt::format("{}.{}", part, place + 1);
  };
  bool has_slopes = false;
  for (size_t i = 0; i + 1 < layers; ++i) has_slopes = has_slopes || has(activation_of(i), "weight");
  const auto values = [&](size_t layer, const std::string& key, const char* what) {
    const bool hex = is_there(hex_file(key, what));
    std::vector<float> words = hex ? read_hex_words(hex_file(key, what)) : read_numbers(file(key, what));
    const bool bias = std::string_view(what) == "bias";
    const float own = number(file(key, "w_scale"), 1);
    float scale = own;
    if (bias && is_there(file(key, "b_scale"))) {
      scale = number(file(key, "b_scale"), own);
    } else if (bias) {
      // Integer ports add biases to sums of products, of integers of pixels or of outputs of the layer before.
      const float input = layer > 0 ? output_scale(layer - 1) : output_scale(0) > 0 ? 1 : 0;
      if (input > 0) scale = own * input / 255;
    }
    const float zero = bias ? 0 : number(file(key, "w_zp"), 0);
    for (float& w : words) w = (w - zero) * scale;
    return words;
  };
  StateDict state_dict;
  int64_t inputs = 1;
  for (size_t i = 0; i < layers; ++i) {
    const bool tail = i + 1 == layers;
    const std::string& key = keys[i];
    std::vector<float> bias = values(i, key, "bias");
    const auto outputs = static_cast<int64_t>(bias.size());
    add(state_dict, file(key, "weight"), key + ".weight", kernel_shape(i, layers, inputs, outputs),
        values(i, key, "weight"));
    if (tail && bias.size() > 1) {
      // The deconvolution has one output.
      if (!std::all_of(bias.begin(), bias.end(), [](float b) { return b == 0; })) {
        fail(ErrorCode::model, "{}: it has {} biases, but the deconvolution has 1 output", file(key, "bias").string(),
             bias.size());
      }
      bias.erase(bias.begin() + 1, bias.end());
    }
    const auto biases = static_cast<int64_t>(bias.size());
    add(state_dict, file(key, "bias"), key + ".bias", {biases}, std::move(bias));
    if (!tail && has_slopes) {
      std::vector<float> slope = values(i, activation_of(i), "weight");
      const auto count = static_cast<int64_t>(slope.size());
      add(state_dict, folder, activation_of(i) + ".weight", {count}, std::move(slope));
    }
    inputs = outputs;
  }
  // Layers by number: this folder's keys are not those of a state_dict.
  nlohmann::ordered_json scales = nlohmann::ordered_json::object();
  constexpr float kWhite = 255;
  if (output_scale(0) > 0) scales["input"] = {{"scale", 1.0 / kWhite}, {"zero_point", 0}, {"type", "uint8"}};
  for (size_t i = 0; i < layers; ++i) {
    nlohmann::ordered_json entry = nlohmann::ordered_json::object();
    const auto [scale, zero] = output_numbers(i);
    if (scale > 0) {
      entry["scale"] = static_cast<double>(scale) / kWhite;
      entry["zero_point"] = std::llround(zero);
    }
    if (is_there(file(keys[i], "w_scale"))) entry["weight_scale"] = number(file(keys[i], "w_scale"), 1);
    if (!entry.empty()) scales[std::to_string(i + 1)] = std::move(entry);
  }
  if (!scales.empty()) state_dict.metadata["quantisation"] = scales.dump();
  return state_dict;
}

void write_zcu102(const StateDict& state_dict, const fs::path& folder, bool hex) {
  require_deconvolution(state_dict, "ZCU102");
  AtomicOutput output(folder, AtomicOutput::Kind::folder);
  for (const NamedTensor& tensor : state_dict.tensors) {
    const bool bias = tensor.name.ends_with(".bias");
    std::string name = tensor.name.substr(0, tensor.name.rfind('.'));
    std::replace(name.begin(), name.end(), '.', '_');
    const auto write = [&](const char* what, const std::vector<std::string>& numbers, const char* suffix = "txt") {
      write_numbers(output.temporary() / fmt::format("{}_{}.{}", name, what, suffix), numbers);
    };
    float largest = 0;
    for (const float v : tensor.values) largest = std::max(largest, std::abs(v));
    // A float has 24 bits; more of a bias would say nothing.
    const int32_t greatest = bias ? 8388607 : 127;
    const float scale = largest > 0 ? largest / static_cast<float>(greatest) : 1;
    std::vector<std::string> words;
    for (const float v : tensor.values) {
      // The quotient may be rounded up past the greatest.
      const auto word = std::clamp(static_cast<int32_t>(std::lround(v / scale)), -greatest, greatest);
      const uint32_t bits = static_cast<uint32_t>(word) & (bias ? 0xffffffU : 0xffU);
      words.push_back(hex ? fmt::format("{:0{}x}", bits, bias ? 6 : 2) : std::to_string(word));
    }
    write(bias ? "bias" : "weight", words, hex ? "hex" : "txt");
    write(bias ? "b_scale" : "w_scale", exact({scale}));
    if (!bias) write("w_zp", {"0"});
  }
  output.commit();
}

}  // namespace fsrcnn
