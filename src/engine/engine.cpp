#include "engine/engine.hpp"

#include <algorithm>
#include <cstring>

#include "base/cpu.hpp"
#include "base/error.hpp"
#include "engine/tiled_reference.hpp"

namespace fsrcnn {
namespace {

// Rows that are looked at together when they are compared with the previous frame's.
constexpr int64_t kComparedRows = 32;

bool same_format(const ConstPlane& a, const ConstPlane& b) {
  return a.width == b.width && a.height == b.height && a.type == b.type && a.one == b.one &&
         a.full_range == b.full_range;
}

void check_planes(const Model& model, const ConstPlane& in, const Plane& out, const FrameOptions& options) {
  if (in.width < 1 || in.height < 1) {
    fail(ErrorCode::input, "a luma plane of {}x{} has no pixels", in.width, in.height);
  }
  if (out.width != model.scale * in.width || out.height != model.scale * in.height) {
    fail(ErrorCode::input, "the output of a {}x{} plane at scale {} is {}x{}, but there is room for {}x{}", in.width,
         in.height, model.scale, model.scale * in.width, model.scale * in.height, out.width, out.height);
  }
  if (options.previous_input.has_value() != options.previous_output.has_value()) {
    fail(ErrorCode::input, "of the previous frame there must be input and output, or neither");
  }
  if (options.previous_input &&
      (!same_format(*options.previous_input, in) || !same_format(*options.previous_output, const_view(out)))) {
    fail(ErrorCode::input, "the previous frame has another size, type or level than this one");
  }
}

void add(StageTimes& sum, const StageTimes& times) {
  for (const auto stage : {&StageTimes::input, &StageTimes::feature_extraction, &StageTimes::mapping,
                           &StageTimes::expanding, &StageTimes::deconvolution, &StageTimes::output}) {
    sum.*stage += times.*stage;
  }
}

// What a strip makes of LR rows y ... end - 1.
void copy_output(const ConstPlane& from, const Plane& to, const StripRange& range, int64_t y, int64_t end,
                 int64_t scale) {
  const int64_t sample = bytes_of(to.type), offset = scale * range.output_begin * sample;
  const auto bytes = static_cast<size_t>(scale * (range.output_end - range.output_begin) * sample);
  for (int64_t row = scale * y; row < scale * end; ++row) {
    std::memcpy(to.row(row) + offset, from.row(row) + offset, bytes);
  }
}

// Counts what is done and tells it on, in order.
class Meter {
 public:
  Meter(const FrameOptions& options, int64_t total) : options_(options), total_(total) {}

  void add(int64_t pixels) {
    const std::lock_guard lock(mutex_);
    done_ += pixels;
    if (options_.progress) options_.progress(static_cast<double>(done_) / static_cast<double>(total_));
  }
  bool stopped() const { return options_.stop.stop_requested(); }
  void throw_if_stopped() const {
    if (stopped()) fail(ErrorCode::cancelled, "upscaling was cancelled");
  }

 private:
  const FrameOptions& options_;
  int64_t total_, done_ = 0;
  std::mutex mutex_;
};

}  // namespace

Engine::Engine(Model model, const UpscalerOptions& options)
    : model_(std::move(model)), cpu_(choose_cpu(options.cpu)), options_(options) {
  if (cpu_ != "reference") plan_.emplace(model_, options.precision, cpu_);
  pool_ = std::make_unique<ThreadPool>(options.threads > 0 ? options.threads : default_thread_count());
}

std::unique_ptr<FusedStrip> Engine::take_strip(int positions) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(idle_strips_.begin(), idle_strips_.end(),
                                    [&](const auto& strip) { return strip->max_positions() == positions; });
    if (found != idle_strips_.end()) {
      auto strip = std::move(*found);
      idle_strips_.erase(found);
      return strip;
    }
    idle_strips_.clear();  // of another picture's size
  }
  return std::make_unique<FusedStrip>(*plan_, positions);
}

void Engine::put_strip(std::unique_ptr<FusedStrip> strip) {
  const std::lock_guard lock(mutex_);
  idle_strips_.push_back(std::move(strip));
}

FrameStatistics Engine::upscale(const ConstPlane& input, const Plane& output, const FrameOptions& options) {
  check_planes(model_, input, output, options);
  return plan_ ? upscale_fused(input, output, options) : upscale_reference(input, output, options);
}

FrameStatistics Engine::upscale_reference(const ConstPlane& input, const Plane& output, const FrameOptions& options) {
  Meter meter(options, input.width * input.height);
  FrameStatistics statistics;
  tiled_reference(model_, input, 0, input.height, 0, input.height, output, 1 << 18, [&](int64_t pixels) {
    meter.add(pixels);
    ++statistics.strips;
    return !meter.stopped();
  });
  meter.throw_if_stopped();
  return statistics;
}

FrameStatistics Engine::upscale_fused(const ConstPlane& input, const Plane& output, const FrameOptions& options) {
  const FusedPlan& plan = *plan_;
  const StripLayout layout = lay_out_strips(plan, input.width, input.height, pool_->threads(), options_.strip_columns);
  const int64_t bands = (input.height + layout.band_rows - 1) / layout.band_rows;
  const int64_t count = static_cast<int64_t>(layout.strips.size()) * bands;
  Meter meter(options, input.width * input.height);
  FrameStatistics statistics;
  std::mutex statistics_mutex;

  pool_->run(count, [&](int64_t job) {
    const StripRange& range = layout.strips[static_cast<size_t>(job / bands)];
    const int64_t begin = job % bands * layout.band_rows, end = std::min(begin + layout.band_rows, input.height);
    std::unique_ptr<FusedStrip> strip = take_strip(layout.max_positions);
    FrameStatistics mine;
    StageTimes* const times = options.measure_stages ? &mine.seconds : nullptr;
    bool running = false;  // the strip has just computed the rows above
    for (int64_t y = begin; y < end;) {
      const int64_t part_end = options.previous_input ? std::min(y + kComparedRows, end) : end;
      ++mine.strips;
      if (options.previous_input && strip->reads_the_same(range, input, *options.previous_input, y, part_end)) {
        copy_output(*options.previous_output, output, range, y, part_end, model_.scale);
        ++mine.strips_copied;
        running = false;
      } else {
        if (!running) strip->start(range, input.width, input.height, y);
        running = true;
        while (strip->next_row() < part_end && !meter.stopped()) {
          strip->step(input, 0, times);
          strip->store(output, 0, part_end, times);
        }
      }
      if (meter.stopped()) break;
      meter.add((part_end - y) * (range.output_end - range.output_begin));
      y = part_end;
    }
    put_strip(std::move(strip));
    const std::lock_guard lock(statistics_mutex);
    statistics.strips += mine.strips;
    statistics.strips_copied += mine.strips_copied;
    add(statistics.seconds, mine.seconds);
  });
  meter.throw_if_stopped();
  return statistics;
}

Tensor<float> Engine::upscale(const Tensor<float>& luma, const FrameOptions& options) {
  const auto [n, c, height, width] = luma.shape();
  if (n != 1 || c != 1 || height < 1 || width < 1) {
    fail(ErrorCode::input, "a luma plane has shape (1, 1, H, W), but this one has {}", to_string(luma.shape()));
  }
  Tensor<float> output({1, 1, scale() * height, scale() * width});
  upscale(plane_of(luma), plane_of(output), options);
  return output;
}

}  // namespace fsrcnn
