#include "video/segment_stream.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace fsrcnn {

bool has_alpha_beside(AVCodecID codec, AVPixelFormat pixels) {
  return (codec == AV_CODEC_ID_VP8 || codec == AV_CODEC_ID_VP9) && is_transparent(pixels);
}

namespace {

bool has_alpha(const AVFormatContext& segment) { return static_cast<int>(segment.nb_streams) > kAlphaStream; }

}  // namespace

int64_t segment_time_offset(const Film& film, const FramePlan& frames) {
  const AVRational unit = frames.output.time_base;
  return av_rescale_q(kTimesBefore_s, {1, 1}, unit) -
         av_rescale_q(film.index().frames.front().time, film.video().time_base, unit);
}

std::string text_of(const FramePlan& plan) {
  const AVRational t = plan.output.time_base, r = plan.output.rate, a = plan.aspect;
  return fmt::format("{} {} {}/{} {}/{} {}/{}", plan.keeps_times ? 1 : 0, plan.is_turned ? 1 : 0, t.num, t.den, r.num,
                     r.den, a.num, a.den);
}

void read_plan(const std::string& text, FramePlan& plan) {
  int keeps_times = 0, is_turned = 0;
  AVRational &t = plan.output.time_base, &r = plan.output.rate, &a = plan.aspect;
  if (std::sscanf(text.c_str(), "%d %d %d/%d %d/%d %d/%d", &keeps_times, &is_turned, &t.num, &t.den, &r.num, &r.den,
                  &a.num, &a.den) != 8 ||
      t.num <= 0 || t.den <= 0 || r.num < 0 || r.den < 0 || a.num < 0 || a.den < 0) {
    fail(ErrorCode::input, "a segment states '{}' of its pictures, which is damaged or of another version", text);
  }
  plan.keeps_times = keeps_times != 0;
  plan.is_turned = is_turned != 0;
}

FramePlan plan_of_segment(const std::filesystem::path& segment, const Film& film) {
  FramePlan plan = plain_plan(film);
  AVFormatContext* context = nullptr;
  const std::string url = "file:" + segment.string();
  if (avformat_open_input(&context, url.c_str(), av_find_input_format(kSegmentFormat), nullptr) < 0) return plan;
  const AvInput input(context);
  if (const AVDictionaryEntry* entry = av_dict_get(input->metadata, kPlanKey, nullptr, 0))
    read_plan(entry->value, plan);
  if (input->nb_streams == 0) return plan;
  const AVCodecParameters& p = *input->streams[0]->codecpar;
  AVFrame& like = *plan.output.like;
  like.width = p.width;
  like.height = p.height;
  like.sample_aspect_ratio = plan.aspect;
  if (plan.is_turned) av_frame_remove_side_data(&like, AV_FRAME_DATA_DISPLAYMATRIX);
  return plan;
}

SegmentStream::SegmentStream(const std::vector<std::filesystem::path>& segments, const Film& film,
                             const FramePlan& frames, const std::string& identity,
                             const std::vector<FrameRange>& planned)
    : index_(film.index().frames),
      frames_before_key_(film.index().frames_before_key),
      time_base_(frames.output.time_base),
      rate_(frames.output.rate),
      keeps_times_(frames.keeps_times),
      time_offset_(segment_time_offset(film, frames)) {
  for (size_t i = 0; i < segments.size(); ++i) {
    const std::filesystem::path& path = segments[i];
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    if (error) fail(ErrorCode::io, "the segment reading '{}' failed: {}", path.string(), error.message());
    if (size == 0) continue;
    const FrameRange range = segments_.emplace_back(read(path, identity)).range;
    if (planned.empty() || range == planned[i]) continue;
    throw DamagedSegment(path, fmt::format("it has frames {}:{} instead of {}:{}", range.begin, range.end,
                                           planned[i].begin, planned[i].end));
  }
  if (segments_.empty()) fail(ErrorCode::input, "no picture of '{}' could be decoded", film.path());
  std::stable_sort(segments_.begin(), segments_.end(),
                   [](const Segment& a, const Segment& b) { return a.range.begin < b.range.begin; });
  for (size_t i = 1; i < segments_.size(); ++i) {
    const Segment &a = segments_[i - 1], &b = segments_[i];
    if (a.range.end <= b.range.begin) continue;
    fail(ErrorCode::input, "the segments '{}' and '{}' overlap, with frames {}:{} and {}:{}; give each frame once",
         a.path.string(), b.path.string(), a.range.begin, a.range.end, b.range.begin, b.range.end);
  }
  input_.reset();
  std::vector<int64_t> times;
  for (const Segment& segment : segments_) times.insert(times.end(), segment.times.begin(), segment.times.end());

  // Decoding times, as encoders make them: the sorted times, later by as many places as pictures are reordered.
  std::vector<int64_t>& sorted = sorted_ = times;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    fail(ErrorCode::input, "the segments of '{}' have two pictures with the same timestamp", film.path());
  }
  int64_t delay = 0;
  for (size_t i = 0; i < times.size(); ++i) {
    const auto place = std::lower_bound(sorted.begin(), sorted.end(), times[i]) - sorted.begin();
    delay = std::max(delay, static_cast<int64_t>(i) - place);
  }
  reordered_ = delay > 0;
  const int64_t step = sorted.size() > 1 ? sorted[1] - sorted[0] : 1;
  for (int64_t i = 0; i < static_cast<int64_t>(times.size()); ++i) {
    dts_.push_back(i < delay ? sorted[0] - (delay - i) * step : sorted[static_cast<size_t>(i - delay)]);
  }
}

