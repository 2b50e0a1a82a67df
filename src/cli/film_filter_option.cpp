#include "cli/film_filter_option.hpp"

#include <algorithm>
#include <regex>
#include <string>
#include <string_view>
#include <utility>

extern "C" {
#include <libavutil/parseutils.h>
}

#include "base/error.hpp"

namespace fsrcnn::cli {
namespace {

constexpr std::pair<std::string_view, Deinterlacer> kDeinterlacers[] = {
    {"auto", Deinterlacer::automatic}, {"bwdif", Deinterlacer::bwdif},       {"yadif", Deinterlacer::yadif},
    {"estdif", Deinterlacer::estdif},  {"telecine", Deinterlacer::telecine}, {"off", Deinterlacer::off}};

void parse_deinterlacer(const std::string& text, FilterOptions& filters) {
  constexpr std::string_view kFrame = ":frame";
  std::string_view name = text;
  filters.frame_for_field = !name.ends_with(kFrame);
  if (!filters.frame_for_field) name.remove_suffix(kFrame.size());
  const auto* found = std::find_if(std::begin(kDeinterlacers), std::end(kDeinterlacers),
                                   [&](const auto& d) { return d.first == name; });
  if (found == std::end(kDeinterlacers)) {
    fail(ErrorCode::usage,
         "--deinterlace is '{}', but must be auto, bwdif, yadif, estdif, telecine or off; the first four may end with "
         ":frame, for one frame for each two fields",
         text);
  }
  filters.deinterlacer = found->second;
}

// Whether it lies in the pictures is known when there are some.
std::string parse_crop(const std::string& text) {
  static const std::regex kForm("auto|[0-9]{1,8}:[0-9]{1,8}(:[0-9]{1,8}:[0-9]{1,8})?");
  if (std::regex_match(text, kForm)) return text;
  fail(ErrorCode::usage,
       "--crop is '{}', but must be auto, W:H:X:Y (the size and the left upper corner, in pixels) or W:H (of the "
       "middle), e.g. 1920:800:0:140",
       text);
}

}  // namespace

void add_filter_options(CLI::App& command, FilterOptions& filters) {
  command
      .add_option_function<std::string>(
          "--deinterlace", [&filters](const std::string& text) { parse_deinterlacer(text, filters); },
          "Films: auto, as frames from several places of the film need it; bwdif, yadif or estdif, one frame for each "
          "field, with :frame one for each two fields; telecine, undo 3:2 pulldown; off, take all frames for "
          "progressive")
      ->default_str("auto")
      ->type_name("auto|bwdif|yadif|estdif|telecine|off[:frame]");
  command
      .add_option_function<std::string>(
          "--crop", [&filters](const std::string& text) { filters.crop = parse_crop(text); },
          "Films: the part to upscale, its size and its left upper corner, or only the size of a part in the middle, "
          "in "
          "pixels; auto, what black bars leave")
      ->type_name("auto|W:H[:X:Y]");
  command
      .add_option(
          "--filter-before", filters.before,
          "Films: FFmpeg's filters for the pictures before the network, e.g. hqdn3d; they may add, drop and move "
          "pictures")
      ->type_name("GRAPH");
  command
      .add_option("--filter-after", filters.after,
                  "Films: FFmpeg's filters for the upscaled pictures; they start anew with each segment")
      ->type_name("GRAPH");
  command
      .add_option("--pixel-format", filters.pixels,
                  "Films: pixels of the output, as FFmpeg names them, e.g. yuv420p10le")
      ->default_str("the film's own")
      ->type_name("NAME");
}

CLI::Option* add_time(CLI::App& command, const std::string& name, const std::string& help,
                      std::optional<int64_t>& time_us) {
  return command
      .add_option_function<std::string>(
          name,
          [name, &time_us](const std::string& text) {
            int64_t time = 0;
            if (av_parse_time(&time, text.c_str(), 1) < 0 || time < 0) {
              fail(ErrorCode::usage, "{} is '{}', but must be seconds or HH:MM:SS, e.g. 75.5 or 00:01:15.5", name,
                   text);
            }
            time_us = time;
          },
          help)
      ->type_name("TIME");
}

}  // namespace fsrcnn::cli
