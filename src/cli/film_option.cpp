#include "cli/film_option.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/counted.hpp"
#include "base/error.hpp"
#include "cli/film_filter_option.hpp"
#include "cli/interrupt.hpp"
#include "cli/progress_bar.hpp"
#include "cli/stream_option.hpp"
#include "video/film_preview.hpp"

namespace fsrcnn::cli {
namespace {

using Clock = std::chrono::steady_clock;

FrameRange parse_range(const std::string& text) {
  FrameRange range;
  const size_t colon = text.find(':');
  const auto number = [&](size_t begin, size_t end, int64_t& value) {
    const auto [last, error] = std::from_chars(text.data() + begin, text.data() + end, value);
    return error == std::errc() && last == text.data() + end;
  };
  if (colon == std::string::npos || !number(0, colon, range.begin) || !number(colon + 1, text.size(), range.end)) {
    fail(ErrorCode::usage, "--frames is '{}', but must be BEGIN:END, two frame numbers with END exclusive, e.g. 0:240",
         text);
  }
  return range;
}

// Messages about dropped and damaged parts of the film.
std::vector<std::string> warnings_of(const FilmResult& result) {
  std::vector<std::string> warnings = result.warnings;
  if (!result.cut_short.empty()) warnings.push_back(result.cut_short);
  const Damage& d = result.damage;
  const auto tell = [&](int64_t count, const char* of_one, const char* of_many) {
    if (count > 0) warnings.push_back(count == 1 ? fmt::format("1 {}", of_one) : fmt::format("{} {}", count, of_many));
  };
  tell(d.packets, "packet of the film is damaged and could not be decoded; its frame is missing",
       "packets of the film are damaged and could not be decoded; their frames are missing");
  tell(d.frames, "frame of the film is damaged and was decoded with errors",
       "frames of the film are damaged and were decoded with errors");
  tell(d.out_of_order, "frame of the film has no timestamp of its own and was dropped",
       "frames of the film have no timestamp of their own and were dropped");
  tell(d.missing, "frame of the film could not be decoded and is missing",
       "frames of the film could not be decoded and are missing");
  tell(d.dropped, "frame was dropped by the encoder; choose another encoder with --codec",
       "frames were dropped by the encoder; choose another encoder with --codec");
  tell(d.interlaced, "frame of the film is interlaced; it may show combing, which --deinterlace bwdif removes",
       "frames of the film are interlaced; they may show combing, which --deinterlace bwdif removes");
  return warnings;
}

// Whether the film or its output is incomplete.
bool is_damaged(const FilmResult& result) {
  const Damage& d = result.damage;
  return d.packets + d.frames + d.out_of_order + d.missing + d.dropped > 0 || result.incomplete ||
         !result.cut_short.empty();
}

// One line of JSON per second, for other programs.
class ProgressLines {
 public:
  void update(const FilmProgress& p) {
    const auto now = Clock::now();
    if (p.frames_done != p.frames && now - last_ < std::chrono::seconds(1)) return;
    last_ = now;
    const double elapsed_s = std::chrono::duration<double>(now - start_).count();
    const auto here = static_cast<double>(p.frames_done - p.frames_before);
    nlohmann::json line = {{"frames_done", p.frames_done}, {"frames_per_s", here / std::max(elapsed_s, 1e-9)}};
    if (p.frames > 0) {
      line["frames"] = p.frames;
      line["seconds_left"] = here > 0 ? static_cast<double>(p.frames - p.frames_done) * elapsed_s / here : -1;
    }
    fmt::print(stderr, "{}\n", line.dump());
    std::fflush(stderr);
  }

 private:
  Clock::time_point start_ = Clock::now(), last_ = start_;
};

}  // namespace

void add_segment_frames(CLI::App& command, int64_t& frames) {
  command.add_option("--segment-frames", frames, "Minimum number of frames in a segment")
      ->default_str(std::to_string(frames))
      ->check(CLI::Range(1, 1'000'000).description(""))
      ->type_name("N");
}

void FilmOption::add_to(CLI::App& command) {
  command.add_option("--codec", encoder.codec, "Films: encoder or codec family, e.g. libx265 or hevc")
      ->default_str("the film's own codec")
      ->type_name("NAME");
  command.add_option("--crf", encoder.crf, "Films: constant quality in the encoder's unit")
      ->default_str("nearly no visible loss")
      ->check(CLI::Range(0, 255).description(""))
      ->type_name("N");
  command.add_option("--preset", encoder.preset, "Films: preset of the encoder, e.g. fast")->type_name("NAME");
  command
      .add_option_function<std::vector<std::string>>(
          "--encoder-option",
          [this](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) {
              const size_t equals = text.find('=');
              if (equals == std::string::npos || equals == 0) {
                fail(ErrorCode::usage, "--encoder-option is '{}', but must be KEY=VALUE, e.g. tune=film", text);
              }
              encoder.others.emplace_back(text.substr(0, equals), text.substr(equals + 1));
            }
          },
          "Films: option of the encoder, as FFmpeg names it; may be repeated")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  CLI::Option* const range = command
                                 .add_option_function<std::string>(
                                     "--frames", [this](const std::string& text) { frames = parse_range(text); },
                                     "Films: write only frames A to B - 1, as a segment (.nut) for `fsrcnn join`")
                                 ->type_name("A:B");
  add_filter_options(command, filters);
  CLI::Option* const start = add_time(
      command, "--start",
      "Films: begin with the first frame at or after this time, as ffmpeg -ss does; it is then at 0", start_us);
  CLI::Option* const end =
      add_time(command, "--end", "Films: end before the first frame at or after this time", end_us);
  start->excludes(range);
  end->excludes(range);
  CLI::Option* const file =
      command
          .add_option(
              "--preview", preview,
              "Films: write only one picture, before, enlarged bicubically, and after side by side, in place of "
              "--output")
          ->type_name("FILE.png");
  CLI::Option* const at =
      add_time(command, "--at", "Films: time of the picture of --preview, the first at or after it", at_us);
  file->needs(at);
  at->needs(file);
  add_segment_frames(command, segment_frames);
  add_streams(command, streams);
  command
      .add_option_function<std::string>(
          "--progress", [this](const std::string& kind) { progress_json = kind == "json"; },
          "Films: bar, shown on a terminal; json, one line per second on standard error")
      ->default_str("bar")
      ->check(CLI::IsMember({"bar", "json"}).description(""))
      ->type_name("bar|json");
}

