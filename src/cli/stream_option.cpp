#include "cli/stream_option.hpp"

#include <string>
#include <vector>

namespace fsrcnn::cli {

void add_streams(CLI::App& command, StreamChoice& choice) {
  command.add_flag_callback(
      "--no-audio", [&choice] { choice.has_audio = false; }, "Films: leave sound out");
  CLI::Option* none = command.add_flag_callback(
      "--no-subtitles", [&choice] { choice.subtitles = SubtitleChoice::drop; },
      "Films: leave subtitles out, as --subtitles drop");
  command
      .add_option_function<std::string>(
          "--subtitles",
          [&choice](const std::string& name) {
            choice.subtitles = name == "copy"   ? SubtitleChoice::copy
                               : name == "drop" ? SubtitleChoice::drop
                                                : SubtitleChoice::convert;
          },
          "Films: convert, subtitles of text become what the output's format stores, if need be; copy, they are never "
          "changed; drop, they are left out")
      ->excludes(none)
      ->default_str("convert")
      ->check(CLI::IsMember({"convert", "copy", "drop"}).description(""))
      ->type_name("convert|copy|drop");
  command
      .add_option_function<std::vector<int>>(
          "--streams", [&choice](const std::vector<int>& numbers) { choice.streams = numbers; },
          "Films: keep only these streams beside the pictures, by their numbers from 0 on, e.g. 0,2")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->default_str("all")
      ->type_name("N,N,...");
  command.add_flag("--drop-unknown", choice.drops_unknown,
                   "Films: leave streams out that the output's format does not store, instead of refusing the film");
}

}  // namespace fsrcnn::cli
