#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/atomic_output.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "cli/commands.hpp"
#include "cli/engine_choice.hpp"
#include "cli/engine_option.hpp"
#include "cli/film_option.hpp"
#include "cli/interrupt.hpp"
#include "cli/jobs.hpp"
#include "cli/model_option.hpp"
#include "cli/progress_bar.hpp"
#include "cli/run_summary.hpp"
#include "cli/upscale_option.hpp"
#include "picture/decode_apart.hpp"
#include "picture/jpeg_quality.hpp"
#include "picture/upscale_picture.hpp"

namespace fsrcnn::cli {
namespace {

// Up to this quality of a JPEG the model for compressed films is better on every picture of docs/ARCHITECTURE.md's.
constexpr int kCompressed = 88;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// A picture for standard output: a file first, because what writes some formats goes back in them.
class StandardOutput {
 public:
  /// Without a format: that of the input's name, or PNG.
  StandardOutput(const std::filesystem::path& input, const std::string& format)
      : folder_(std::filesystem::temp_directory_path() / "fsrcnn-standard-output", AtomicOutput::Kind::folder) {
    const std::string suffix = !format.empty() ? "." + format : is_writable(input) ? lower_suffix(input) : ".png";
    file_ = folder_.temporary() / ("standard-output" + suffix);
  }
  const std::filesystem::path& file() const { return file_; }
  void send() const {
    std::ifstream file(file_, std::ios::binary);
    std::vector<char> bytes(1 << 20);
    while (file.read(bytes.data(), std::ssize(bytes)) || file.gcount() > 0) {
      if (std::fwrite(bytes.data(), 1, static_cast<size_t>(file.gcount()), stdout) !=
          static_cast<size_t>(file.gcount())) {
        break;
      }
    }
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      fail(ErrorCode::io, "writing to standard output failed: {}", std::generic_category().message(errno));
    }
  }

