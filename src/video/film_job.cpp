#include "video/film_job.hpp"

#include <limits>
#include <memory>
#include <set>

#include "base/add_seconds.hpp"
#include "base/atomic_output.hpp"
#include "base/counted.hpp"
#include "base/error.hpp"
#include "video/container.hpp"
#include "video/film_check.hpp"
#include "video/film_cut.hpp"
#include "video/film_identity.hpp"
#include "video/film_journal.hpp"
#include "video/film_muxer.hpp"
#include "video/film_turn.hpp"
#include "video/picture_stream_writer.hpp"
#include "video/pixel_format.hpp"
#include "video/segment_stream.hpp"

namespace fsrcnn {
namespace {

namespace fs = std::filesystem;

std::string output_format(const std::string& output) {
  return output == "-" ? std::string(kRawFormat) : container_of(output);
}

void check_output(const fs::path& output) {
  std::error_code ignored;
  if (fs::exists(output, ignored) && !fs::is_regular_file(output, ignored)) {
    fail(ErrorCode::io, "writing '{}' failed: it is not a regular file; choose another name", output.string());
  }
  const fs::path folder = output.has_parent_path() ? output.parent_path() : fs::path(".");
  if (!fs::is_directory(folder, ignored)) {
    fail(ErrorCode::io, "writing '{}' failed: there is no folder '{}'", output.string(), folder.string());
  }
}

// Of films whose format wants to be read here and there, or twice. It is never committed.
fs::path spool_folder(const fs::path& output) {
  constexpr const char* kName = "fsrcnn-standard-input";
  return output == "-" ? fs::temp_directory_path() / kName : follow_links(output).parent_path() / kName;
}

void check_other(const fs::path& output, const fs::path& input) {
  std::error_code missing;
  if (!fs::equivalent(output, input, missing)) return;
  fail(ErrorCode::usage, "the output '{}' is also an input, '{}'; choose another name", output.string(),
       input.string());
}

// YUV4MPEG2 has pictures at a fixed rate, and nothing else.
void check_raw(const FilmJob& job, const EncoderOptions& encoder, const Film& film, const FramePlan& plan,
               FilmResult& result) {
  try {
    PictureStreamWriter("file:/dev/null", std::string(kRawFormat), FilmEncoder(encoder, film, plan.output, false), {});
  } catch (const Error&) {
    fail(ErrorCode::usage, "YUV4MPEG2 does not support the film's pixel format {}; use .mkv, or another --pixel-format",
         av_get_pix_fmt_name(static_cast<AVPixelFormat>(plan.output.like->format)));
  }
  const FrameRange range = job.frames.value_or(frames_between(film, job.start_us, job.end_us));
  if (!film.has_fixed_rate(range.begin, range.end)) {
    const AVRational rate = plan.output.rate;
    result.warnings.push_back(
        fmt::format("YUV4MPEG2 stores a frame rate, here {}/{}, and no timestamps; the film has a variable frame rate, "
                    "so its timestamps are lost",
                    rate.num, rate.den));
  }
  if (turn_matrix(film) != nullptr && !plan.is_turned) {
    result.warnings.emplace_back("YUV4MPEG2 cannot store the film's rotation");
  }
  for (int i = 0; i < static_cast<int>(film.format().nb_streams); ++i) {
    if (i == film.video_index() || !film.index().has_packets(i)) continue;
    result.warnings.push_back(fsrcnn::describe(*film.format().streams[i]) +
                              " is dropped: YUV4MPEG2 stores only pictures");
  }
}

// Everything that can be known to fail fails now, with the first frame upscaled in size only. Returns what the encoder
// says of its pictures.
AvParameters try_encoder(const FilmJob& job, const Film& film, const FramePlan& plan) {
  const FilmEncoder encoder(job.encoder, film, plan.output, true);
  const AVRational unit = encoder.context().time_base;
  const int64_t offset = segment_time_offset(film, plan);
  int64_t last = std::numeric_limits<int64_t>::min();
  for (const IndexedFrame& frame : film.index().frames) {
    if (!plan.keeps_times) break;  // each is checked as it comes
    const int64_t time = av_rescale_q(frame.time + offset, film.video().time_base, unit);
    if (time == last) fail_for_rate(encoder.context());
    last = time;
  }
  try {
    PictureStreamWriter("file:/dev/null", kSegmentFormat, encoder, {});
  } catch (const Error&) {
    fail(ErrorCode::usage,
         "{} pictures cannot be stored in segments (NUT does not support them); choose another --codec",
         avcodec_get_name(encoder.context().codec_id));
  }
  AvParameters parameters = new_parameters();
  av_check(avcodec_parameters_from_context(parameters.get(), &encoder.context()), ErrorCode::io,
           "copying a stream's parameters");
  return parameters;
}

// As they are shown, wherever the film says how to turn its pictures.
void set_sizes(FilmResult& result, const Film& film, bool is_turned, int output_width, int output_height) {
  const AVFrame* first = film.first_frame();
  result.width = first != nullptr ? first->width : film.video().codecpar->width;
  result.height = first != nullptr ? first->height : film.video().codecpar->height;
  result.output_width = output_width;
  result.output_height = output_height;
  if (!is_sideways(film)) return;
  std::swap(result.width, result.height);
  if (!is_turned) std::swap(result.output_width, result.output_height);
}

void set_sizes(FilmResult& result, const Film& film, const FramePlan& plan) {
  set_sizes(result, film, plan.is_turned, plan.output.like->width, plan.output.like->height);
}

// Packed pixels are asked for by their names, but what matters is their samples.
void tell_pixels(const std::string& asked, int stored, FilmResult& result) {
  const AVPixFmtDescriptor* d = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(stored));
  if (asked.empty() || d == nullptr || asked == d->name || (d->flags & AV_PIX_FMT_FLAG_HWACCEL) != 0) return;
  result.warnings.push_back(
      fmt::format("--pixel-format {}: the encoder gets {}, which has the same samples", asked, d->name));
}

// Of so many of the film.
int64_t frames_expected(const Film& film, const FramePlan& plan, int64_t frames) {
  const AVRational from = film.video().avg_frame_rate, to = plan.output.rate;
  const bool is_known = !plan.keeps_times && from.num > 0 && to.num > 0;
  return is_known ? std::max<int64_t>(1, av_rescale_q(frames, av_inv_q(from), av_inv_q(to))) : frames;
}

std::string text_of(const FrameRange& range) { return fmt::format("{}:{}", range.begin, range.end); }

// FFmpeg loses bytes of rows that have half a chroma sample more.
void check_raw_width(const FramePlan& plan) {
  const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(static_cast<AVPixelFormat>(plan.output.like->format));
  const int width = plan.output.like->width;
  if (d.comp[0].depth <= 8 || width % (1 << d.log2_chroma_w) == 0) return;
  fail(ErrorCode::usage, "YUV4MPEG2 with {} pixels does not support the odd width {}; use .mkv, or another size",
       d.name, width);
}

void check_captions(const EncoderOptions& encoder, const Film& film, const FramePlan& plan, FilmResult& result) {
  if (film.is_pipe() || !film.index().has_captions || keeps_captions(encoder, film, plan.output)) return;
  result.warnings.push_back(
      fmt::format("the closed captions in the film's pictures are dropped: the encoder {} does not write them; libx264 "
                  "and mpeg2video do",
                  encoder_name(encoder, film, plan.output)));
}

// A film that comes or goes by a pipe, or a range of frames: one part, straight into its file.
FilmResult upscale_as_one(Engine& engine, const FilmJob& job, const Film& film, const FramePlan& plan,
                          const std::atomic<bool>& stop, const FilmProgressCallback& progress) {
  EncoderOptions encoder = job.encoder;
  FilmPart part;
  std::optional<AtomicOutput> file;
  FilmResult result;
  if (!film.is_pipe()) part.range = job.frames.value_or(frames_between(film, job.start_us, job.end_us));
  part.format = output_format(job.output);
  if (job.frames && part.format != kRawFormat && part.format != kSegmentFormat) {
    fail(ErrorCode::usage, "--frames writes a segment in NUT format: name the output .nut, not '{}'", job.output);
  }
  if (part.format == kRawFormat) {
    if (!encoder.codec.empty()) fail(ErrorCode::usage, "YUV4MPEG2 stores raw pictures; --codec does not apply");
    encoder = EncoderOptions();
    encoder.codec = "wrapped_avframe";
    check_raw_width(plan);
    if (!film.is_pipe()) check_raw(job, encoder, film, plan, result);
  } else if (!film.is_pipe()) {
    tell_pixels(job.filters.pixels, try_encoder(job, film, plan)->format, result);
  }
  if (job.frames && part.format == kSegmentFormat) {
    part.time_offset = segment_time_offset(film, plan);
    part.tags = job_tags(describe_job(job, film, plan, engine));
    part.tags.emplace_back(kPlanKey, text_of(plan));
    part.tags.emplace_back(kFramesKey, text_of(*job.frames));
  }
  if (job.output == "-") {
    part.url = "pipe:1";
  } else {
    file.emplace(job.output, AtomicOutput::Kind::file);
    part.url = "file:" + file->temporary().string();
  }
  part.publish = [&](const PartResult& r) {
    result.damage = r.damage;
    result.frames = r.frames;
    if (film.is_pipe() && !r.broken_off.empty()) {
      result.cut_short = fmt::format("standard input {} after {}", r.broken_off, counted(r.frames, "frame"));
    }
    if (r.frames == 0) fail(ErrorCode::input, "no picture of '{}' could be decoded", job.input);
    if (file) file->commit();
  };
  if (!film.is_pipe() && !job.frames) {
    result.cut_short = film.index().cut_short;
    result.warnings.insert(result.warnings.end(), film.index().notes.begin(), film.index().notes.end());
  }
  result.encoder = encoder_name(encoder, film, plan.output);
  result.warnings.insert(result.warnings.begin(), plan.notes.begin(), plan.notes.end());
  check_captions(encoder, film, plan, result);
  set_sizes(result, film, plan);
  result.statistics = run_film_pipeline(film, engine, plan, encoder, {part}, stop, [&](int64_t frames) {
    if (progress)
      progress({frames, film.is_pipe() ? 0 : frames_expected(film, plan, part.range.end - part.range.begin), 0});
  });
  result.segments = 1;
  return result;
}

void check_range(const FrameRange& range, int64_t count) {
  if (range.begin < 0 || range.begin >= range.end || range.end > count) {
    fail(ErrorCode::usage, "the film has frames 0 to {}; {}:{} is not a valid range (the end is exclusive)", count,
         range.begin, range.end);
  }
}

void add_missing(const std::vector<std::string>& missing, FilmResult& result) {
  result.incomplete = result.incomplete || !missing.empty();
  result.warnings.insert(result.warnings.end(), missing.begin(), missing.end());
}

std::vector<FrameRange> segments_of(const Film& film, const FrameRange& range, int64_t frames) {
  const auto& index = film.index().frames;
  std::vector<FrameRange> segments =
      cut_into_segments({index.begin() + range.begin, index.begin() + range.end}, frames);
  for (FrameRange& segment : segments) segment = {segment.begin + range.begin, segment.end + range.begin};
  return segments;
}

// Makes the segments that are not done, and returns the files of all.
std::vector<fs::path> make_segments(Engine& engine, const FilmJob& job, const Film& film, const FramePlan& plan,
                                    FilmJournal& journal, const nlohmann::json& description,
                                    const std::vector<FrameRange>& segments, FilmResult& result,
                                    const std::atomic<bool>& stop, const FilmProgressCallback& progress) {
  StreamTags tags = job_tags(description);
  tags.emplace_back(kPlanKey, text_of(plan));
  std::vector<FilmPart> parts;
  std::vector<fs::path> files;
  result.frames = result.segments_before = 0;
  result.damage = {};
  const auto count = [&](const PartResult& r) {
    result.frames += r.frames;
    result.damage += r.damage;
  };
  for (size_t i = 0; i < segments.size(); ++i) {
    files.push_back(journal.segment(i));
    if (const auto done = journal.done(i)) {
      ++result.segments_before;
      count(*done);
      continue;
    }
    if (std::error_code unknown; fs::exists(files.back(), unknown)) {
      result.warnings.push_back(fmt::format("the finished segment '{}' was damaged; its frames {}:{} were made again",
                                            files.back().string(), segments[i].begin, segments[i].end));
    }
    parts.push_back({segments[i], "file:" + journal.unfinished().string(), kSegmentFormat,
                     segment_time_offset(film, plan), tags, [&, i](const PartResult& r) {
                       journal.publish(i, r);
                       count(r);
                     }});
    parts.back().tags.emplace_back(kFramesKey, text_of(segments[i]));
  }
  result.frames_before = result.frames;
  const int64_t total = frames_expected(film, plan, segments.back().end - segments.front().begin);
  const auto tell = [&](int64_t frames) {
    if (progress) progress({result.frames_before + frames, total, result.frames_before});
  };
  try {
    result.statistics = run_film_pipeline(film, engine, plan, job.encoder, parts, stop, tell);
  } catch (const Error& e) {
    if (e.code() == ErrorCode::usage) journal.remove_if_empty();
    throw;
  }
  return files;
}

}  // namespace

