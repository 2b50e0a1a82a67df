#include "porting/diagnose.hpp"

#include <unistd.h>
#include <algorithm>

#include <cmath>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/atomic_output.hpp"
#include "base/error.hpp"
#include "cli/commands.hpp"
#include "cli/model_option.hpp"
#include "cli/number_check.hpp"
#include "network/formats/weights_file.hpp"
#include "picture/picture_reader.hpp"
#include "porting/diagnosis_report.hpp"
#include "porting/dump_folder.hpp"
#include "porting/mistakes.hpp"
#include "porting/tensor_archive.hpp"

namespace fsrcnn::cli {
namespace {

namespace fs = std::filesystem;

struct DiagnoseOptions {
  ModelOption model;
  std::string input, reference, html;
  std::vector<std::string> features;
  double tolerance = 1e-5;
  bool json = false;
};

/// Whether it is a folder of text kernels that has the last layer alone, or, as the slides', no slopes.
bool is_last_layer(const ModelOption& option) {
  return fs::is_directory(option.model) && !is_whole_network(option.model);
}

Network load(const ModelOption& option) {
  return is_last_layer(option) ? load_last_layer(option.model, option.scale) : option.load();
}

bool is_picture(const fs::path& path) { return !is_archive(path) && !is_dump(path); }

DumpFolder read_dumps(const DiagnoseOptions& options, const Network& network,
                      const std::optional<Tensor<float>>& input) {
  DumpFolder all;
  for (const std::string& feature : options.features) {
    const size_t equals = feature.find('=');
    if (equals != std::string::npos && !fs::exists(feature)) {
      const std::string name = feature.substr(0, equals), file = feature.substr(equals + 1);
      all.dumps.push_back({name, file, read_tensor_named(file, name), is_picture(file)});
      continue;
    }
    if (!fs::is_directory(feature) && !is_archive(feature)) {
      fail(ErrorCode::usage, "--feature is '{}', but must be NAME=FILE or a folder or archive (.npz, .pt) of dumps",
           feature);
    }
    DumpFolder folder = read_dump_folder(feature, network, input);
    std::move(folder.dumps.begin(), folder.dumps.end(), std::back_inserter(all.dumps));
    std::move(folder.unused.begin(), folder.unused.end(), std::back_inserter(all.unused));
  }
  if (!options.reference.empty()) {
    all.dumps.push_back({"reference", options.reference, read_tensor_named(options.reference, "reference"),
                         is_picture(options.reference)});
  }
  return all;
}

/// Derives the scale from the sizes of the dumps. Throws Error(usage) if that is not possible.
int64_t scale_of(const std::vector<Dump>& dumps, bool is_last_layer, const std::optional<Tensor<float>>& input,
                 const Network& network) {
  double low = input ? static_cast<double>(input->shape().h) : 0, high = 0;
  for (const Dump& dump : dumps) {
    const auto place = parse_place(network, dump.name);
    if (!place) continue;
    (is_output(network, *place) ? high : low) = static_cast<double>(dump.tensor.shape().h);
  }
  const double scale = low > 0 ? std::round(high / low) : 0;
  if (scale >= 2 && scale <= 4) return static_cast<int64_t>(scale);
  if (low == 0) {
    fail(ErrorCode::usage, "the input of the network or of its last layer is missing; give {}--feature mid=FILE",
         is_last_layer ? "" : "--input FILE or ");
  }
  if (high == 0) {
    fail(ErrorCode::usage, "the scale of the weights is unknown; give the output with --reference, or --model-scale");
  }
  fail(ErrorCode::usage,
       "the last layer would produce {:.0f} rows from {:.0f}, which is not a scale of 2, 3 or 4; are its input and "
       "output swapped, or from different pictures?",
       high, low);
}

bool run(const DiagnoseOptions& options) {
  Network network = load(options.model);
  DiagnoseRequest request{.network = &network, .input = {}, .dumps = {}, .tolerance = options.tolerance};
  std::string input_read_as;
  if (!options.input.empty()) {
    if (is_last_layer(options.model)) {
      fail(ErrorCode::usage, "{} has only the last layer, which does not read a picture; give --feature mid=FILE",
           options.model.model);
    }
    request.input = read_input(options.input, network, &input_read_as);
    if (!is_dump(options.input) && network.colours == Colours::luma) {
      const Picture picture = read_picture(options.input);
      request.wrong_lumas = wrong_lumas(picture.planes, picture.header.colour_planes);
    }
  }
  DumpFolder given = read_dumps(options, network, request.input);
  request.dumps = std::move(given.dumps);
  if (network.scale == 0) {
    ModelOption known = options.model;
    known.scale = scale_of(request.dumps, is_last_layer(options.model), request.input, network);
    network = load(known);
  }
  const bool tells = isatty(STDERR_FILENO) != 0;
  Diagnosis diagnosis = diagnose(request, [&](const std::string& what) {
    if (tells) fmt::print(stderr, "{} ...\n", what);
  });
  if (!input_read_as.empty()) diagnosis.notes.push_back(fmt::format("{}: {}.", options.input, input_read_as));
  diagnosis.unused = std::move(given.unused);
  const auto missed = std::count_if(diagnosis.unused.begin(), diagnosis.unused.end(),
                                    [](const UnusedFile& file) { return file.may_differ; });
  if (diagnosis.right && missed > 0) {
    diagnosis.verdict +=
        fmt::format(" But {} of the files given {} not compared; see below why.", missed, missed == 1 ? "was" : "were");
  }
  if (!options.html.empty()) {
    std::string title = fmt::format("model {}", options.model.model);
    for (const std::string& file : {options.input, options.reference}) {
      if (!file.empty()) title += ", " + file;
    }
    write_file(options.html, as_bytes(diagnosis_html(diagnosis, title)));
  }
  if (options.json) {
    fmt::print("{}\n", diagnosis_json(diagnosis).dump(1));
  } else {
    fmt::print("{}", diagnosis_text(diagnosis));
  }
  return diagnosis.right;
}

}  // namespace

void add_diagnose(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "diagnose", "Find the layer where a port goes wrong, and name the mistake; exit code 1 if there is one");
  const auto options = std::make_shared<DiagnoseOptions>();
  options->model.add_model_to(*command);
  options->model.add_scale_to(*command);
  options->model.add_scales_to(*command);
  command
      ->add_option("--input", options->input,
                   "Input of the network: a dump, (1, 1, H, W) or for RGB (1, 3, H, W), or a picture")
      ->type_name("FILE");
  command
      ->add_option("--feature", options->features,
                   "Dump of the port: NAME is a layer (expanding, expanding_convolution), a key of the state_dict "
                   "(mid_part.10), or mid, the input of the last layer; or a folder or archive (.npz, .pt) of dumps. "
                   "May be repeated")
      ->type_name("NAME=FILE|DIR");
  command->add_option("--reference", options->reference, "Output of the port, or the output it should have: preds")
      ->type_name("FILE");
  command->add_option("--tolerance", options->tolerance, "Largest difference allowed, times a dump's full scale")
      ->check(positive_number())
      ->type_name("T")
      ->capture_default_str();
  command->add_option("--html", options->html, "Write a page with heat maps of the errors, too")->type_name("FILE");
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options] {
    if (!run(*options)) throw CLI::RuntimeError(kDiffers);
  });
}

}  // namespace fsrcnn::cli
