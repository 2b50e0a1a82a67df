#include <memory>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/atomic_output.hpp"
#include "cli/commands.hpp"
#include "cli/engine_option.hpp"
#include "cli/model_option.hpp"
#include "picture/decode_apart.hpp"
#include "quality/report.hpp"

namespace fsrcnn::cli {
namespace {

struct EvalOptions {
  std::string path, protocol = "a", html;
  ModelOption model;
  EngineOption engine;
  bool json = false;
};

std::string format_score(const std::optional<Score>& score) {
  return score ? fmt::format("{:7.2f} dB {:.4f}", score->psnr_db, score->ssim) : "";
}

void print_table(const std::vector<Evaluation>& evaluations) {
  const auto line = [](const std::string& name, const std::string& size, const std::string& bicubic,
                       const std::string& model) {
    fmt::print("{:<26} {:>11} {:>17}   {:>17}\n", name, size, bicubic, model);
  };
  line("picture", "size", "bicubic", evaluations.front().model ? "model" : "");
  for (const Evaluation& e : evaluations) {
    line(e.name, fmt::format("{}x{}", e.width, e.height), format_score(e.bicubic), format_score(e.model));
  }
  const Evaluation mean = mean_of(evaluations);
  line("mean of " + std::to_string(evaluations.size()), "", format_score(mean.bicubic), format_score(mean.model));
}

void run(const EvalOptions& options) {
  prepare_decoder();                 // before the engine has threads
  std::optional<AtomicOutput> page;  // made first, so that it is known before the work that it can be written
  if (!options.html.empty()) page.emplace(options.html, AtomicOutput::Kind::file);
  std::optional<Engine> engine;
  if (options.model.model != "bicubic") engine.emplace(options.model.load_with_scale(), options.engine.options);
  Report report{options.protocol == "a" ? Protocol::a : Protocol::yjn870,
                *options.model.scale,
                engine ? options.model.name() : "",
                {}};
  report.evaluations = evaluate_folder(options.path, report.scale, report.protocol, engine ? &*engine : nullptr);
  if (options.json) {
    fmt::print("{}\n", to_json(report).dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  } else {
    fmt::print("Y-PSNR and SSIM of {} at scale {}, {}\n\n", engine ? report.model : "bicubic", report.scale,
               description_of(report.protocol, report.scale));
    print_table(report.evaluations);
  }
  if (!page) return;
  page->write(as_bytes(to_html(report)));
  page->commit();
}

}  // namespace

void add_eval(CLI::App& app) {
  CLI::App* command = app.add_subcommand("eval", "Measure the quality of a network on original pictures, as papers do");
  const auto options = std::make_shared<EvalOptions>();
  command->add_option("path", options->path, "Folder of original (HR) pictures, or one picture")
      ->required()
      ->type_name("FILE|DIR");
  command->add_option("--scale", options->model.scale, "Factor by which pictures are shrunk, then upscaled")
      ->required()
      ->check(CLI::Range(2, 4).description(""))
      ->type_name("2|3|4");
  options->model.add_model_to(*command);
  command->get_option("--model")->description(command->get_option("--model")->get_description() +
                                              "; bicubic: no network");
  command
      ->add_option("--protocol", options->protocol,
                   "a: as papers do; yjn870: as test.py of yjn870/FSRCNN-pytorch does. Both measure luma (Y); for an "
                   "RGB network, that of its output")
      ->check(CLI::IsMember({"a", "yjn870"}).description(""))
      ->type_name("NAME")
      ->capture_default_str();
  options->engine.add_to(*command);
  command->add_flag("--json", options->json, "Print JSON");
  command
      ->add_option("--html", options->html,
                   "Write a page for the browser: the table, and an enlarged crop of each picture where bicubic and "
                   "model differ most")
      ->check([](const std::string& name) {
        return lower_suffix(name) == ".html" ? "" : "'" + name + "': the name of the page must end in .html";
      })
      ->type_name("FILE.html");
  command->callback([options] { run(*options); });
}

}  // namespace fsrcnn::cli