void SegmentStream::check_whole() const {
  int64_t end = 0;
  const auto check = [&end](int64_t begin) {
    if (begin > end) fail(ErrorCode::input, "the segment with frames {}:{} is missing", end, begin);
  };
  for (const Segment& segment : segments_) {
    check(segment.range.begin);
    end = segment.range.end;
  }
  check(static_cast<int64_t>(index_.size()));
}

std::vector<std::string> SegmentStream::lacking() const {
  std::vector<std::string> found;
  if (!keeps_times_) return found;  // how many there should be, only filters know
  for (const Segment& segment : segments_) {
    std::vector<int64_t> times = segment.times;
    std::sort(times.begin(), times.end());
    int64_t missing = 0;
    for (int64_t i = std::max(segment.range.begin, frames_before_key_); i < segment.range.end; ++i) {
      missing += !std::binary_search(times.begin(), times.end(), index_[static_cast<size_t>(i)].time);
    }
    if (missing == 0) continue;
    found.push_back(fmt::format("the segment '{}' lacks {} of the frames {}:{}", segment.path.string(), missing,
                                segment.range.begin, segment.range.end));
  }
  return found;
}

AVStream& SegmentStream::open(const Segment& segment) {
  input_.reset();
  AVFormatContext* context = nullptr;
  const std::string url = "file:" + segment.path.string();
  const int opened = avformat_open_input(&context, url.c_str(), av_find_input_format(kSegmentFormat), nullptr);
  if (opened < 0) throw DamagedSegment(segment.path, "it does not start like a segment, " + av_message(opened));
  input_.reset(context);
  if (context->nb_streams < 2 || context->nb_streams > 3 ||
      context->streams[0]->codecpar->codec_type != AVMEDIA_TYPE_VIDEO) {
    fail(ErrorCode::input, "'{}' is not a segment of a film", segment.path.string());
  }
  if (const AVDictionaryEntry* bits = av_dict_get(context->metadata, kBitsKey, nullptr, 0)) {
    context->streams[0]->codecpar->bits_per_coded_sample = std::atoi(bits->value);
  }
  return *context->streams[0];
}

// The next packet of any stream; false only at the file's end.
bool SegmentStream::read_packet(const Segment& segment, AVPacket& packet) {
  av_packet_unref(&packet);
  const int result = av_read_frame(input_.get(), &packet);
  if (result >= 0) return true;
  const int error = result == AVERROR_EOF ? input_->pb->error : result;
  if (error < 0 && error != AVERROR_EOF) throw DamagedSegment(segment.path, av_message(error));
  return false;
}