std::vector<std::string> FilmOption::given() const {
  std::vector<std::string> names;
  if (!encoder.codec.empty()) names.emplace_back("--codec");
  if (encoder.crf >= 0) names.emplace_back("--crf");
  if (!encoder.preset.empty()) names.emplace_back("--preset");
  if (!encoder.others.empty()) names.emplace_back("--encoder-option");
  if (!streams.has_audio) names.emplace_back("--no-audio");
  if (streams.subtitles != SubtitleChoice::convert) names.emplace_back("--subtitles");
  if (streams.streams) names.emplace_back("--streams");
  if (streams.drops_unknown) names.emplace_back("--drop-unknown");
  return names;
}

void fill(InputSummary& summary, const FilmResult& result) {
  summary.kind = "film";
  summary.width = result.width;
  summary.height = result.height;
  summary.output_width = result.output_width;
  summary.output_height = result.output_height;
  summary.frames = result.frames;
  summary.warnings = warnings_of(result);
  summary.status = is_damaged(result) ? InputSummary::Status::damaged : InputSummary::Status::done;
}

void upscale_film_file(const EngineFor& engine_for, const std::string& input, const std::string& output,
                       const FilmOption& option, const TargetSize& target, ProgressBar& bar, InputSummary& summary) {
  FilmJob job;
  job.input = input;
  job.output = output;
  job.frames = option.frames;
  job.encoder = option.encoder;
  job.streams = option.streams;
  job.filters = option.filters;
  job.filters.target = target;
  job.start_us = option.start_us;
  job.end_us = option.end_us;
  job.segment_frames = option.segment_frames;
  ProgressLines lines;
  FilmProgress last;
  FilmResult result;
  try {
    const StopRequest stop;
    result = option.at_us ? preview_film(engine_for, job, *option.at_us, stop)
                          : upscale_film(engine_for, job, stop, [&](const FilmProgress& progress) {
                              last = progress;
                              option.progress_json
                                  ? lines.update(progress)
                                  : bar.update(progress.frames_done, progress.frames, progress.frames_before);
                            });
  } catch (const Error& e) {
    const std::filesystem::path parts = parts_folder(output);
    const bool resumable = std::filesystem::is_directory(parts);
    if (e.code() == ErrorCode::cancelled) {
      fail(ErrorCode::cancelled, "stopped after {}; {}", counted(last.frames_done, "frame"),
           resumable ? fmt::format("run the same command again to resume from '{}'", parts.string())
                     : "nothing was written");
    }
    if (e.code() == ErrorCode::io && resumable) {
      fail(ErrorCode::io, "{}. Finished segments are kept in '{}'; run the same command again to resume from there",
           e.what(), parts.string());
    }
    throw;
  }
  const FilmStatistics& s = result.statistics;
  fill(summary, result);
  summary.method = fmt::format("{}, {}", summary.model, result.encoder);
  if (result.frames_before > 0)
    summary.method += fmt::format(
        "; {} already done", counted(result.frames_before, "frame") + (result.frames_before == 1 ? " was" : " were"));
  if (s.strips_copied > 0) {
    summary.method += fmt::format("; {:.0f}% of the frames' area was unchanged and copied",
                                  100.0 * static_cast<double>(s.strips_copied) / static_cast<double>(s.strips));
  }
  summary.stages = {{"decoding", s.decode_s},
                    {"resampling", s.chroma_s},
                    {"network", s.luma_s},
                    {"encoding", s.encode_s},
                    {"writing", result.mux_s}};
  summary.strips = s.strips;
  summary.strips_reused = s.strips_copied;
}

}  // namespace fsrcnn::cli
