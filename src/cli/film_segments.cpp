#include <chrono>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/counted.hpp"
#include "cli/commands.hpp"
#include "cli/film_option.hpp"
#include "cli/interrupt.hpp"
#include "cli/jobs.hpp"
#include "cli/run_summary.hpp"
#include "cli/stream_option.hpp"
#include "video/film.hpp"
#include "video/film_check.hpp"
#include "video/frame_plan.hpp"

// `plan` and `join`: a film upscaled in segments, by many machines if need be.

namespace fsrcnn::cli {

void add_plan(CLI::App& app) {
  struct Options {
    std::string film;
    int64_t segment_frames = kSegmentFrames;
    bool json = false;
  };
  CLI::App* command =
      app.add_subcommand("plan", "Print the segments of a film, for `upscale --frames` on several machines");
  const auto options = std::make_shared<Options>();
  command->add_option("film", options->film, "Film")->required()->type_name("FILE");
  add_segment_frames(*command, options->segment_frames);
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options] {
    const Film film(options->film);
    check_whole(film);
    const auto segments = cut_into_segments(film.index().frames, options->segment_frames);
    const auto seconds = [&](int64_t frame) {
      const auto& index = film.index().frames;
      return static_cast<double>(index[static_cast<size_t>(frame)].time - index.front().time) *
             av_q2d(film.video().time_base);
    };
    const std::string& cut_short = film.index().cut_short;
    std::vector<std::string> notes = film.index().notes;
    // What the pictures themselves say, as `upscale` does with its defaults. The network's scale changes nothing of it.
    const FramePlan frames = plan_frames(film, {}, true, [](auto) { return 2; });
    notes.insert(notes.end(), frames.notes.begin(), frames.notes.end());
    if (!cut_short.empty()) notes.push_back(cut_short);
    for (const std::string& note : notes) fmt::print(stderr, "fsrcnn: note: {}\n", note);
    if (options->json) {
      nlohmann::json list = nlohmann::json::array();
      for (const FrameRange& s : segments) {
        list.push_back({{"frames", fmt::format("{}:{}", s.begin, s.end)}, {"begin_s", seconds(s.begin)}});
      }
      const nlohmann::json plan = {{"film", options->film}, {"segments", list}, {"warnings", notes}};
      fmt::print("{}\n", plan.dump(1, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
      for (const FrameRange& s : segments) fmt::print("{}:{}\n", s.begin, s.end);
    }
    if (!cut_short.empty()) throw CLI::RuntimeError(1);
  });
}

void add_join(CLI::App& app) {
  struct Options {
    std::string film, output;
    std::vector<std::string> segments;
    StreamChoice streams;
    bool overwrite = false, quiet = false, json = false;
  };
  CLI::App* command =
      app.add_subcommand("join", "Join segments made by `upscale --frames`, and add the film's sound and subtitles");
  const auto options = std::make_shared<Options>();
  command->add_option("film", options->film, "Film that the segments were made from")->required()->type_name("FILE");
  command->add_option("segments", options->segments, "All segments of the film")->required()->type_name("FILE.nut");
  command->add_option("-o,--output", options->output, "Output film: .mkv, .mp4, ...")->required()->type_name("FILE");
  add_overwrite(*command, options->overwrite);
  add_streams(*command, options->streams);
  command->add_flag("--json", options->json, "Print a summary of the run as JSON");
  command->add_flag("-q,--quiet", options->quiet, "Print only errors");
  command->callback([options] {
    const std::vector<std::filesystem::path> segments(options->segments.begin(), options->segments.end());
    RunSummary summary;
    InputSummary& film = summary.inputs.emplace_back();
    film.input = options->film;
    film.output = options->output;
    const auto join = [&] {
      check_may_write(options->output, options->overwrite);
      const StopRequest stop;
      const FilmResult result = join_film(options->film, segments, options->output, options->streams, stop);
      fill(film, result);
      film.method = fmt::format("{}, {}", counted(result.segments, "segment"), result.encoder);
      film.stages = {{"writing", result.mux_s}};
    };
    const auto begin = std::chrono::steady_clock::now();
    film.error = error_of(join, "out of memory: '" + film.input + "' is too large for this machine");
    film.seconds = summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    summary.signal = stop_signal();
    if (!options->quiet) {
      for (const std::string& warning : film.warnings) fmt::print(stderr, "fsrcnn: note: {}\n", warning);
    }
    if (film.error) {
      fmt::print(stderr, "fsrcnn: {}\n", film.error->what());
    } else if (!options->quiet && !options->json) {
      fmt::print("{}: {} of {}\n", options->output, counted(film.frames, "frame"), counted(segments.size(), "segment"));
    }
    finish(summary, options->json);
  });
}

}  // namespace fsrcnn::cli
