#include <memory>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "cli/commands.hpp"
#include "cli/engine_option.hpp"
#include "cli/model_option.hpp"
#include "quality/evaluate.hpp"

namespace fsrcnn::cli {
namespace {

struct EvalOptions {
  std::string path, protocol = "a";
  ModelOption model;
  EngineOption engine;
  bool json = false;
};

std::string format_score(const std::optional<Score>& score) {
  return score ? fmt::format("{:7.2f} dB {:.4f}", score->psnr_db, score->ssim) : "";
}

std::string description_of(Protocol protocol, int64_t scale) {
  if (protocol == Protocol::a) {
    return fmt::format("protocol A: LR by MATLAB's bicubic, output in 8 bits, {} pixels shaved", scale);
  }
  return "protocol of yjn870/FSRCNN-pytorch: LR by Pillow's bicubic, output not rounded, nothing shaved";
}

void print_table(const std::vector<Evaluation>& evaluations, const std::string& model_name) {
  const auto line = [](const std::string& name, const std::string& size, const std::string& bicubic,
                       const std::string& model) {
    fmt::print("{:<26} {:>11} {:>17}   {:>17}\n", name, size, bicubic, model);
  };
  line("picture", "size", "bicubic", model_name);
  for (const Evaluation& e : evaluations) {
    line(e.name, fmt::format("{}x{}", e.width, e.height), format_score(e.bicubic), format_score(e.model));
  }
  const Evaluation mean = mean_of(evaluations);
  line("mean of " + std::to_string(evaluations.size()), "", format_score(mean.bicubic), format_score(mean.model));
}

nlohmann::ordered_json to_json(const Evaluation& e) {
  nlohmann::ordered_json json = {{"name", e.name},
                                 {"bicubic", {{"psnr_db", e.bicubic.psnr_db}, {"ssim", e.bicubic.ssim}}}};
  if (e.model) json["model"] = {{"psnr_db", e.model->psnr_db}, {"ssim", e.model->ssim}};
  return json;
}

void run(const EvalOptions& options) {
  std::optional<Engine> engine;
  if (options.model.model != "bicubic") engine.emplace(options.model.load_with_scale(), options.engine.options);
  const int64_t scale = *options.model.scale;
  const Protocol protocol = options.protocol == "a" ? Protocol::a : Protocol::yjn870;
  const std::vector<Evaluation> evaluations =
      evaluate_folder(options.path, scale, protocol, engine ? &*engine : nullptr);
  if (options.json) {
    nlohmann::ordered_json json = {
        {"protocol", options.protocol}, {"scale", scale}, {"pictures", nlohmann::ordered_json::array()}};
    for (const Evaluation& e : evaluations) json["pictures"].push_back(to_json(e));
    json["mean"] = to_json(mean_of(evaluations));
    fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return;
  }
  fmt::print("Y-PSNR and SSIM at scale {}, {}\n\n", scale, description_of(protocol, scale));
  print_table(evaluations, !engine ? "" : options.model.model.empty() ? "compiled in" : "model");
}

}  // namespace

void add_eval(CLI::App& app) {
  CLI::App* command = app.add_subcommand("eval", "Measure the quality of a network on original pictures, as papers do");
  const auto options = std::make_shared<EvalOptions>();
  command->add_option("path", options->path, "Folder of original (HR) pictures, or one picture")
      ->required()
      ->type_name("DIR");
  command->add_option("--scale", options->model.scale, "How far pictures are shrunk and upscaled again")
      ->required()
      ->check(CLI::Range(2, 4).description(""))
      ->type_name("2|3|4");
  options->model.add_model_to(*command);
  command->get_option("--model")->description(command->get_option("--model")->get_description() + "; bicubic: none");
  command
      ->add_option("--protocol", options->protocol,
                   "a: as papers measure; yjn870: as test.py of yjn870/FSRCNN-pytorch measures")
      ->check(CLI::IsMember({"a", "yjn870"}).description(""))
      ->type_name("NAME")
      ->capture_default_str();
  options->engine.add_to(*command);
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options] { run(*options); });
}

}  // namespace fsrcnn::cli
