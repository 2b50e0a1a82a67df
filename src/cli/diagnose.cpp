#include "porting/diagnose.hpp"

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "cli/commands.hpp"
#include "cli/model_option.hpp"
#include "cli/number_check.hpp"
#include "model/formats/weights_file.hpp"
#include "picture/picture_reader.hpp"
#include "porting/mistakes.hpp"

namespace fsrcnn::cli {
namespace {

namespace fs = std::filesystem;

struct DiagnoseOptions {
  ModelOption model;
  std::string input, reference;
  std::vector<std::string> features;
  double tolerance = 1e-5;
  bool json = false;
};

/// A folder of text kernels may have the last layer alone, or, as the slides', no slopes.
Model load(const ModelOption& option) {
  if (fs::is_directory(option.model) && !is_whole_network(option.model)) {
    return load_last_layer(option.model, option.scale);
  }
  return option.load();
}

std::vector<Dump> read_dumps(const DiagnoseOptions& options, const Model& model) {
  std::vector<Dump> dumps;
  const auto add = [&](const std::string& name, const fs::path& path) {
    dumps.push_back({name, path.string(), read_tensor(path)});
  };
  for (const std::string& feature : options.features) {
    const size_t equals = feature.find('=');
    if (equals != std::string::npos) {
      add(feature.substr(0, equals), feature.substr(equals + 1));
      continue;
    }
    if (!fs::is_directory(feature)) {
      fail(ErrorCode::usage, "--feature is '{}', but must be NAME=FILE, or a folder of dumps as trace writes", feature);
    }
    // Of trace's files, those that no place between layers is called by are steps of the deconvolution.
    for (const auto& entry : fs::directory_iterator(feature)) {
      const std::string name = entry.path().filename().string();
      const auto place = parse_place(model, name);
      if (entry.path().extension() == ".json" || !place || (place->layer < 0 && !options.input.empty())) continue;
      add(name, entry.path());
    }
  }
  if (!options.reference.empty()) add("reference", options.reference);
  return dumps;
}

/// By the sizes of what is given. Throws Error(usage) if they tell none.
int64_t scale_of(const std::vector<Dump>& dumps, const std::optional<Tensor<float>>& luma, const Model& model) {
  double low = luma ? static_cast<double>(luma->shape().h) : 0, high = 0;
  for (const Dump& dump : dumps) {
    const auto place = parse_place(model, dump.name);
    if (!place) continue;
    const bool tail = place->layer + 1 == static_cast<int64_t>(model.layers.size());
    (tail ? high : low) = static_cast<double>(dump.tensor.shape().h);
  }
  const double scale = low > 0 ? std::round(high / low) : 0;
  if (scale >= 2 && scale <= 4) return static_cast<int64_t>(scale);
  if (low == 0) {
    fail(ErrorCode::usage, "nothing is given that the network or its last layer reads; give {}--feature mid=FILE",
         model.layers.size() == 1 ? "" : "--input FILE or ");
  }
  if (high == 0) {
    fail(ErrorCode::usage, "the weights do not tell their scale; give the output with --reference, or --model-scale");
  }
  fail(ErrorCode::usage,
       "the last layer would make {:.0f} rows of {:.0f}, which is no scale of 2, 3 or 4; are its input and output "
       "exchanged, or of different pictures?",
       high, low);
}

std::string number(double value) {
  return std::isnan(value) ? "not finite" : std::isinf(value) ? "other shape" : fmt::format("{:.3g}", value);
}

void print(const Diagnosis& d) {
  fmt::print("{}\n\n", d.verdict);
  fmt::print("{:<20} {:<14} {:<22} {:>12} {:>10}  {}\n", "layer", "step", "shape of the dump", "difference", "allowed",
             "");
  for (const LayerFinding& l : d.layers) {
    fmt::print("{:<20} {:<14} {:<22} {:>12} {:>10}  {}\n", l.layer, l.step, to_string(l.shape), number(l.difference),
               number(l.tolerance),
               l.agrees          ? "agrees"
               : l.cause.empty() ? "DIFFERS"
                                 : "DIFFERS: " + l.cause);
  }
  if (!d.files.empty()) {
    fmt::print("\nNot the ones that made the output:\n");
    for (size_t i = 0; i < d.files.size() && i < 12; ++i) fmt::print("  {}\n", d.files[i]);
    if (d.files.size() > 12) fmt::print("  and {} more (--json has all)\n", d.files.size() - 12);
  }
  if (!d.same_result.empty()) {
    fmt::print("\nThe same result would come of:\n");
    for (const std::string& s : d.same_result) fmt::print("  {}\n", s);
  }
  if (!d.hypotheses.empty()) {
    fmt::print("\nWhat was tried at the first layer that differs, the best first:\n");
    fmt::print("  {:>10} {:>10}  {}\n", "largest", "RMS left", "mistake");
    for (size_t i = 0; i < d.hypotheses.size() && i < 8; ++i) {
      const Hypothesis& h = d.hypotheses[i];
      std::string sentence;
      for (const std::string& s : h.sentences) sentence += (sentence.empty() ? "" : ", and ") + s;
      fmt::print("  {:>10.2e} {:>10.2e}  {}{}: {}\n", h.largest, h.rms, h.explains ? "* " : "  ", h.layer, sentence);
    }
  }
  for (const std::string& note : d.notes) fmt::print("\n{}\n", note);
}

nlohmann::ordered_json to_json(const Diagnosis& d) {
  const auto finite = [](double v) { return std::isfinite(v) ? nlohmann::ordered_json(v) : nullptr; };
  nlohmann::ordered_json json = {{"right", d.right},
                                 {"verdict", d.verdict},
                                 {"layer", d.layer},
                                 {"mistakes", d.mistakes},
                                 {"files", d.files},
                                 {"same_result", d.same_result},
                                 {"notes", d.notes},
                                 {"layers", nlohmann::ordered_json::array()},
                                 {"hypotheses", nlohmann::ordered_json::array()}};
  for (const LayerFinding& l : d.layers) {
    json["layers"].push_back({{"layer", l.layer},
                              {"step", l.step},
                              {"file", l.file},
                              {"shape", {l.shape.n, l.shape.c, l.shape.h, l.shape.w}},
                              {"difference", finite(l.difference)},
                              {"tolerance", l.tolerance},
                              {"agrees", l.agrees},
                              {"cause", l.cause}});
  }
  for (const Hypothesis& h : d.hypotheses) {
    json["hypotheses"].push_back({{"layer", h.layer},
                                  {"mistakes", h.ids},
                                  {"sentences", h.sentences},
                                  {"largest", h.largest},
                                  {"rms", h.rms},
                                  {"explains", h.explains}});
  }
  return json;
}

bool run(const DiagnoseOptions& options) {
  Model model = load(options.model);
  DiagnoseRequest request{.model = &model, .luma = {}, .dumps = {}, .tolerance = options.tolerance};
  if (!options.input.empty()) {
    if (model.layers.size() == 1) {
      fail(ErrorCode::usage, "{} has the last layer alone, which does not read a picture; give --feature mid=FILE",
           options.model.model);
    }
    request.luma = read_luma(options.input);
    if (!is_dump(options.input)) {
      const Picture picture = read_picture(options.input);
      request.wrong_lumas = wrong_lumas(picture.planes, picture.header.colour_planes);
    }
  }
  request.dumps = read_dumps(options, model);
  if (model.scale == 0) model.scale = scale_of(request.dumps, request.luma, model);
  const bool tells = isatty(STDERR_FILENO) != 0;
  const Diagnosis diagnosis = diagnose(request, [&](const std::string& what) {
    if (tells) fmt::print(stderr, "{} ...\n", what);
  });
  if (options.json) {
    fmt::print("{}\n", to_json(diagnosis).dump(1));
  } else {
    print(diagnosis);
  }
  return diagnosis.right;
}

}  // namespace

void add_diagnose(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "diagnose", "Find the layer where a port goes wrong, and name the mistake; exit code 1: it is not right");
  const auto options = std::make_shared<DiagnoseOptions>();
  options->model.add_model_to(*command);
  options->model.add_scale_to(*command);
  command->add_option("--input", options->input, "What the network read: a dump (1, 1, H, W), or a picture")
      ->type_name("FILE");
  command
      ->add_option("--feature", options->features,
                   "A dump of the port: NAME is a layer's (expanding, expanding_convolution), a state_dict's "
                   "(mid_part.10), or mid, what the last layer reads; or a folder of dumps with trace's names. May be "
                   "given again")
      ->type_name("NAME=FILE|FOLDER");
  command->add_option("--reference", options->reference, "The output that should be, or is, there: preds")
      ->type_name("FILE");
  command->add_option("--tolerance", options->tolerance, "Largest difference allowed, times a dump's full scale")
      ->check(positive_number())
      ->type_name("T")
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options] {
    if (!run(*options)) throw CLI::RuntimeError(kDiffers);
  });
}

}  // namespace fsrcnn::cli
