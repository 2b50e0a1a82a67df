#include "video/film_pipeline.hpp"

#include <algorithm>
#include <memory>
#include <new>
#include <optional>
#include <thread>
#include <vector>

#include "base/add_seconds.hpp"
#include "base/bounded_queue.hpp"
#include "video/frame_stages.hpp"
#include "video/part_frames.hpp"
#include "video/picture_stream_writer.hpp"
#include "video/theora_repeat.hpp"

namespace fsrcnn {
namespace {

// Frames that may wait between two threads: enough to even out their times, few enough for 4K frames of 16 bits.
constexpr size_t kWaitingFrames = 3;

struct DecodedFrame {
  size_t part;
  AvFrame frame;
};
struct BegunFrame {
  size_t part;
  FrameUpscaler::Job job;
};

// The last of the threads: encodes, and closes a part when the next one begins.
class PartEncoder {
 public:
  PartEncoder(const Film& film, const FramePlan& plan, const EncoderOptions& options,
              const std::vector<FilmPart>& parts, std::vector<PartResult>& results)
      : film_(film), plan_(plan), options_(options), parts_(parts), results_(results) {}

  void encode(size_t part, const AVFrame& frame) {
    finish_until(part);
    if (!encoder_) {
      const FilmPart& p = parts_[part];
      const AVOutputFormat* format = av_guess_format(p.format.c_str(), nullptr, nullptr);
      encoder_.emplace(options_, film_, plan_.output, format != nullptr && (format->flags & AVFMT_GLOBALHEADER) != 0);
      writer_ = std::make_unique<PictureStreamWriter>(p.url, p.format, *encoder_, p.tags);
    }
    const AvFrame timed = reference_to(frame);
    timed->pts =
        av_rescale_q(frame.pts + parts_[part].time_offset, plan_.output.time_base, encoder_->context().time_base);
    // Of the film's own times this was checked before the work.
    if (!plan_.keeps_times && last_ && timed->pts <= *last_) fail_for_rate(encoder_->context());
    last_ = timed->pts;
    encoder_->encode(timed.get(), [&](AVPacket& packet) { write(packet); });
    ++results_[part].frames;
  }

  /// All parts before this one are complete.
  void finish_until(size_t part) {
    for (; part_ < part; ++part_) {
      if (encoder_) {
        encoder_->encode(nullptr, [&](AVPacket& packet) { write(packet); });
        writer_->finish();
        results_[part_].damage.dropped = std::max<int64_t>(0, results_[part_].frames - packets_);
        packets_ = 0;
        last_.reset();
        writer_.reset();
        encoder_.reset();
      }
      if (parts_[part_].publish) parts_[part_].publish(results_[part_]);
    }
  }

 private:
  void write(AVPacket& packet) {
    if (packet.size == 0) {
      const AVCodecContext& codec = encoder_->context();
      if (codec.codec_id != AV_CODEC_ID_THEORA) return;
      const std::vector<uint8_t> repeat = theora_repeat(codec.width, codec.height, codec.pix_fmt);
      const int64_t time = packet.pts;
      av_packet_unref(&packet);
      if (av_new_packet(&packet, static_cast<int>(repeat.size())) < 0) throw std::bad_alloc();
      std::copy(repeat.begin(), repeat.end(), packet.data);
      packet.pts = packet.dts = time;
    }
    writer_->write(packet);
    ++packets_;
  }

  const Film& film_;
  const FramePlan& plan_;
  const EncoderOptions& options_;
  const std::vector<FilmPart>& parts_;
  std::vector<PartResult>& results_;
  size_t part_ = 0;
  std::optional<FilmEncoder> encoder_;
  std::unique_ptr<PictureStreamWriter> writer_;
  std::optional<int64_t> last_;
  int64_t packets_ = 0;  // of the part that is being written
};

}  // namespace

FilmStatistics run_film_pipeline(const Film& film, Engine& engine, const FramePlan& plan, const EncoderOptions& options,
                                 const std::vector<FilmPart>& parts, const std::atomic<bool>& stop,
                                 const FramesDone& frames_done) {
  FilmStatistics statistics;
  BoundedQueue<DecodedFrame> decoded(kWaitingFrames);
  BoundedQueue<BegunFrame> begun(kWaitingFrames);
  BoundedQueue<DecodedFrame> enlarged(kWaitingFrames);
  BoundedQueue<DecodedFrame> upscaled(kWaitingFrames);
  FrameStages stages(engine, plan);
  // The first thread is done with a part's result before the last one gets the next part's first frame.
  std::vector<PartResult> results(parts.size());

  // Each thread ends by closing both its ends, and hands on what it failed with.
  const auto stage = [](auto from, auto to, auto work) {
    return std::jthread([=] {
      std::exception_ptr failure;
      try {
        work();
      } catch (...) {
        failure = std::current_exception();
      }
      if constexpr (!std::is_same_v<decltype(from), std::nullptr_t>) from->close();
      to->close(failure);
    });
  };
  const std::jthread reading = stage(nullptr, &decoded, [&] {
    PartFrames frames(film, plan, parts, results);
    for (;;) {
      std::optional<PartFrames::Next> next;
      {
        const AddSeconds seconds(statistics.decode_s);
        next = frames.next();
      }
      if (stop) fail(ErrorCode::cancelled, "stopped");
      if (!next || !decoded.push({next->part, std::move(next->frame)})) return;
    }
  });
  const std::jthread beginning = stage(&decoded, &begun, [&] {
    while (auto next = decoded.pop()) {
      FrameUpscaler::Job job;
      {
        const AddSeconds seconds(statistics.chroma_s);
        job = stages.begin(std::move(next->frame));
      }
      if (!begun.push({next->part, std::move(job)})) return;
    }
  });
  const std::jthread enlarging = stage(&begun, &enlarged, [&] {
    while (auto next = begun.pop()) {
      AvFrame frame;
      {
        const AddSeconds seconds(statistics.luma_s);
        frame = stages.enlarge(std::move(next->job));
      }
      if (!enlarged.push({next->part, std::move(frame)})) return;
    }
  });
  double finish_s = 0;
  std::jthread finishing = stage(&enlarged, &upscaled, [&] {
    std::vector<DecodedFrame> done;
    const auto keep = [&](size_t part, AvFrame frame) { done.push_back({part, std::move(frame)}); };
    for (bool more = true; more;) {
      auto next = enlarged.pop();
      more = next.has_value();
      {
        const AddSeconds seconds(finish_s);
        more ? stages.finish(next->part, std::move(next->frame), keep) : stages.end(keep);
      }
      for (DecodedFrame& frame : done) {
        if (!upscaled.push(std::move(frame))) return;
      }
      done.clear();
    }
  });

  PartEncoder encoder(film, plan, options, parts, results);
  try {
    while (auto next = upscaled.pop()) {
      const AddSeconds seconds(statistics.encode_s);
      encoder.encode(next->part, *next->frame);
      ++statistics.frames;
      if (frames_done) frames_done(statistics.frames);
    }
    encoder.finish_until(parts.size());
  } catch (...) {
    upscaled.close();  // lets the other threads end
    throw;
  }
  finishing.join();
  statistics.chroma_s += finish_s;
  statistics.strips = stages.strips();
  statistics.strips_copied = stages.strips_copied();
  return statistics;
}

}  // namespace fsrcnn
