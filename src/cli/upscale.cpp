#include <chrono>
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/commands.hpp"
#include "cli/engine_option.hpp"
#include "cli/film_option.hpp"
#include "cli/model_option.hpp"
#include "cli/progress_bar.hpp"
#include "picture/image_file.hpp"
#include "picture/upscale_picture.hpp"

namespace fsrcnn::cli {
namespace {

struct UpscaleOptions {
  std::string input, output;
  ModelOption model;
  EngineOption engine;
  FilmOption film;
  bool quiet = false;
};

void run(const UpscaleOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  std::error_code error;
  if (std::filesystem::equivalent(options.input, options.output, error)) {
    fail(ErrorCode::usage, "the output '{}' is the input itself; give another name", options.output);
  }
  Engine engine(options.model.load_with_scale(), options.engine.options);
  // What is no picture may be a film.
  if (options.input == "-" || (std::filesystem::exists(options.input, error) && !is_picture_file(options.input))) {
    return upscale_film_with_progress(engine, options.input, options.output, options.film, options.quiet);
  }
  const Picture picture = read_picture(options.input);
  check_writable(picture, engine.scale(), options.output);
  if (loses_exif(picture, options.output)) {
    fmt::print(stderr,
               "fsrcnn: note: EXIF data cannot be written to TIFF and stay behind; .png, .jpg and .webp keep them\n");
  }
  ProgressBar bar(options.quiet);
  bar.update(0);
  write_picture(upscale_picture(engine, picture, [&](double share) { bar.update(share); }), options.output);
  if (options.quiet) return;
  bar.finish();
  const double elapsed_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  fmt::print("{}: {}x{} -> {}x{} in {:.1f} s\n", options.output, picture.width(), picture.height(),
             engine.scale() * picture.width(), engine.scale() * picture.height(), elapsed_s);
}

}  // namespace

void add_upscale(CLI::App& app) {
  CLI::App* command = app.add_subcommand("upscale", "Upscale a picture or a film with FSRCNN");
  const auto options = std::make_shared<UpscaleOptions>();
  command
      ->add_option("input", options->input,
                   "Picture (JPEG, PNG, TIFF, WebP or whatever libvips reads), film (whatever FFmpeg reads), or - for "
                   "YUV4MPEG2 on standard input")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("-o,--output", options->output,
                   "Picture to write: .png, .jpg, .tif or .webp; film: .mkv, .mp4, ...; or - for YUV4MPEG2")
      ->required()
      ->type_name("FILE");
  options->model.add_model_to(*command);
  options->model.add_scale_to(*command);
  options->engine.add_to(*command);
  options->film.add_to(*command);
  command->add_flag("-q,--quiet", options->quiet, "Print nothing but errors");
  command->callback([options] { run(*options); });
}

}  // namespace fsrcnn::cli
