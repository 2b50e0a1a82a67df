#include "porting/vectors.hpp"

#include <map>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/model_option.hpp"
#include "porting/tensor_file.hpp"

namespace fsrcnn::cli {

void add_vectors(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "vectors", "Write weights, an input and what each layer should make of it, with a C program that checks a port");
  struct Options {
    ModelOption model;
    std::string input, output, style = "slides";
  };
  const auto options = std::make_shared<Options>();
  options->model.add_model_to(*command);
  options->model.add_scale_to(*command);
  command->add_option("--input", options->input, "Luma as a dump (1, 1, H, W), or a picture, whose luma is taken")
      ->required()
      ->type_name("FILE");
  command->add_option("-o,--output", options->output, "Folder to write")->required()->type_name("FOLDER");
  command
      ->add_option("--style", options->style,
                   "slides: texts for numpy.loadtxt; deepc: a text a layer; zcu102: 8-bit weights; npy; mem, for "
                   "$readmemh")
      ->check(CLI::IsMember({"slides", "deepc", "zcu102", "npy", "mem"}).description(""))
      ->type_name("NAME")
      ->capture_default_str();
  command->callback([options] {
    const std::map<std::string, VectorStyle> styles = {{"slides", VectorStyle::slides},
                                                       {"deepc", VectorStyle::deepc},
                                                       {"zcu102", VectorStyle::zcu102},
                                                       {"npy", VectorStyle::npy},
                                                       {"mem", VectorStyle::mem}};
    const size_t layers = write_vectors(options->model.load_with_scale(), read_luma(options->input),
                                        styles.at(options->style), options->input, options->output);
    fmt::print(
        "{0}: {1} layers; to check your own: cd {0}, put it into layer.c, cc -O2 check.c layer.c -lm -o check && "
        "./check\n",
        options->output, layers);
  });
}

}  // namespace fsrcnn::cli