fs::path parts_folder(const fs::path& output) { return follow_links(output).string() + ".parts"; }

FilmResult upscale_film(const EngineFor& engine_for, const FilmJob& given, const std::atomic<bool>& stop,
                        const FilmProgressCallback& progress) {
  FilmJob job = given;
  if (job.output != "-") job.encoder.reorders = tells_times(output_format(job.output));
  const std::string head = job.input == "-" ? read_head(&stop) : "";
  std::optional<AtomicOutput> spool;
  if (job.input == "-" && !head.starts_with("YUV4MPEG2")) {
    if (head.empty()) fail(ErrorCode::input, "standard input is empty");
    if (job.output != "-") check_output(job.output);
    spool.emplace(spool_folder(job.output), AtomicOutput::Kind::folder);
    // One name, so that the same film resumes its job.
    job.input = spool->temporary() / "standard input";
    spool_standard_input(head, job.input, &stop);
  }
  const Film film(job.input, &stop, head);
  if (job.frames) {
    if (film.is_pipe()) fail(ErrorCode::usage, "--frames needs a file, not a pipe");
    check_range(*job.frames, static_cast<int64_t>(film.index().frames.size()));
  }
  if (film.is_pipe() && (job.start_us || job.end_us))
    fail(ErrorCode::usage, "--start and --end need a file, not a pipe");
  if (job.output != "-") check_output(job.output);
  if (!film.is_pipe()) check_whole(film);
  const std::string format = output_format(job.output);
  Engine* chosen = nullptr;
  // A segment's film may become an MP4, which stores it.
  const bool can_turn = is_mov(format) || format == kSegmentFormat;
  const FramePlan plan = plan_frames(film, job.filters, can_turn, [&](std::optional<double> factor) {
    chosen = &engine_for(factor);
    return chosen->scale();
  });
  Engine& engine = *chosen;
  if (film.is_pipe() || job.frames || format == kRawFormat)
    return upscale_as_one(engine, job, film, plan, stop, progress);

  const FrameRange range = frames_between(film, job.start_us, job.end_us);
  const AvParameters stated = try_encoder(job, film, plan);
  const StreamPlan streams = plan_streams(film, job.output, *stated, job.streams, plan, cut_at(film, range));
  const std::vector<FrameRange> segments = segments_of(film, range, job.segment_frames);
  nlohmann::json description = describe_job(job, film, plan, engine);
  for (const FrameRange& s : segments) description["segments"].push_back({s.begin, s.end});
  FilmJournal journal(parts_folder(job.output), description);
  FilmResult result;
  result.warnings = film.index().notes;
  result.warnings.insert(result.warnings.end(), plan.notes.begin(), plan.notes.end());
  result.warnings.insert(result.warnings.end(), streams.warnings.begin(), streams.warnings.end());
  check_captions(job.encoder, film, plan, result);
  tell_pixels(job.filters.pixels, stated->format, result);
  result.cut_short = film.index().cut_short;
  set_sizes(result, film, plan);
  result.encoder = encoder_name(job.encoder, film, plan.output);
  if (job.encoder.codec.empty() && is_raw(film)) {
    result.warnings.push_back(fmt::format(
        "the film's pictures are raw; they are encoded with {}. Choose another encoder with --codec", result.encoder));
  }
  result.segments = static_cast<int64_t>(segments.size());
  const fs::path whole = parts_folder(job.output) / "whole";
  // What an earlier call made may turn out to be damaged when all is put together. It is made again, once.
  for (std::set<fs::path> damaged;;) {
    const std::vector<fs::path> files =
        make_segments(engine, job, film, plan, journal, description, segments, result, stop, progress);
    try {
      const AddSeconds seconds(result.mux_s);
      SegmentStream pictures(files, film, plan, film_identity(job.input), segments);
      add_missing(mux_film(film, pictures, streams, job.output, whole, stop), result);
      break;
    } catch (const DamagedSegment& segment) {
      journal.drop(segment.path());
      result.warnings.push_back(fmt::format("{}; it was made again", segment.what()));
      if (!damaged.insert(segment.path()).second) {
        fail(ErrorCode::io, "{}, even after it was made again; the disk may be failing", segment.what());
      }
    }
  }
  journal.deliver(whole, follow_links(job.output));
  return result;
}

