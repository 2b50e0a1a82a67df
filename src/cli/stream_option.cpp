#include "cli/stream_option.hpp"

#include <charconv>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace fsrcnn::cli {
namespace {

std::vector<int> parse_numbers(const std::vector<std::string>& texts) {
  std::vector<int> numbers;
  for (const std::string& text : texts) {
    const char* const end = text.data() + text.size();
    const auto [last, error] = std::from_chars(text.data(), end, numbers.emplace_back());
    if (error == std::errc() && last == end) continue;
    fail(ErrorCode::usage, "--streams has '{}', but must have numbers of streams, e.g. 0,2", text);
  }
  return numbers;
}

}  // namespace

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
      .add_option_function<std::vector<std::string>>(
          "--streams", [&choice](const std::vector<std::string>& texts) { choice.streams = parse_numbers(texts); },
          "Films: keep only these streams beside the pictures, by their numbers from 0 on, e.g. 0,2")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->default_str("all")
      ->type_name("N,N,...");
  command.add_flag("--drop-unknown", choice.drops_unknown,
                   "Films: leave streams out that the output's format does not store, instead of refusing the film");
}

}  // namespace fsrcnn::cli
