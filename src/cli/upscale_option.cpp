#include "cli/upscale_option.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"
#include "cli/number_check.hpp"
#include "cli/size_option.hpp"

namespace fsrcnn::cli {
namespace {

/// CLI11's own range would let NaN pass.
CLI::Validator number_from(double least, double most, const char* name) {
  const auto check = [=](const std::string& text) {
    double number = 0;
    const bool is_one = CLI::detail::lexical_cast(text, number) && number >= least && number <= most;
    return is_one ? "" : fmt::format("'{}' is not a {} from {} to {}", text, name, least, most);
  };
  return CLI::Validator(check, "");
}

// And what films have in their place.
constexpr std::pair<const char*, const char*> kPictureOnly[] = {{"--quality", "--crf"},
                                                                {"--compression", "--preset"},
                                                                {"--alpha", "--pixel-format"},
                                                                {"--background", ""},
                                                                {"--tile", ""},
                                                                {"--chroma", ""},
                                                                {"--max-pixels", ""}};

}  // namespace

void add_upscale_options(CLI::App& app, const std::shared_ptr<UpscaleOptions>& options) {
  CLI::App* const command = &app;
  command
      ->add_option("input", options->jobs.inputs,
                   "Pictures (JPEG, PNG, TIFF, WebP, GIF, AVIF, HEIC, JPEG XL, JPEG 2000, BMP, OpenEXR and others, by "
                   "content), films (any that FFmpeg reads), folders, or - for one of them on standard input")
      ->required()
      ->type_name("FILE|DIR");
  command
      ->add_option("-o,--output", options->jobs.output,
                   "Output file; its suffix selects the format: .png, .jpg, .tif, .webp, .gif, .avif, .heic, .jxl, "
                   ".bmp, .tga, .ppm, .pgm, .pnm, .pam, .pfm; for "
                   "films .mkv, .mp4, .mov, .webm, ... Or - for standard output, as --format, or YUV4MPEG2 for films. "
                   "For several inputs or a folder: the output folder")
      ->type_name("FILE|DIR");
  command->add_flag("--in-place", options->jobs.in_place,
                    "Replace pictures by the upscaled ones, in place of --output");
  command->add_flag("-r,--recursive", options->jobs.recursive, "Include subfolders");
  command->add_flag("--skip-existing", options->skip_existing, "Skip inputs whose output already exists");
  add_overwrite(*command, options->overwrite);
  command->add_option("--format", options->jobs.format, "Format of pictures in an output folder or on standard output")
      ->default_str("the input's, or png")
      ->type_name("png|jpg|tif|webp|gif|avif|heic|jxl|bmp|tga|ppm|...");
  CLI::Option* scale = command->add_option("--scale", options->picture.target.scale, "Factor for width and height")
                           ->default_str("the model's")
                           ->check(number_from(1, 8, "scale"))
                           ->type_name("1...8");
  CLI::Option* size =
      command
          ->add_option_function<std::string>(
              "--size", [options](const std::string& text) { parse_target_size(text, options->picture.target); },
              "Size of the output; WIDTHx or xHEIGHT: the other by the picture's shape; N: of the longer side. The "
              "pixels of films become square")
          ->excludes(scale)
          ->type_name("WxH");
  for (const auto& [name, side, form] : {std::tuple("--width", &TargetSize::width, "--size Nx"),
                                         std::tuple("--height", &TargetSize::height, "--size xN")}) {
    command->add_option(name, options->picture.target.*side, fmt::format("The same as {}", form))
        ->excludes(scale)
        ->excludes(size)
        ->check(CLI::Range(1, 1 << 24).description(""))
        ->type_name("N");
  }
  command
      ->add_option_function<std::string>(
          "--fit",
          [options](const std::string& name) {
            options->picture.target.fit = name == "inside"  ? Fit::inside
                                          : name == "cover" ? Fit::cover
                                          : name == "pad"   ? Fit::pad
                                                            : Fit::stretch;
          },
          "A picture of another shape than --size: stretch, it gets that shape; inside, it becomes as large as it "
          "fits; "
          "cover, it becomes as small as it covers the size, and its ends are cut off; pad, of films, inside with "
          "black "
          "bars up to the size")
      ->default_str("stretch")
      ->check(CLI::IsMember({"stretch", "inside", "cover", "pad"}).description(""))
      ->type_name("stretch|inside|cover|pad");
  command
      ->add_option("--quality", options->picture.encoding.quality,
                   "Quality of JPEG, WebP, JPEG XL, AVIF and HEIC; 100 is lossless in WebP and JPEG XL")
      ->default_str("95; for AVIF and HEIC 90; lossless for a lossless WebP or JPEG XL in its own format")
      ->check(CLI::Range(1, 100).description(""))
      ->type_name("1...100");
  command
      ->add_option(
          "--compression", options->picture.encoding.compression,
          "Effort to make files small without loss, of all picture formats but JPEG; 0 is none in PNG and TIFF")
      ->default_str("what is fast")
      ->check(CLI::Range(0, 9).description(""))
      ->type_name("0...9");
  options->engine.options.extend_edges = true;
  command
      ->add_option_function<std::string>(
          "--edges", [options](const std::string& name) { options->engine.options.extend_edges = name == "mirror"; },
          "What the network sees outside: mirror, the picture's mirror image, so that borders look like the rest; pad, "
          "its own padding, as PyTorch computes it")
      ->default_str("mirror")
      ->check(CLI::IsMember({"mirror", "pad"}).description(""))
      ->type_name("mirror|pad");
  command
      ->add_option_function<std::string>(
          "--alpha",
          [options](const std::string& name) {
            options->picture.alpha.kind = name == "data"           ? AlphaKind::data
                                          : name == "transparency" ? AlphaKind::transparency
                                                                   : AlphaKind::dropped;
          },
          "What a channel beside the colours is: data, e.g. infrared or a mask, which is upscaled by itself; "
          "transparency; or drop it")
      ->default_str("what the file says")
      ->check(CLI::IsMember({"data", "transparency", "drop"}).description(""))
      ->type_name("data|transparency|drop");
  command
      ->add_option_function<std::string>(
          "--background",
          [options](const std::string& text) { options->picture.alpha.background = parse_colour(text); },
          "Colour to put transparent pictures on: white, black or RRGGBB; for formats without transparency, such as "
          "JPEG")
      ->type_name("COLOUR");
  command->add_flag("--tile", options->picture.tile,
                    "Seamless textures: the output, too, lies beside itself without a seam");
  options->engine.options.guard = 1;
  command
      ->add_option(
          "--guard", options->engine.options.guard,
          "How much is taken away of white lines and ghosts beside edges: of what a pixel has beyond the range "
          "of the 3x3 input pixels around it, widened by half of that range, at the edge of an even surface by "
          "a sixteenth. 0: nothing, 1: all")
      ->default_str("1")
      ->check(number_from(0, 1, "share"))
      ->type_name("0...1");
  command
      ->add_option_function<std::string>(
          "--chroma",
          [options](const std::string& name) {
            options->picture.chroma = name == "bicubic" ? ChromaMethod::bicubic : ChromaMethod::guided;
          },
          "Colours of pictures: guided, by the details that the network gives to luma, so that coloured edges are as "
          "sharp; bicubic, by themselves")
      ->default_str("guided")
      ->check(CLI::IsMember({"guided", "bicubic"}).description(""))
      ->type_name("guided|bicubic");
  command->add_option("--max-pixels", options->picture.most_pixels, "Largest accepted input picture, in pixels")
      ->default_str(std::to_string(kMostPixels))
      ->check(positive_number())
      ->type_name("N");
  options->model
      .add_model_to(
          *command, "--model",
          "Weights: auto, the built-in model for the scale and, where the picture is a JPEG that compression has "
          "left its traces in, for compressed ones; a built-in model (" +
              builtin_list() +
              "); a .safetensors, .onnx, .pth, .h5, .keras or .tflite file; or a folder of text kernels")
      ->type_name("auto|NAME|FILE|DIR")
      ->default_str(ModelOption::kAuto);
  options->model.add_scale_to(*command);
  options->engine.add_to(*command);
  options->film.add_to(*command);
  command->add_flag("--json", options->json, "Print a summary of the run as JSON");
  command->add_flag("-q,--quiet", options->quiet, "Print only errors");
}

std::vector<std::string> picture_only_options(const CLI::App& command) {
  std::vector<std::string> given;
  for (const auto& [name, other] : kPictureOnly) {
    if (command.get_option(name)->count() > 0) given.emplace_back(name);
  }
  return given;
}

std::string about(const std::vector<std::string>& picture_only) {
  std::vector<std::string> others;
  for (const auto& [name, other] : kPictureOnly) {
    const bool is_given = std::find(picture_only.begin(), picture_only.end(), name) != picture_only.end();
    if (is_given && *other != '\0') others.emplace_back(other);
  }
  return fmt::format("{} {} for pictures{}{}", fmt::join(picture_only, ", "), picture_only.size() == 1 ? "is" : "are",
                     others.empty() ? " only" : "; films have ", fmt::join(others, ", "));
}

}  // namespace fsrcnn::cli