SegmentStream::Segment SegmentStream::read(const std::filesystem::path& path, const std::string& identity) {
  Segment segment{path, {}, {}};
  const AVCodecParameters& p = *open(segment).codecpar;
  const auto tag = [&](const char* key) {
    const AVDictionaryEntry* entry = av_dict_get(input_->metadata, key, nullptr, 0);
    return std::string(entry != nullptr ? entry->value : "");
  };
  FrameRange& range = segment.range;
  if (std::sscanf(tag(kFramesKey).c_str(), "%" SCNd64 ":%" SCNd64, &range.begin, &range.end) != 2) {
    fail(ErrorCode::input, "'{}' is not a segment of a film: it does not state its frames", path.string());
  }
  if (!parameters_) {
    parameters_ = new_parameters();
    av_check(avcodec_parameters_copy(parameters_.get(), &p), ErrorCode::io, "reading '{}'", path.string());
    has_alpha_ = has_alpha(*input_);
    job_ = tag(kJobKey);
  }
  if (tag(kFilmKey) != identity) {
    fail(ErrorCode::input, "the segment '{}' belongs to another film", path.string());
  }
  if (tag(kJobKey) != job_ || p.codec_id != parameters_->codec_id || p.width != parameters_->width ||
      p.height != parameters_->height || p.extradata_size != parameters_->extradata_size ||
      has_alpha(*input_) != has_alpha_ ||
      (p.extradata_size > 0 &&
       std::memcmp(p.extradata, parameters_->extradata, static_cast<size_t>(p.extradata_size)) != 0)) {
    fail(ErrorCode::input,
         "the segments '{}' and '{}' were made differently; make all with the same model, options and encoder version",
         segments_.front().path.string(), path.string());
  }
  const AvPacket packet = new_packet();
  std::string written;  // how many packets, which its end tells
  size_t alphas = 0;
  PacketHash hash;
  while (read_packet(segment, *packet)) {
    if (packet->stream_index == 0 || packet->stream_index == kAlphaStream) hash.add(*packet);
    if (packet->stream_index == 0) {
      segment.times.push_back(time_in_film(*packet));
    } else if (packet->stream_index == kAlphaStream) {
      ++alphas;
    } else {
      written.assign(reinterpret_cast<const char*>(packet->data), static_cast<size_t>(packet->size));
    }
  }
  if (written.empty()) throw DamagedSegment(path, "its end is missing");
  const std::string count_written = written.substr(0, written.find(' '));
  if (count_written != fmt::format("{}", segment.times.size())) {
    throw DamagedSegment(path,
                         fmt::format("it has {} pictures, but {} were written", segment.times.size(), count_written));
  }
  if (written != fmt::format("{} {}", count_written, hash.digits())) {
    throw DamagedSegment(path, "its pictures differ from those written");
  }
  if (segment.times.empty()) throw DamagedSegment(path, "it has no pictures");
  if (has_alpha_ && alphas != segment.times.size())
    throw DamagedSegment(path, "the transparency of its pictures is missing");
  const auto count = static_cast<int64_t>(index_.size());
  if (range.begin < 0 || range.begin >= range.end || range.end > count) {
    fail(ErrorCode::input, "the segment '{}' has frames {}:{}, but the film has 0:{}; it belongs to another film",
         path.string(), range.begin, range.end, count);
  }
  return segment;
}

// Encoders that count frames instead of times come back to the film's times by the nearest of them.
int64_t SegmentStream::time_in_film(const AVPacket& packet) const {
  const int64_t time = av_rescale_q(packet.pts, input_->streams[0]->time_base, time_base_) - time_offset_;
  if (!keeps_times_) return time;
  auto after = std::lower_bound(index_.begin(), index_.end(), time,
                                [](const IndexedFrame& frame, int64_t t) { return frame.time < t; });
  if (after == index_.end()) return index_.back().time;
  if (after == index_.begin() || after->time == time) return after->time;
  const auto before = std::prev(after);
  return time - before->time <= after->time - time ? before->time : after->time;
}

void SegmentStream::put_alpha_beside(AVPacket& picture) const {
  const auto size = static_cast<size_t>(alpha_->size);
  uint8_t* beside = av_packet_new_side_data(&picture, AV_PKT_DATA_MATROSKA_BLOCKADDITIONAL, kAlphaIdBytes + size);
  if (beside == nullptr) throw std::bad_alloc();
  std::memset(beside, 0, kAlphaIdBytes);
  beside[kAlphaIdBytes - 1] = 1;
  std::memcpy(beside + kAlphaIdBytes, alpha_->data, size);
}

int64_t SegmentStream::duration_at(int64_t time) const {
  if (!keeps_times_) {
    const auto after = std::upper_bound(sorted_.begin(), sorted_.end(), time);
    if (after != sorted_.end()) return *after - time;
    return rate_.num > 0 ? av_rescale_q(1, av_inv_q(rate_), time_base_) : 0;
  }
  return fsrcnn::duration_at(index_, time);
}

bool SegmentStream::next(AVPacket& packet) {
  for (;; ++segment_, input_.reset()) {
    if (segment_ == segments_.size()) return false;
    const Segment& segment = segments_[segment_];
    if (!input_) open(segment);
    bool more = read_packet(segment, packet);
    for (; more && packet.stream_index != 0; more = read_packet(segment, packet)) {
      if (packet.stream_index != kAlphaStream) continue;
      av_packet_unref(alpha_.get());
      av_packet_move_ref(alpha_.get(), &packet);
    }
    if (!more) continue;
    if (packet_ >= count()) throw DamagedSegment(segment.path, "it changed after it was checked");
    if (has_alpha_ && alpha_->pts != packet.pts)
      throw DamagedSegment(segment.path, "its transparency has different timestamps");
    if (has_alpha_) put_alpha_beside(packet);
    break;
  }
  packet.pts = time_in_film(packet);
  packet.dts = dts_[static_cast<size_t>(packet_++)];
  packet.duration = duration_at(packet.pts);
  packet.time_base = time_base_;
  return true;
}

}  // namespace fsrcnn