FilmResult join_film(const std::string& input, const std::vector<fs::path>& segments, const std::string& output,
                     const StreamChoice& streams, const std::atomic<bool>& stop) {
  for (const fs::path& path : segments) check_other(output, path);
  check_other(output, input);
  const Film film(input, &stop);
  check_output(output);
  FilmResult result;
  const FramePlan frames = segments.empty() ? plain_plan(film) : plan_of_segment(segments.front(), film);
  SegmentStream pictures(segments, film, frames, film_identity(input));
  const StreamPlan plan = plan_streams(film, output, pictures.parameters(), streams, frames,
                                       cut_at(film, frames_between(film, std::nullopt, std::nullopt)));
  pictures.check_whole();
  set_sizes(result, film, frames.is_turned, pictures.parameters().width, pictures.parameters().height);
  result.encoder = avcodec_get_name(pictures.parameters().codec_id);
  result.frames = pictures.count();
  result.warnings = film.index().notes;
  result.warnings.insert(result.warnings.end(), plan.warnings.begin(), plan.warnings.end());
  result.cut_short = film.index().cut_short;
  add_missing(pictures.lacking(), result);
  AtomicOutput file(output, AtomicOutput::Kind::file);
  {
    const AddSeconds seconds(result.mux_s);
    add_missing(mux_film(film, pictures, plan, output, file.temporary(), stop), result);
  }
  file.commit();
  result.segments = static_cast<int64_t>(segments.size());
  return result;
}

}  // namespace fsrcnn
