#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>

#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/commands.hpp"
#include "cli/model_option.hpp"
#include "network/describe.hpp"
#include "network/formats/weights_file.hpp"
#include "network/fsrcnn.hpp"
#include "porting/tdc.hpp"

namespace fsrcnn::cli {
namespace {

/// Reports what was lost, by reading back what was written.
void tell_losses(const Network& network, const std::string& destination) {
  const Network back = load_network(destination, network.scale == 0 ? std::nullopt : std::optional(network.scale));
  const StateDict before = to_state_dict(network), after = to_state_dict(back);
  double largest = 0;
  std::string where;
  for (const NamedTensor& tensor : before.tensors) {
    const NamedTensor* other = after.find(tensor.name);
    if (other == nullptr || other->values.size() != tensor.values.size()) {
      fail(ErrorCode::model, "{}: tensor '{}' is missing after reading it back", destination, tensor.name);
    }
    for (size_t i = 0; i < tensor.values.size(); ++i) {
      const double difference = std::abs(static_cast<double>(tensor.values[i]) - other->values[i]);
      if (difference > largest) {
        largest = difference;
        where = tensor.name;
      }
    }
  }
  if (largest > 0) fmt::print("Values are rounded by up to {:.3g}, in {}.\n", largest, where);
  if (load_network(destination).scale != network.scale) {
    fmt::print("The format cannot store the scale: use the file with --model-scale {}.\n",
               network.scale == 0 ? "N" : std::to_string(network.scale));
  }
  if (!format_scales(network).empty() && format_scales(back).empty()) {
    fmt::print("The format cannot store scales and zero points.\n");
  }
  if (network.output_clip && !back.output_clip) {
    fmt::print("The format cannot store the clip at the network's end; fsrcnn clamps its output to 0 to 1 anyway.\n");
  }
  bool padding_is_lost = false, border_is_lost = false;
  for (size_t i = 0; i < std::min(network.layers.size(), back.layers.size()); ++i) {
    const Layer &layer = network.layers[i], &other = back.layers[i];
    padding_is_lost =
        padding_is_lost || (layer.conv.padding != Pair{0, 0} && layer.conv.padding_mode != other.conv.padding_mode);
    border_is_lost = border_is_lost || layer.border != other.border;
  }
  if (padding_is_lost) {
    fmt::print(
        "The format cannot store the padding: the model has replicate padding, but will be read with zero padding.\n");
  }
  if (border_is_lost) {
    fmt::print(
        "The format cannot store the replicated border of the deconvolution's input, which will be read as zeros.\n");
  }
}

}  // namespace

void add_convert(CLI::App& app) {
  CLI::App* command = app.add_subcommand("convert", "Convert weights from one format to another");
  struct Options {
    ModelOption source;
    std::string destination, form = "slides";
    bool tdc = false;
  };
  const auto options = std::make_shared<Options>();
  options->source
      .add_model_to(
          *command, "source",
          "Built-in model; .safetensors, .pth, .npz, .onnx, Keras' .h5 and .keras, .tflite, TensorFlow's .pb, "
          ".h, .mem, .coe; or a text folder")
      ->required();
  command
      ->add_option(
          "destination", options->destination,
          "Output: .safetensors, .pth, .npz, .onnx, .pb, .h, .mem, .coe, or a name that ends in '/' for a text folder")
      ->required()
      ->type_name("FILE|DIR/");
  options->source.add_scale_to(*command);
  options->source.add_scales_to(*command);
  command
      ->add_option("--form", options->form,
                   "Format of a text folder: slides (one kernel per file, for numpy.loadtxt); deepc (one layer per "
                   "file); zcu102 (8-bit integers, one per line, with their scales); zcu102-hex (the same in two's "
                   "complement, for $readmemh)")
      ->check(CLI::IsMember({"slides", "deepc", "zcu102", "zcu102-hex"}).description(""))
      ->type_name("NAME")
      ->capture_default_str();
  command->add_flag(
      "--tdc", options->tdc,
      "Write the deconvolution as phase kernels: a convolution to scale * scale channels, and depth to space");
  command->callback([options] {
    const std::map<std::string, FolderForm> forms = {{"slides", FolderForm::slides},
                                                     {"deepc", FolderForm::deepc},
                                                     {"zcu102", FolderForm::zcu102},
                                                     {"zcu102-hex", FolderForm::zcu102_hex}};
    Network network = options->source.load();
    if (options->tdc) {
      PhaseKernels phases = with_phase_kernels(network);
      fmt::print("The {0} phase kernels of {1}x{1} match the deconvolution to {2:.1g} in float64.\n", phases.kernels,
                 phases.size, phases.difference);
      network = std::move(phases.network);
    }
    save_network(network, options->destination, forms.at(options->form));
    fmt::print("{}: {}, scale {}\n", options->destination, family_of(network),
               network.scale == 0 ? "unknown" : std::to_string(network.scale));
    tell_losses(network, options->destination);
  });
}

}  // namespace fsrcnn::cli
