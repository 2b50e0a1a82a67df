#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>

#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/commands.hpp"
#include "cli/model_option.hpp"
#include "model/formats/weights_file.hpp"
#include "porting/tdc.hpp"

namespace fsrcnn::cli {
namespace {

/// What was lost on the way, by reading back what was written.
void tell_losses(const Model& model, const std::string& destination) {
  const Model back = load_model(destination, model.scale == 0 ? std::nullopt : std::optional(model.scale));
  const StateDict before = to_state_dict(model), after = to_state_dict(back);
  double largest = 0;
  std::string where;
  for (const NamedTensor& tensor : before.tensors) {
    const NamedTensor* other = after.find(tensor.name);
    if (other == nullptr || other->values.size() != tensor.values.size()) {
      fail(ErrorCode::model, "{}: tensor '{}' did not come back", destination, tensor.name);
    }
    for (size_t i = 0; i < tensor.values.size(); ++i) {
      const double difference = std::abs(static_cast<double>(tensor.values[i]) - other->values[i]);
      if (difference > largest) {
        largest = difference;
        where = tensor.name;
      }
    }
  }
  if (largest > 0) fmt::print("Its values are rounded: by up to {:.3g}, in {}.\n", largest, where);
  if (load_model(destination).scale != model.scale) {
    fmt::print("The form has no place for the scale: use it with --model-scale {}.\n",
               model.scale == 0 ? "N" : std::to_string(model.scale));
  }
  if (back.padding_mode != model.padding_mode) {
    fmt::print(
        "Nor has it one for the padding: the model has replicate padding, and will be read as one with zeros.\n");
  }
  if (back.deconvolution_border != model.deconvolution_border) {
    fmt::print("Nor has it one for the replicated pixel around the deconvolution's input, which will be zeros.\n");
  }
}

}  // namespace

void add_convert(CLI::App& app) {
  CLI::App* command = app.add_subcommand("convert", "Convert weights from one form to another");
  struct Options {
    ModelOption source;
    std::string destination, form = "slides";
    bool tdc = false;
  };
  const auto options = std::make_shared<Options>();
  command
      ->add_option(
          "source", options->source.model,
          "A compiled-in model; .safetensors, .pth, .npz, .onnx, TensorFlow's .pb, .h, .mem, .coe; or a folder "
          "of texts")
      ->required()
      ->type_name("NAME|FILE");
  command
      ->add_option(
          "destination", options->destination,
          "To write: .safetensors, .pth, .npz, .onnx, .pb, .h, .mem, .coe, or a name ending in '/' for a folder of "
          "texts")
      ->required()
      ->type_name("FILE|FOLDER/");
  options->source.add_scale_to(*command);
  command
      ->add_option("--form", options->form,
                   "Of a folder: slides (a kernel a file, for numpy.loadtxt); deepc (a layer a file); zcu102 (8-bit "
                   "integers, one a line, with their scales); zcu102-hex (the same in two's complement, for $readmemh)")
      ->check(CLI::IsMember({"slides", "deepc", "zcu102", "zcu102-hex"}).description(""))
      ->type_name("NAME")
      ->capture_default_str();
  command->add_flag(
      "--tdc", options->tdc,
      "Write the deconvolution as its phase kernels: a convolution to scale * scale channels, and depth to "
      "space");
  command->callback([options] {
    const std::map<std::string, FolderForm> forms = {{"slides", FolderForm::slides},
                                                     {"deepc", FolderForm::deepc},
                                                     {"zcu102", FolderForm::zcu102},
                                                     {"zcu102-hex", FolderForm::zcu102_hex}};
    Model model = options->source.load();
    if (options->tdc) {
      const Model phases = with_phase_kernels(model);
      fmt::print("The {0} phase kernels of {1}x{1} give what the deconvolution gives, to {2:.1g} in float64.\n",
                 phases.layers.back().weight.shape().n, phases.layers.back().weight.shape().h,
                 tail_difference(model, phases, 16, 15));
      model = phases;
    }
    save_model(model, options->destination, forms.at(options->form));
    fmt::print("{}: FSRCNN({}, {}, {}), scale {}\n", options->destination, model.d, model.s, model.m,
               model.scale == 0 ? "unknown" : std::to_string(model.scale));
    tell_losses(model, options->destination);
  });
}

}  // namespace fsrcnn::cli