 private:
  AtomicOutput folder_;  // never committed
  std::filesystem::path file_;
};

void upscale_picture_file(EngineChoice& engines, const Job& job, const UpscaleOptions& options, ProgressBar& bar,
                          InputSummary& summary) {
  PictureOptions picture_options = options.picture;
  if (job.is_preview) fail(ErrorCode::usage, "'{}' is a picture; --preview is for films", job.input.string());
  if (picture_options.target.fit == Fit::pad) {
    fail(ErrorCode::usage, "'{}' is a picture; --fit pad is for films", job.input.string());
  }
  picture_options.only_whole = job.in_place;
  std::error_code unknown, unknown_links;
  // They lead to the file that is replaced by another.
  const uintmax_t links = job.in_place ? std::filesystem::hard_link_count(job.input, unknown_links) : 1;
  std::optional<StandardOutput> standard_output;
  if (job.output == "-") standard_output.emplace(job.input, options.jobs.format);
  std::ifstream file;  // not of what can be read but once
  if (std::filesystem::is_regular_file(job.input, unknown)) file.open(job.input, std::ios::binary);
  const bool is_compressed = jpeg_quality(file).value_or(100) <= kCompressed;
  const UpscaledPicture picture = upscale_picture(
      [&](const auto& factor) -> Engine& { return engines.engine_for(factor, is_compressed); }, job.input,
      standard_output ? standard_output->file() : job.output, picture_options,
      [&](double share) {
        if (stop_signal() != 0) {
          fail(ErrorCode::cancelled, "'{}' was interrupted; nothing of it is written", job.input.string());
        }
        bar.update(share);
      });
  if (standard_output) standard_output->send();
  summary.kind = "picture";
  summary.width = picture.input.width;
  summary.height = picture.input.height;
  summary.output_width = picture.plan.cut_width;
  summary.output_height = picture.plan.cut_height;
  summary.frames = picture.input.frames;
  summary.model = engines.name_of(*picture.engine);
  summary.model_scale = picture.engine->scale();
  summary.method = describe(picture.plan, summary.model);
  summary.stages = {{"reading", picture.times.reading},
                    {"colour", picture.times.colour},
                    {"network", picture.times.network},
                    {"resampling", picture.times.resampling},
                    {"writing", picture.times.writing}};
  summary.warnings = picture.warnings;
  if (!unknown_links && links > 1) {
    summary.warnings.push_back(
        fmt::format("'{}' has other names (hard links), under which the old picture stays", job.input.string()));
  }
  if (const std::vector<std::string> given = options.film.given(); !given.empty()) {
    summary.warnings.push_back(fmt::format("'{}' is a picture; {} {} films only", summary.input, fmt::join(given, ", "),
                                           given.size() == 1 ? "is for" : "are for"));
  }
  if (picture.damaged) summary.status = InputSummary::Status::damaged;
}

void upscale_one(EngineChoice& engines, const Job& job, const UpscaleOptions& options, ProgressBar& bar,
                 InputSummary& summary) {
  if (!job.is_film) return upscale_picture_file(engines, job, options, bar, summary);
  if (is_empty_file(job.input)) fail(ErrorCode::input, "'{}' is empty", job.input.string());
  const EngineFor engine_for = [&](const std::optional<double>& factor) -> Engine& {
    Engine& engine = engines.engine_for(factor);
    summary.model = engines.name_of(engine);
    summary.model_scale = engine.scale();
    return engine;
  };
  upscale_film_file(engine_for, job.input.string(), job.output.string(), options.film, options.picture.target, bar,
                    summary);
  if (!options.picture_only.empty()) {
    summary.warnings.push_back(fmt::format("'{}' is a film; {}", summary.input, about(options.picture_only)));
  }
}

std::string sentence(const InputSummary& s) {
  std::string text = fmt::format("{}: {}x{} -> {}x{}", s.output, s.width, s.height, s.output_width, s.output_height);
  if (s.frames > 1) text += fmt::format(", {} frames", s.frames);
  text += fmt::format(" in {:.1f} s", s.seconds);
  return text + " (" + s.method + ")";
}

/// is_shown: whether this job's progress is, as the oldest of those that run.
InputSummary run_job(EngineChoice& engines, const Job& job, const UpscaleOptions& options,
                     const std::function<bool()>& is_shown) {
  InputSummary summary;
  summary.input = job.input.string();
  summary.output = job.output.string();
  if (job.error) {
    summary.error = job.error;
    return summary;
  }
  std::error_code error;
  if (options.skip_existing && std::filesystem::exists(job.output, error)) {
    summary.status = InputSummary::Status::skipped;
    return summary;
  }
  summary.error = error_of([&] { check_may_write(job.output, options.overwrite || job.in_place); }, "");
  if (summary.error) return summary;
  const Clock::time_point begin = Clock::now();
  ProgressBar bar(options.quiet || options.film.progress_json, is_shown);
  bar.update(0);
  summary.error = error_of([&] { upscale_one(engines, job, options, bar, summary); },
                           "out of memory: '" + summary.input + "' is too large for this machine");
  if (!summary.error && summary.status == InputSummary::Status::failed) summary.status = InputSummary::Status::done;
  summary.seconds = seconds_since(begin);
  return summary;
}

void report(const InputSummary& input, const UpscaleOptions& options) {
  if (!options.quiet || input.status == InputSummary::Status::damaged) {
    for (const std::string& warning : input.warnings) fmt::print(stderr, "fsrcnn: note: {}\n", warning);
  }
  if (input.error) fmt::print(stderr, "fsrcnn: {}\n", input.error->what());
  if (stop_signal() != 0 || !options.prints() || input.status == InputSummary::Status::failed) return;
  const bool skipped = input.status == InputSummary::Status::skipped;
  // Standard output may be the film.
  fmt::print(input.output == "-" ? stderr : stdout, "{}\n",
             skipped ? input.output + ": already exists, skipped" : sentence(input));
  std::fflush(stdout);
}

void run_jobs(const UpscaleOptions& options, RunSummary& summary) {
  const std::vector<Job> jobs = plan_jobs(options.jobs, summary.warnings);
  // Of several, it is told how far it came; one ends at once.
  std::optional<StopRequest> stop;
  if (jobs.size() > 1) stop.emplace();
  if (!options.quiet) {
    for (const std::string& warning : summary.warnings) fmt::print(stderr, "fsrcnn: note: {}\n", warning);
  }
  // Pictures two at a time: while one is opened, or the end of its file written, the other keeps the cores busy.
  constexpr size_t kAtOnce = 2;
  const auto is_picture = [](const Job& job) { return !job.error && !job.is_film; };
  const auto pictures = static_cast<size_t>(std::count_if(jobs.begin(), jobs.end(), is_picture));
  const bool has_films = std::any_of(jobs.begin(), jobs.end(), [](const Job& job) { return job.is_film; });
  if (pictures == 0 && has_films && !options.picture_only.empty()) {
    fail(ErrorCode::usage, "'{}' is a film; {}", jobs.front().input.string(), about(options.picture_only));
  }
  // Before the engine has threads.
  for (size_t i = 0; i < std::min(pictures, kAtOnce); ++i) prepare_decoder();
  EngineChoice engines(options.model, options.engine.options);
  summary.cpu = engines.first().cpu();
  summary.threads = engines.first().threads();
  std::atomic<size_t> oldest = 0;  // of the jobs that run
  std::deque<std::future<InputSummary>> running;
  const auto finish_all_but = [&](size_t count) {
    for (; running.size() > count; running.pop_front()) {
      summary.inputs.push_back(running.front().get());
      report(summary.inputs.back(), options);
      ++oldest;
    }
  };
  for (size_t i = 0; i < jobs.size(); ++i) {
    const Job& job = jobs[i];
    std::error_code told_when_writing;
    if (job.make_folder) std::filesystem::create_directories(job.output.parent_path(), told_when_writing);
    const bool alone = !is_picture(job) || pictures == 1;
    finish_all_but(alone ? 0 : kAtOnce - 1);
    running.push_back(std::async(alone ? std::launch::deferred : std::launch::async,
                                 [&, i] { return run_job(engines, job, options, [&, i] { return oldest == i; }); }));
    if (alone) finish_all_but(0);
    if (stop_signal() != 0) break;
  }
  finish_all_but(0);
  if (stop_signal() == 0 || jobs.size() == 1) return;
  const int64_t done = std::ssize(summary.inputs) - summary.count(InputSummary::Status::failed);
  fmt::print(stderr, "fsrcnn: interrupted; {} of {} inputs are done{}\n", done, jobs.size(),
             options.jobs.in_place ? "" : ", which --skip-existing leaves as they are");
}

void list_failures(const RunSummary& summary) {
  const int64_t failed = summary.count(InputSummary::Status::failed),
                damaged = summary.count(InputSummary::Status::damaged);
  if (failed + damaged == 0 || summary.inputs.size() == 1 || summary.signal != 0) return;
  fmt::print(stderr, "fsrcnn: {} of {} inputs failed{}:\n", failed, summary.inputs.size(),
             damaged == 0 ? "" : fmt::format(", {} damaged", damaged));
  for (const InputSummary& input : summary.inputs) {
    if (input.error) fmt::print(stderr, "  {} (code {})\n", input.input, static_cast<int>(input.error->code()));
    if (input.status == InputSummary::Status::damaged) fmt::print(stderr, "  {} (damaged)\n", input.input);
  }
}

void run(const UpscaleOptions& options) {
  if (options.json && options.jobs.output == "-") {
    fail(ErrorCode::usage, "--json and the output - both write to standard output; choose one");
  }
  if (options.overwrite && options.skip_existing) {
    fail(ErrorCode::usage, "--overwrite and --skip-existing contradict each other; choose one");
  }
  if (options.jobs.in_place && options.skip_existing) {
    fail(ErrorCode::usage, "--in-place replaces what exists; omit --skip-existing");
  }
  const Clock::time_point begin = Clock::now();
  RunSummary summary;
  summary.error =
      error_of([&] { run_jobs(options, summary); }, "out of memory: the model is too large for this machine");
  if (summary.error) fmt::print(stderr, "fsrcnn: {}\n", summary.error->what());
  summary.signal = stop_signal();
  summary.seconds = seconds_since(begin);
  list_failures(summary);
  finish(summary, options.json);
}

}  // namespace

void add_upscale(CLI::App& app) {
  CLI::App* command = app.add_subcommand("upscale", "Upscale pictures and films with FSRCNN");
  const auto options = std::make_shared<UpscaleOptions>();
  add_upscale_options(*command, options);
  command->callback([options, command] {
    options->picture_only = picture_only_options(*command);
    if (!options->film.preview.empty()) {
      if (!options->jobs.output.empty()) fail(ErrorCode::usage, "--preview is in place of --output; give one of them");
      options->jobs.output = options->film.preview;
      options->jobs.previews = true;
      if (lower_suffix(options->jobs.output) != ".png" || options->jobs.inputs.size() != 1) {
        fail(ErrorCode::usage, "--preview writes one picture of one film, as .png, not '{}'", options->jobs.output);
      }
    }
    if (options->picture.target.fit != Fit::stretch && !options->picture.target.has_size()) {
      fail(ErrorCode::usage, "--fit needs --size, --width or --height");
    }
    run(*options);
  });
}

}  // namespace fsrcnn::cli
