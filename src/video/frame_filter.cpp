#include "video/frame_filter.hpp"

extern "C" {
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
}

#include <cstring>
#include <new>

#include "video/av_versions.hpp"
#include "video/pixel_format.hpp"

namespace fsrcnn {
namespace {

struct AvFreeAny {
  void operator()(void* memory) const { av_free(memory); }
};

struct AvFreeInOut {
  void operator()(AVFilterInOut* list) const { avfilter_inout_free(&list); }
};
using AvInOut = std::unique_ptr<AVFilterInOut, AvFreeInOut>;

std::string planar_list() {
  std::string list = "pix_fmts=";
  for (const AVPixelFormat format : planar_formats()) {
    if (format == AV_PIX_FMT_NONE) break;
    if (list.back() != '=') list += '|';
    list += av_get_pix_fmt_name(format);
  }
  return list;
}

}  // namespace

AvFrame without_samples(const AVFrame& frame) {
  AvFrame like = new_frame();
  av_check(av_frame_copy_props(like.get(), &frame), ErrorCode::io, "copying a frame's properties");
  like->width = frame.width;
  like->height = frame.height;
  like->format = frame.format;
  return like;
}

FrameKind copy_of(const FrameKind& kind) { return {without_samples(*kind.like), kind.time_base, kind.rate}; }

FrameFilter::FrameFilter(const std::string& graph, const FrameKind& input, const std::string& option)
    : option_(option), graph_(avfilter_graph_alloc()) {
  if (!graph_) throw std::bad_alloc();
  const AVFrame& like = *input.like;
  source_ = avfilter_graph_alloc_filter(graph_.get(), avfilter_get_by_name("buffer"), "in");
  sink_ = avfilter_graph_alloc_filter(graph_.get(), avfilter_get_by_name("buffersink"), "out");
  const std::unique_ptr<AVBufferSrcParameters, AvFreeAny> parameters(av_buffersrc_parameters_alloc());
  if (source_ == nullptr || sink_ == nullptr || !parameters) throw std::bad_alloc();
  parameters->format = like.format;
  parameters->width = like.width;
  parameters->height = like.height;
  parameters->time_base = input.time_base;
  parameters->sample_aspect_ratio = like.sample_aspect_ratio;
  parameters->frame_rate = input.rate;
  if (input.rate.num > 0 && input.rate.den > 0)
    frame_duration_ = av_rescale_q(1, av_inv_q(input.rate), input.time_base);
  set_colours(*parameters, like);
  av_check(av_buffersrc_parameters_set(source_, parameters.get()), ErrorCode::usage, "opening {}", option);
  av_check(avfilter_init_str(source_, nullptr), ErrorCode::usage, "opening {}", option);
  av_check(avfilter_init_str(sink_, nullptr), ErrorCode::usage, "opening {}", option);
  AVFilterContext* planar = nullptr;
  av_check(avfilter_graph_create_filter(&planar, avfilter_get_by_name("format"), "planar", planar_list().c_str(),
                                        nullptr, graph_.get()),
           ErrorCode::usage, "opening {}", option);
  av_check(avfilter_link(planar, 0, sink_, 0), ErrorCode::usage, "opening {}", option);

  // The names are those of the pads that the text leaves open: what it reads is the source's output.
  const auto open_end = [](const char* name, AVFilterContext* filter) {
    AVFilterInOut* end = avfilter_inout_alloc();
    if (end == nullptr) throw std::bad_alloc();
    end->name = av_strdup(name);
    end->filter_ctx = filter;
    end->pad_idx = 0;
    end->next = nullptr;
    return end;
  };
  AVFilterInOut *outputs = open_end("in", source_), *inputs = open_end("out", planar);
  const int parsed = avfilter_graph_parse_ptr(graph_.get(), graph.c_str(), &inputs, &outputs, nullptr);
  const AvInOut inputs_left(inputs), outputs_left(outputs);
  av_check(parsed, ErrorCode::usage, "{} is '{}', which FFmpeg refuses", option, graph);
  if (inputs_left || outputs_left) {
    fail(ErrorCode::usage, "{} is '{}', but must be filters with one input and one output, e.g. hqdn3d,crop=640:480",
         option, graph);
  }
  av_check(avfilter_graph_config(graph_.get(), nullptr), ErrorCode::usage,
           "{} is '{}', which FFmpeg refuses for {}x{} {} pictures", option, graph, like.width, like.height,
           av_get_pix_fmt_name(static_cast<AVPixelFormat>(like.format)));
}

void FrameFilter::push(AvFrame frame) {
  if (frame) {
    if (duration_of(*frame) <= 0) set_duration(*frame, frame_duration_);
    end_ = frame->pts + duration_of(*frame);
  }
  const int result = frame ? av_buffersrc_add_frame_flags(source_, frame.get(), 0)
                           : av_buffersrc_close(source_, end_, AV_BUFFERSRC_FLAG_PUSH);
  if (result == AVERROR_EOF) return;  // filters that end by themselves
  av_check(result, ErrorCode::input, "filtering pictures by {}", option_);
}

AvFrame FrameFilter::pull() {
  AvFrame frame = new_frame();
  const int result = av_buffersink_get_frame(sink_, frame.get());
  if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return nullptr;
  av_check(result, ErrorCode::input, "filtering pictures by {}", option_);
  return frame;
}

void FrameFilter::describe(AVFrame& frame) const {
  frame.width = av_buffersink_get_w(sink_);
  frame.height = av_buffersink_get_h(sink_);
  frame.format = av_buffersink_get_format(sink_);
  frame.sample_aspect_ratio = av_buffersink_get_sample_aspect_ratio(sink_);
}

AVRational FrameFilter::time_base() const { return av_buffersink_get_time_base(sink_); }
AVRational FrameFilter::rate() const { return av_buffersink_get_frame_rate(sink_); }

namespace {

// Some filters look a few frames ahead; at the end all give what they have.
constexpr int kBlankFrames = 8;

AvFrame blank_frame(const FrameKind& kind, int number) {
  AvFrame blank = without_samples(*kind.like);
  av_check(av_frame_get_buffer(blank.get(), 0), ErrorCode::input, "allocating a {}x{} frame", blank->width,
           blank->height);
  for (const AVBufferRef* buffer : blank->buf) {
    if (buffer != nullptr) std::memset(buffer->data, 0, buffer->size);
  }
  const AVRational rate = kind.rate.num > 0 ? kind.rate : AVRational{25, 1};
  blank->pts = av_rescale_q(number, av_inv_q(rate), kind.time_base);
  return blank;
}

}  // namespace

FrameKind filtered_kind(const std::string& graph, const FrameKind& input, const std::string& option) {
  FrameFilter filter(graph, input, option);
  AvFrame first;
  for (int i = 0; i <= kBlankFrames && !first; ++i) {
    filter.push(i < kBlankFrames ? blank_frame(input, i) : nullptr);
    first = filter.pull();
  }
  // Filters that drop the first frames say at least what the others will be.
  if (!first) {
    first = without_samples(*input.like);
    filter.describe(*first);
  }
  return {without_samples(*first), filter.time_base(), filter.rate()};
}

bool turns_back(const std::string& graph, const FrameKind& input, const std::string& option) {
  FrameFilter filter(graph, input, option);
  constexpr int kEnough = 3;
  int came = 0;
  int64_t last = 0;
  for (int i = 0; i <= kBlankFrames; ++i) {
    filter.push(i < kBlankFrames ? blank_frame(input, i) : nullptr);
    while (const AvFrame frame = filter.pull()) {
      if (frame->pts == AV_NOPTS_VALUE || (came > 0 && frame->pts <= last)) return true;
      last = frame->pts;
      if (++came == kEnough) return false;
    }
  }
  return false;
}

bool keeps_frames(const std::string& graph, const FrameKind& input, const std::string& option) {
  FrameFilter filter(graph, input, option);
  int came = 0;
  for (int i = 0; i <= kBlankFrames; ++i) {
    filter.push(i < kBlankFrames ? blank_frame(input, i) : nullptr);
    while (const AvFrame frame = filter.pull()) {
      const int64_t time = av_rescale_q(frame->pts, filter.time_base(), input.time_base);
      if (came >= kBlankFrames || time != blank_frame(input, came)->pts) return false;
      ++came;
    }
  }
  return came == kBlankFrames;
}

}  // namespace fsrcnn
