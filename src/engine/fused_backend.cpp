#include <algorithm>
#include <cstring>
#include <mutex>
#include <vector>

#include "base/cpu.hpp"
#include "base/per_process.hpp"
#include "engine/backend.hpp"
#include "engine/fused_plan.hpp"
#include "engine/fused_strip.hpp"
#include "engine/meter.hpp"
#include "engine/strip_layout.hpp"

namespace fsrcnn {
namespace {

// Rows that are looked at together when they are compared with the previous frame's.
constexpr int64_t kComparedRows = 32;

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
    if (from.row(row) != to.row(row)) std::memcpy(to.row(row) + offset, from.row(row) + offset, bytes);
  }
}

class FusedRows : public RowSession {
 public:
  FusedRows(const FusedPlan& plan, ThreadPool& pool, const StripLayout& layout, int64_t width, int64_t height)
      : plan_(plan), pool_(pool), height_(height) {
    for (const StripRange& range : layout.strips) {
      strips_.push_back(std::make_unique<FusedStrip>(plan, range.positions));
      strips_.back()->start(range, width, height, 0);
      if (strips_.size() > 1) continue;
      // Before the memory is taken that there is not.
      const int64_t bytes = strips_.back()->bytes() * static_cast<int64_t>(layout.strips.size());
      if (bytes < physical_memory_bytes()) continue;
      fail(ErrorCode::limit, "rows of {} samples need {} MiB of memory, more than this machine has", width,
           bytes >> 20);
    }
  }

  int64_t complete(int64_t rows) const override {
    if (rows == height_) return height_;
    // The mirror image above the picture.
    if (plan_.looks.extend_edges && rows < plan_.rows_above()) return 0;
    // A step computes kRowsAtOnce rows and needs those that lie `lag` below them.
    return std::max<int64_t>(0, rows - plan_.output_lag) / kRowsAtOnce * kRowsAtOnce;
  }

  int64_t compute(const ConstPlane* input, int64_t input_begin, const Plane* output, int64_t begin,
                  int64_t end) override {
    pool_.run(static_cast<int64_t>(strips_.size()), [&](int64_t i) {
      FusedStrip& strip = *strips_[static_cast<size_t>(i)];
      while (strip.next_row() < end) {
        strip.step(input, input_begin);
        strip.store(output, begin, height_);
      }
    });
    const int64_t next = std::min(height_, strips_.front()->next_row() + plan_.output_lag);
    if (!plan_.looks.extend_edges) return next;
    // The mirror image below the picture.
    return std::clamp<int64_t>(height_ - plan_.output_lag - kRowsAtOnce, 0, next);
  }

 private:
  const FusedPlan& plan_;
  ThreadPool& pool_;
  int64_t height_;
  std::vector<std::unique_ptr<FusedStrip>> strips_;
};

class FusedSession : public Session {
 public:
  FusedSession(const LoweredNetwork& network, const SessionOptions& options)
      : plan_(network, options.precision, options.cpu, options.looks), options_(options) {}

  // Strips and transforms are the same on all instruction sets.
  std::string bits() const override { return class_of_bits(options_.cpu); }

  FrameStatistics upscale(const ConstPlane* input, const Plane* output, const FrameOptions& options) override {
    const StripLayout layout =
        lay_out_strips(plan_, input->width, input->height, options_.pool->threads(), options_.strip_columns);
    const int64_t bands = (input->height + layout.band_rows - 1) / layout.band_rows;
    Meter meter(options, input->width * input->height);
    FrameStatistics statistics;
    std::mutex statistics_mutex;
    options_.pool->run(static_cast<int64_t>(layout.strips.size()) * bands, [&](int64_t job) {
      const StripRange& range = layout.strips[static_cast<size_t>(job / bands)];
      const int64_t begin = job % bands * layout.band_rows, end = std::min(begin + layout.band_rows, input->height);
      std::unique_ptr<FusedStrip> strip = take_strip(layout.max_positions);
      const FrameStatistics mine = run_band(*strip, range, begin, end, input, output, options, meter);
      put_strip(std::move(strip));
      const std::lock_guard lock(statistics_mutex);
      statistics.strips += mine.strips;
      statistics.strips_copied += mine.strips_copied;
      add(statistics.seconds, mine.seconds);
    });
    meter.throw_if_stopped();
    return statistics;
  }

  std::unique_ptr<RowSession> open_rows(int64_t width, int64_t height) override {
    const StripLayout layout =
        lay_out_strips(plan_, width, height, options_.pool->threads(), options_.strip_columns, true);
    return std::make_unique<FusedRows>(plan_, *options_.pool, layout, width, height);
  }

 private:
  FrameStatistics run_band(FusedStrip& strip, const StripRange& range, int64_t begin, int64_t end,
                           const ConstPlane* input, const Plane* output, const FrameOptions& options,
                           Meter& meter) const {
    const PreviousFrame previous(options);
    FrameStatistics statistics;
    StageTimes* const times = options.measure_stages ? &statistics.seconds : nullptr;
    bool running = false;  // the strip has just computed the rows above
    for (int64_t y = begin; y < end;) {
      const int64_t part_end = previous.input.empty() ? end : std::min(y + kComparedRows, end);
      ++statistics.strips;
      bool same = !previous.input.empty();
      for (size_t c = 0; same && c < previous.input.size(); ++c) {
        same = strip.reads_the_same(range, input[c], previous.input[c], y, part_end);
      }
      if (same) {
        for (size_t c = 0; c < previous.output.size(); ++c) {
          copy_output(previous.output[c], output[c], range, y, part_end, plan_.scale);
        }
        ++statistics.strips_copied;
        running = false;
      } else {
        if (!running) strip.start(range, input->width, input->height, y);
        running = true;
        while (strip.next_row() < part_end && !meter.stopped()) {
          strip.step(input, 0, times);
          strip.store(output, 0, part_end, times);
        }
      }
      if (meter.stopped()) break;
      meter.add((part_end - y) * (range.output_end - range.output_begin));
      y = part_end;
    }
    return statistics;
  }

  std::unique_ptr<FusedStrip> take_strip(int positions) {
    {
      IdleStrips& idle = idle_.get();
      const std::lock_guard lock(idle.mutex);
      const auto found = std::find_if(idle.strips.begin(), idle.strips.end(),
                                      [&](const auto& strip) { return strip->max_positions() == positions; });
      if (found != idle.strips.end()) {
        auto strip = std::move(*found);
        idle.strips.erase(found);
        return strip;
      }
      idle.strips.clear();  // of another picture's size
    }
    return std::make_unique<FusedStrip>(plan_, positions);
  }

  void put_strip(std::unique_ptr<FusedStrip> strip) {
    IdleStrips& idle = idle_.get();
    const std::lock_guard lock(idle.mutex);
    idle.strips.push_back(std::move(strip));
  }

  FusedPlan plan_;
  SessionOptions options_;
  struct IdleStrips {
    std::mutex mutex;
    std::vector<std::unique_ptr<FusedStrip>> strips;
  };
  PerProcess<IdleStrips> idle_{std::make_unique<IdleStrips>};
};

}  // namespace

const Backend kFusedBackend = {
    .name = "fused", .open = [](const Network& network, const SessionOptions& options) -> std::unique_ptr<Session> {
      if (fused_kernels(options.cpu) == nullptr) return nullptr;
      const auto lowered = lower(network);
      if (!lowered || !FusedPlan::fits(*lowered)) return nullptr;
      return std::make_unique<FusedSession>(*lowered, options);
    }};

}  // namespace fsrcnn
