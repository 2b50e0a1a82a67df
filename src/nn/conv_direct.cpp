#include "nn/conv_direct.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "nn/conv_job.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kChannelsAtOnce = 32;
// Of a tile's input, and of its sums: together they shall fit into the second cache.
constexpr int64_t kTileFloats = 64 << 10;
constexpr int64_t kFewSlots = 48, kManySlots = 160;
constexpr int64_t kAbsurdFloats = 32 << 20;
// What costs as much as one multiply-add of vectors, as found by measuring.
constexpr double kCopyCost = 2, kRunCost = 40, kStoreCost = 3;

// Groups with many outputs are cut into some that see the same input, so that the sums of a tile fit into the cache.
int64_t parts_of(const ConvForm& form) {
  for (int64_t parts = 1; parts <= form.out_per_group && form.slots() / parts >= kFewSlots; ++parts) {
    if (form.out_per_group % parts == 0 && form.slots() / parts <= kManySlots) return parts;
  }
  return 1;
}

std::vector<int> count_up(int count) {
  std::vector<int> numbers(static_cast<size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

// How the remainders of offsets become planes of a tile's input: those that occur, counted through.
struct Split {
  std::vector<int64_t> remainders;
  std::vector<int64_t> plane, shift;  // of each tap
  int64_t most_shift = 0;

  explicit Split(const ConvAxis& axis) {
    for (const int64_t offset : axis.offsets) remainders.push_back((offset - axis.offsets.front()) % axis.in_stride);
    std::sort(remainders.begin(), remainders.end());
    remainders.erase(std::unique(remainders.begin(), remainders.end()), remainders.end());
    for (const int64_t offset : axis.offsets) {
      const int64_t relative = offset - axis.offsets.front();
      plane.push_back(std::lower_bound(remainders.begin(), remainders.end(), relative % axis.in_stride) -
                      remainders.begin());
      shift.push_back(relative / axis.in_stride);
      most_shift = std::max(most_shift, shift.back());
    }
  }
  int64_t planes() const { return static_cast<int64_t>(remainders.size()); }
};

}  // namespace

struct ConvDirect::Tiling {
  Split y, x;
  int64_t rows = 0, columns = 0, tiles_y = 0, tiles_x = 0;  // of the grid, in a tile
  int64_t plane_rows = 0, pitch = 0, channels = 0;          // of the input
  int64_t positions = 0;                                    // rows as one long row
  ptrdiff_t channel_stride = 0, slot_stride = 0;
  int vectors = 0;
  std::vector<std::vector<ptrdiff_t>> offsets;  // [run][tap]

  explicit Tiling(const ConvForm& form) : y(form.y), x(form.x) {}
};

ConvDirect::ConvDirect(const ConvForm& whole, const WeightAt& weight, std::vector<float> bias, const GemmKernels& gemm,
                       const InterleaveKernels& interleave)
    : form_(whole), parts_(parts_of(whole)), gemm_(&gemm), interleave_(&interleave), bias_(std::move(bias)) {
  form_.groups *= parts_;
  form_.out_per_group /= parts_;
  const ConvForm& form = form_;
  const int py = form.y.phase_count(), px = form.x.phase_count(), ky = form.y.taps(), kx = form.x.taps();
  const auto slots_of = [&](const std::vector<int>& of_y, const std::vector<int>& of_x) {
    std::vector<int> slots;
    for (int o = 0; o < form.out_per_group; ++o) {
      for (const int i : of_y) {
        for (const int j : of_x) slots.push_back((o * py + i) * px + j);
      }
    }
    return slots;
  };
  const auto runs_of = [&](const std::vector<ConvClass>& of_y, const std::vector<ConvClass>& of_x) {
    std::vector<Run> runs;
    for (const ConvClass& y : of_y) {
      for (const ConvClass& x : of_x) {
        std::vector<int> taps;
        for (const int i : y.taps) {
          for (const int j : x.taps) taps.push_back(i * kx + j);
        }
        add_runs(taps, slots_of(y.phases, x.phases), runs);
      }
    }
    return runs;
  };
  // With few outputs it matters that a load of pixels serves all phases; with many, that a run has many products; and
  // with few products it is cheapest to multiply by some zeros and have a single run.
  const ConvClass all_y{count_up(ky), count_up(py)}, all_x{count_up(kx), count_up(px)};
  for (auto& runs : {runs_of(taps_by_phases(form.y), taps_by_phases(form.x)),
                     runs_of(phases_by_taps(form.y), phases_by_taps(form.x)), runs_of({all_y}, {all_x})}) {
    if (runs_.empty() || products(runs) < products(runs_)) runs_ = runs;
  }
  for (Run& run : runs_) {
    run.weights = group_weights_;
    group_weights_ += run.taps.size() * static_cast<size_t>(form.in_per_group * run.count);
  }
  weights_.reserve(group_weights_ * static_cast<size_t>(form.groups));
  for (int64_t g = 0; g < form.groups; ++g) {
    for (const Run& run : runs_) {
      for (int64_t c0 = 0; c0 < form.in_per_group; c0 += kChannelsAtOnce) {
        for (const int tap : run.taps) {
          for (int64_t c = c0; c < std::min(form.in_per_group, c0 + kChannelsAtOnce); ++c) {
            for (int i = 0; i < run.count; ++i) {
              const int slot = run.first_slot + i * run.slot_step;
              const int y = form.y.kernel_at(tap / kx, slot / px % py), x = form.x.kernel_at(tap % kx, slot % px);
              const int64_t o = g * form.out_per_group + slot / (px * py);
              weights_.push_back(y < 0 || x < 0 ? 0 : weight(o, c, y, x));
            }
          }
        }
      }
    }
  }
  bias_.resize(static_cast<size_t>(form.groups * form.out_per_group));
}

// Cuts `slots` into arithmetic progressions, as outputs of a Gemm must be, the longest first.
void ConvDirect::add_runs(const std::vector<int>& taps, std::vector<int> slots, std::vector<Run>& runs) const {
  const auto most = static_cast<size_t>(gemm_->most_outputs);
  while (!slots.empty()) {
    // As equal as can be: 15 outputs are better done as 8 and 7 than as 14 and 1.
    const size_t wanted = (slots.size() + (slots.size() + most - 1) / most - 1) / ((slots.size() + most - 1) / most);
    std::vector<int> best{slots.front()};
    for (size_t second = 1; second < std::min<size_t>(slots.size(), 8) && best.size() < wanted; ++second) {
      const int step = slots[second] - slots[0];
      std::vector<int> run{slots.front()};
      while (run.size() < wanted && std::binary_search(slots.begin(), slots.end(), run.back() + step)) {
        run.push_back(run.back() + step);
      }
      if (run.size() > best.size()) best = run;
    }
    const int step = best.size() > 1 ? best[1] - best[0] : 1;
    runs.push_back({taps, best.front(), step, static_cast<int>(best.size()), 0});
    std::vector<int> rest;
    std::set_difference(slots.begin(), slots.end(), best.begin(), best.end(), std::back_inserter(rest));
    slots = std::move(rest);
  }
}

// Multiply-adds for a vector of positions. A load of unaligned pixels takes as long as two of weights.
double ConvDirect::products(const std::vector<Run>& runs) const {
  const auto chunks = static_cast<double>(ceil_divide(form_.in_per_group, kChannelsAtOnce));
  double sum = 0;
  for (const Run& run : runs) {
    sum += static_cast<double>(run.taps.size()) * static_cast<double>(form_.in_per_group) *
               std::max(run.count + 0.25, 2 + run.count / 4.0) +
           chunks * (run.count * 3 + kRunCost / 8);
  }
  return sum;
}

ConvDirect::Tiling ConvDirect::tiling(const Shape& in, const Shape& out) const {
  Tiling t(form_);
  const int64_t height = form_.y.grid(out.h), width = form_.x.grid(out.w);
  t.channels = std::min(form_.in_per_group, kChannelsAtOnce);
  const int64_t planes = t.y.planes() * t.x.planes();
  const int64_t input = kTileFloats / (t.channels * planes), sums = kTileFloats / form_.slots();
  // Rather wide than high, because vectors are; but a wide tile has no room for rows, whose neighbours are read again.
  const int64_t columns =
      std::max<int64_t>(64, std::min(input / (std::min<int64_t>(height, 12) + t.y.most_shift) - t.x.most_shift,
                                     sums / std::min<int64_t>(height, 4)));
  t.tiles_x = ceil_divide(width, columns);
  t.columns = ceil_divide(width, t.tiles_x);
  t.tiles_x = ceil_divide(width, t.columns);
  t.pitch = t.columns + t.x.most_shift;
  int64_t rows = std::clamp<int64_t>(std::min(input / t.pitch - t.y.most_shift, sums / t.pitch), 1, height);
  // Enough tiles for the threads, if there is work for them.
  const int64_t others = in.n * form_.groups * t.tiles_x;
  if (products(runs_) * static_cast<double>(others * height * width) > 1e6) {
    rows = std::min(rows, ceil_divide(height, std::max<int64_t>(1, 8 / std::max<int64_t>(1, others))));
  }
  t.tiles_y = ceil_divide(height, rows);
  t.rows = ceil_divide(height, t.tiles_y);
  t.tiles_y = ceil_divide(height, t.rows);
  t.plane_rows = t.rows + t.y.most_shift;
  t.positions = (t.rows - 1) * t.pitch + t.columns;
  t.vectors = static_cast<int>(std::min<int64_t>(ceil_divide(t.positions, gemm_->lanes), 1 << 26));
  t.channel_stride = spread(planes * t.plane_rows * t.pitch);
  t.slot_stride = spread(ptrdiff_t{t.vectors} * gemm_->lanes);
  for (const Run& run : runs_) {
    std::vector<ptrdiff_t> offsets;
    for (const int tap : run.taps) {
      const auto y = static_cast<size_t>(tap / form_.x.taps()), x = static_cast<size_t>(tap % form_.x.taps());
      offsets.push_back(((t.y.plane[y] * t.x.planes() + t.x.plane[x]) * t.plane_rows + t.y.shift[y]) * t.pitch +
                        t.x.shift[x]);
    }
    t.offsets.push_back(std::move(offsets));
  }
  return t;
}

double ConvDirect::cost(const Shape& in, const Shape& out) const {
  // In double, because dilation and padding can be anything.
  const double rows = static_cast<double>(form_.y.span()) + 64, columns = static_cast<double>(form_.x.span()) + 4096;
  if (rows * columns * static_cast<double>(std::min(form_.in_per_group, kChannelsAtOnce)) > kAbsurdFloats) {
    return std::numeric_limits<double>::infinity();
  }
  const Tiling t = tiling(in, out);
  const double loaded = static_cast<double>(form_.in_per_group) * static_cast<double>(t.channel_stride);
  const auto chunks = static_cast<double>(ceil_divide(form_.in_per_group, kChannelsAtOnce));
  const double stored = static_cast<double>(form_.slots()) * static_cast<double>(t.positions);
  const double tile = products(runs_) * t.vectors + kRunCost * chunks * static_cast<double>(runs_.size()) +
                      kCopyCost * loaded / gemm_->lanes + kStoreCost * stored / gemm_->lanes + 100;
  return tile * static_cast<double>(in.n * form_.groups * t.tiles_y * t.tiles_x);
}

// A channel of the padded input, from the first tap at grid position (y, x).
void ConvDirect::load(const Tiling& t, const float* plane, const Shape& in, int64_t y, int64_t x, float* to) const {
  const int64_t stride_x = form_.x.in_stride;
  for (const int64_t remainder_y : t.y.remainders) {
    for (const int64_t remainder_x : t.x.remainders) {
      const int64_t first_x = x * stride_x + form_.x.offsets.front() + remainder_x;
      const int64_t begin = std::clamp<int64_t>(first_x >= 0 ? 0 : ceil_divide(-first_x, stride_x), 0, t.pitch);
      const int64_t end =
          std::clamp<int64_t>(in.w > first_x ? ceil_divide(in.w - first_x, stride_x) : 0, begin, t.pitch);
      for (int64_t r = 0; r < t.plane_rows; ++r, to += t.pitch) {
        const int64_t from_y = (y + r) * form_.y.in_stride + form_.y.offsets.front() + remainder_y;
        const bool replicate = form_.padding_mode == PaddingMode::replicate;
        if (!replicate && (from_y < 0 || from_y >= in.h)) {
          std::fill_n(to, t.pitch, 0.0F);
          continue;
        }
        const float* const from = plane + std::clamp<int64_t>(from_y, 0, in.h - 1) * in.w;
        // Where all lies to the left, begin = end = pitch.
        std::fill(to, to + begin, replicate ? from[0] : 0.0F);
        if (stride_x == 1) {
          std::copy(from + first_x + begin, from + first_x + end, to + begin);
        } else {
          for (int64_t i = begin; i < end; ++i) to[i] = from[first_x + i * stride_x];
        }
        std::fill(to + end, to + t.pitch, replicate ? from[in.w - 1] : 0.0F);
      }
    }
  }
}

void ConvDirect::store(const Tiling& t, const float* sums, const Shape& out, int64_t y, int64_t x,
                       float* first_plane) const {
  const int64_t stride = form_.x.out_stride;
  const int phases_x = form_.x.phase_count();
  const int64_t columns = std::min(t.columns, form_.x.grid(out.w) - x);
  const int64_t whole = form_.x.has_gaps() ? 0 : std::min(columns, out.w / stride - x);  // positions with all phases
  for (int64_t o = 0; o < form_.out_per_group; ++o) {
    for (const int64_t phase_y : form_.y.phases) {
      for (int64_t j = 0; j < t.rows; ++j) {
        const int64_t to_y = (y + j) * form_.y.out_stride + phase_y;
        if (to_y >= out.h) break;
        const float* const from = sums + j * t.pitch;
        float* const to = first_plane + (o * out.h + to_y) * out.w;
        if (whole > 0) interleave_->interleave(phases_x, from, t.slot_stride, whole, to + x * stride);
        for (int p = 0; p < phases_x; ++p) {
          for (int64_t i = whole; i < columns; ++i) {
            const int64_t to_x = (x + i) * stride + form_.x.phases[static_cast<size_t>(p)];
            if (to_x < out.w) to[to_x] = from[p * t.slot_stride + i];
          }
        }
      }
      sums += phases_x * t.slot_stride;
    }
  }
}

void ConvDirect::run(const float* in, const Shape& in_shape, float* out, const Shape& out_shape,
                     ThreadPool& pool) const {
  const Tiling t = tiling(in_shape, out_shape);
  const int64_t slots = form_.slots(), phases = slots / form_.out_per_group;
  const int64_t input_floats =
      t.channels * t.channel_stride + 64;  // the last vector may reach beyond the last position
  const int64_t in_plane = in_shape.h * in_shape.w, out_plane = out_shape.h * out_shape.w;
  pool.run(in_shape.n * form_.groups * t.tiles_y * t.tiles_x, [&](int64_t job) {
    const int64_t x = job % t.tiles_x * t.columns, y = job / t.tiles_x % t.tiles_y * t.rows;
    const int64_t image_group = job / t.tiles_x / t.tiles_y, group = image_group % form_.groups;
    float* const input = conv_scratch(static_cast<size_t>(input_floats + slots * t.slot_stride));
    float* const sums = input + (input_floats + 15) / 16 * 16;
    for (int64_t s = 0; s < slots; ++s) {
      std::fill_n(sums + s * t.slot_stride, ptrdiff_t{t.vectors} * gemm_->lanes,
                  bias_[static_cast<size_t>(group * form_.out_per_group + s / phases)]);
    }
    for (int64_t c0 = 0; c0 < form_.in_per_group; c0 += t.channels) {
      const int64_t channels = std::min(t.channels, form_.in_per_group - c0);
      for (int64_t c = 0; c < channels; ++c) {
        load(t, in + (image_group / parts_ * form_.in_per_group + c0 + c) * in_plane, in_shape, y, x,
             input + c * t.channel_stride);
      }
      for (size_t r = 0; r < runs_.size(); ++r) {
        const Run& run = runs_[r];
        const size_t before = static_cast<size_t>(c0) * run.taps.size() * static_cast<size_t>(run.count);
        gemm_->gemm(run.count,
                    {.in = input,
                     .in_channel_stride = t.channel_stride,
                     .channels = static_cast<int>(channels),
                     .taps = static_cast<int>(run.taps.size()),
                     .tap_offsets = t.offsets[r].data(),
                     .weights = weights_.data() + static_cast<size_t>(group) * group_weights_ + run.weights + before,
                     .out = sums + run.first_slot * t.slot_stride,
                     .out_channel_stride = run.slot_step * t.slot_stride,
                     .accumulate = true,
                     .vectors = t.vectors});
      }
    }
    store(t, sums, out_shape, y, x, out + image_group * form_.out_per_group * out_plane);
  });
}

}  // namespace fsrcnn
