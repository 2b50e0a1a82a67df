#include "nn/conv_panels.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <utility>

#include "nn/conv_job.hpp"

namespace fsrcnn {
namespace {

// Rows of weights in the cache at once, and pixels that they meet there.
constexpr int64_t kRowsAtOnce = 256, kPixelsAtOnce = 112;
constexpr int64_t kMostPositions = 256;  // of pictures so small that it matters how many taps lie outside
constexpr int64_t kJobs = 16;            // enough for the threads there are

// Pixels of the grid, in the order (image, y, x), that are multiplied by a weight at once.
struct PixelBlock {
  int64_t first;
  int count;
};

constexpr size_t kSquare = 16;
constexpr int kMostOutputs = 16;  // of any GemmKernels

// Cuts `pixels` into blocks as equal as can be.
void cut(int64_t first, int64_t pixels, int64_t most, std::vector<PixelBlock>& blocks) {
  const int64_t count = ceil_divide(pixels, most);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t begin = pixels * i / count;
    blocks.push_back({first + begin, static_cast<int>(pixels * (i + 1) / count - begin)});
  }
}

// std::copy_n for a count so small that a call would take longer: overlapping pieces of a fixed size.
void copy_few(const float* from, int count, float* to) {
  const auto pieces = [&]<int kFloats>() {
    std::array<float, kFloats> first, last;
    std::memcpy(first.data(), from, sizeof first);
    std::memcpy(last.data(), from + count - kFloats, sizeof last);
    std::memcpy(to, first.data(), sizeof first);
    std::memcpy(to + count - kFloats, last.data(), sizeof last);
  };
  if (count >= 8) {
    pieces.operator()<8>();
  } else if (count >= 4) {
    pieces.operator()<4>();
  } else {
    for (int i = 0; i < count; ++i) to[i] = from[i];
  }
}
static_assert(kMostOutputs <= 16);

// `channels` rows of `count` floats: what the pixels at `from` hold, or 0 where that is negative.
void gather(const float* in, int64_t channel_stride, int64_t channels, const int64_t* from, int count, float* to) {
  // Mostly they are neighbours, but for some outside of the picture.
  int begin = 0, end = count;
  while (begin < end && from[begin] < 0) ++begin;
  while (end > begin && from[end - 1] < 0) --end;
  bool neighbours = true;
  for (int i = begin; i < end; ++i) neighbours = neighbours && from[i] == from[begin] + (i - begin);
  const float* const first = in + (begin < end ? from[begin] : 0);
  for (int64_t c = 0; c < channels; ++c, to += count) {
    if (neighbours) {
      for (int i = 0; i < begin; ++i) to[i] = 0;
      copy_few(first + c * channel_stride, end - begin, to + begin);
      for (int i = end; i < count; ++i) to[i] = 0;
    } else {
      const float* const plane = in + c * channel_stride;
      for (int i = 0; i < count; ++i) to[i] = from[i] < 0 ? 0.0F : plane[from[i]];
    }
  }
}

}  // namespace

// Of a pixel of the grid.
struct ConvPanels::Position {
  int64_t n, y, x;
};

struct ConvPanels::Call {
  const float* in;
  float* out;
  Shape in_shape, out_shape;
  int64_t height, width;  // of the grid
  bool by_position;       // the order of pixels is (y, x, image), and a job has one y and x; else (image, y, x)
  std::vector<PixelBlock> blocks;

  Position position(int64_t pixel) const {
    const int64_t images = by_position ? in_shape.n : 1;
    const int64_t x = pixel / images % width, y = pixel / images / width;
    return by_position ? Position{pixel % images, y, x} : Position{y / height, y % height, x};
  }
};

struct ConvPanels::Job {
  size_t product;
  int64_t group;
  const PixelBlock *begin, *end;
  int64_t first_output, last_output;  // whole panels
};

ConvPanels::ConvPanels(const ConvForm& form, const WeightAt& weight, std::vector<float> bias, const GemmKernels& gemm)
    : form_(form), gemm_(&gemm), bias_(std::move(bias)) {
  bias_.resize(static_cast<size_t>(form.groups * form.out_per_group));
  size_t total = 0;
  for (const ConvClass& y : phases_by_taps(form.y)) {
    for (const ConvClass& x : phases_by_taps(form.x)) {
      const auto phases = static_cast<int64_t>(y.phases.size() * x.phases.size());
      const auto taps = static_cast<int64_t>(y.taps.size() * x.taps.size());
      Product product{.y = y, .x = x, .outputs = form.out_per_group * phases, .weights = total, .group_weights = 0};
      product.group_weights = static_cast<size_t>(padded(product.outputs) * taps * form.in_per_group);
      total += product.group_weights * static_cast<size_t>(form.groups);
      products_.push_back(product);
    }
  }
  weights_ = allocate_aligned(total);
  float* at = weights_.get();
  for (const Product& product : products_) {
    const auto phases_x = static_cast<int64_t>(product.x.phases.size());
    const int64_t phases = static_cast<int64_t>(product.y.phases.size()) * phases_x;
    for (int64_t g = 0; g < form.groups; ++g) {
      for (int64_t begin = 0; begin < product.outputs; begin += panel_outputs()) {
        const int64_t end = std::min(begin + panel_outputs(), padded(product.outputs));
        for (const int ty : product.y.taps) {
          for (const int tx : product.x.taps) {
            for (int64_t c = 0; c < form.in_per_group; ++c) {
              for (int64_t i = begin; i < end; ++i) {
                if (i >= product.outputs) {
                  *at++ = 0;
                  continue;
                }
                const int py = product.y.phases[static_cast<size_t>(i % phases / phases_x)];
                const int px = product.x.phases[static_cast<size_t>(i % phases_x)];
                *at++ =
                    weight(g * form.out_per_group + i / phases, c, form.y.kernel_at(ty, py), form.x.kernel_at(tx, px));
              }
            }
          }
        }
      }
    }
  }
}

// Indices into `taps` of those that do not meet padding alone from positions first ... last: with small pictures, many
// do.
std::vector<int> ConvPanels::useful_taps(const ConvAxis& axis, const std::vector<int>& taps, int64_t in, int64_t first,
                                         int64_t last) const {
  std::vector<int> useful;
  for (size_t t = 0; t < taps.size(); ++t) {
    const int64_t offset = axis.offsets[static_cast<size_t>(taps[t])];
    const int64_t inside = std::max(first, offset >= 0 ? 0 : ceil_divide(-offset, axis.in_stride));
    const bool reaches = inside <= last && inside * axis.in_stride + offset < in;
    if (reaches || form_.padding_mode == PaddingMode::replicate) useful.push_back(static_cast<int>(t));
  }
  return useful;
}

// Of all taps of all positions, the part that is useful.
double ConvPanels::useful_part(const ConvAxis& axis, int64_t in, int64_t grid) const {
  std::vector<int> all(axis.offsets.size());
  std::iota(all.begin(), all.end(), 0);
  size_t useful = 0;
  for (int64_t i = 0; i < grid; ++i) useful += useful_taps(axis, all, in, i, i).size();
  return static_cast<double>(useful) / (static_cast<double>(all.size()) * static_cast<double>(grid));
}

// Pixels by position need fewer taps, but where there are few images also fewer pixels meet a weight at once.
bool ConvPanels::by_position(const Shape& in, int64_t height, int64_t width) const {
  if (height * width > kMostPositions || form_.padding_mode == PaddingMode::replicate) return false;
  const double part = useful_part(form_.y, in.h, height) * useful_part(form_.x, in.w, width);
  const auto loads = [&](int64_t pixels) {
    return 1 + 1 / static_cast<double>(std::min<int64_t>(pixels, gemm_->most_outputs));
  };
  return part * loads(in.n) < loads(in.n * height * width) * 0.9;
}

double ConvPanels::cost(const Shape& in, const Shape& out) const {
  const int64_t height = form_.y.grid(out.h), width = form_.x.grid(out.w);
  const auto pixels = static_cast<double>(in.n * height * width);
  const bool sorted = by_position(in, height, width);
  const double block = std::min<double>(sorted ? static_cast<double>(in.n) : pixels, gemm_->most_outputs);
  const double part = sorted ? useful_part(form_.y, in.h, height) * useful_part(form_.x, in.w, width) : 1;
  double sum = 0;
  for (const Product& p : products_) {
    const double rows = part * static_cast<double>(form_.in_per_group) *
                        static_cast<double>(useful_taps(form_.y, p.y.taps, in.h, 0, height - 1).size() *
                                            useful_taps(form_.x, p.x.taps, in.w, 0, width - 1).size());
    const double vectors = static_cast<double>(padded(p.outputs)) / gemm_->lanes;
    // A block's weights are loaded, the pixels are gathered, the sums are stored one by one.
    sum += pixels * (rows * vectors * (1 + 1 / block) + rows * 0.7 + static_cast<double>(p.outputs) * 1.2 + 10);
  }
  return sum * static_cast<double>(form_.groups);
}

void ConvPanels::run_job(const Call& call, const Job& job) const {
  const Product& product = products_[job.product];
  const int64_t channels = form_.in_per_group, in_plane = call.in_shape.h * call.in_shape.w;
  const int64_t first_pixel = job.begin->first, pixels = job.end[-1].first + job.end[-1].count - first_pixel;
  const int64_t rows_at_once = std::max(kRowsAtOnce, channels <= 2 * kRowsAtOnce ? channels : 0);
  const ptrdiff_t sums_stride = spread(job.last_output - job.first_output);
  float* const sums = conv_scratch(static_cast<size_t>(pixels * (sums_stride + rows_at_once)));
  float* const packed = sums + pixels * sums_stride;
  std::array<Position, kPixelsAtOnce> positions{};
  for (int64_t i = 0; i < pixels; ++i) {
    positions[static_cast<size_t>(i)] = call.position(first_pixel + i);
  }
  const int64_t y = positions[0].y, x = positions[0].x;
  const auto taps_y = useful_taps(form_.y, product.y.taps, call.in_shape.h, call.by_position ? y : 0,
                                  call.by_position ? y : call.height - 1);
  const auto taps_x = useful_taps(form_.x, product.x.taps, call.in_shape.w, call.by_position ? x : 0,
                                  call.by_position ? x : call.width - 1);

  const auto pack = [&](int tap, int64_t first_channel, int64_t count, int64_t row, int64_t rows) {
    const auto tap_y = static_cast<size_t>(product.y.taps[static_cast<size_t>(tap) / product.x.taps.size()]);
    const auto tap_x = static_cast<size_t>(product.x.taps[static_cast<size_t>(tap) % product.x.taps.size()]);
    for (const PixelBlock* b = job.begin; b != job.end; ++b) {
      std::array<int64_t, kMostOutputs> from{};
      for (int i = 0; i < b->count; ++i) {
        const Position& at = positions[static_cast<size_t>(b->first - first_pixel + i)];
        int64_t from_y = at.y * form_.y.in_stride + form_.y.offsets[tap_y];
        int64_t from_x = at.x * form_.x.in_stride + form_.x.offsets[tap_x];
        const bool outside = from_y < 0 || from_y >= call.in_shape.h || from_x < 0 || from_x >= call.in_shape.w;
        from_y = std::clamp<int64_t>(from_y, 0, call.in_shape.h - 1);
        from_x = std::clamp<int64_t>(from_x, 0, call.in_shape.w - 1);
        from[static_cast<size_t>(i)] = outside && form_.padding_mode == PaddingMode::zeros
                                           ? -1
                                           : at.n * call.in_shape.c * in_plane + from_y * call.in_shape.w + from_x;
      }
      gather(call.in + (job.group * channels + first_channel) * in_plane, in_plane, count, from.data(), b->count,
             packed + (b->first - first_pixel) * rows + row * b->count);
    }
  };
  bool accumulate = false;
  const auto multiply = [&](const std::vector<int>& taps, int64_t first_channel, int64_t count) {
    const int64_t rows = static_cast<int64_t>(taps.size()) * count;
    for (size_t t = 0; t < taps.size(); ++t) {
      pack(taps[t], first_channel, count, static_cast<int64_t>(t) * count, rows);
    }
    const int64_t tap_rows = static_cast<int64_t>(product.y.taps.size() * product.x.taps.size()) * channels;
    std::vector<ptrdiff_t> offsets(taps.size());
    for (int64_t o = job.first_output; o < job.last_output; o += panel_outputs()) {
      const auto width = static_cast<ptrdiff_t>(std::min(panel_outputs(), job.last_output - o));
      const float* const panel = weights_.get() + product.weights +
                                 static_cast<size_t>(job.group) * product.group_weights +
                                 static_cast<size_t>(o * tap_rows);
      for (size_t t = 0; t < taps.size(); ++t) offsets[t] = taps[t] * channels * width;
      for (const PixelBlock* b = job.begin; b != job.end; ++b) {
        gemm_->gemm(b->count, {.in = panel + first_channel * width,
                               .in_channel_stride = width,
                               .channels = static_cast<int>(count),
                               .taps = static_cast<int>(taps.size()),
                               .tap_offsets = offsets.data(),
                               .weights = packed + (b->first - first_pixel) * rows,
                               .out = sums + (b->first - first_pixel) * sums_stride + (o - job.first_output),
                               .out_channel_stride = sums_stride,
                               .accumulate = accumulate,
                               .vectors = static_cast<int>(width) / gemm_->lanes});
      }
    }
    accumulate = true;
  };
  std::vector<int> taps;
  for (const int ty : taps_y) {
    for (const int tx : taps_x) {
      taps.push_back(ty * static_cast<int>(product.x.taps.size()) + tx);
      if (channels > rows_at_once) {
        for (int64_t c = 0; c < channels; c += kRowsAtOnce) multiply(taps, c, std::min(kRowsAtOnce, channels - c));
        taps.clear();
      } else if (static_cast<int64_t>(taps.size() + 1) * channels > rows_at_once) {
        multiply(taps, 0, channels);
        taps.clear();
      }
    }
  }
  if (!taps.empty() || !accumulate) multiply(taps, 0, channels);
  store(call, job, positions.data(), sums, sums_stride);
}

// Turns squares of pixels and outputs over, so that each plane of the output is written in bursts: the same place of
// many planes often falls into one set of the cache.
void ConvPanels::store(const Call& call, const Job& job, const Position* positions, const float* sums,
                       ptrdiff_t sums_stride) const {
  const Product& product = products_[job.product];
  const Shape& out = call.out_shape;
  const auto phases_x = static_cast<int64_t>(product.x.phases.size());
  const int64_t phases = static_cast<int64_t>(product.y.phases.size()) * phases_x;
  const int64_t last = std::min(job.last_output, product.outputs);
  const int64_t pixels = job.end[-1].first + job.end[-1].count - job.begin->first;
  std::array<float, kSquare * kSquare> square;
  for (int64_t begin = job.first_output; begin < last; begin += kSquare, sums += kSquare) {
    const auto count = static_cast<size_t>(std::min<int64_t>(kSquare, last - begin));
    std::array<int64_t, kSquare> to{}, phase_y{}, phase_x{};
    std::array<float, kSquare> bias{};
    for (size_t i = 0; i < count; ++i) {
      const int64_t output = begin + static_cast<int64_t>(i), o = job.group * form_.out_per_group + output / phases;
      phase_y[i] =
          form_.y.phases[static_cast<size_t>(product.y.phases[static_cast<size_t>(output % phases / phases_x)])];
      phase_x[i] = form_.x.phases[static_cast<size_t>(product.x.phases[static_cast<size_t>(output % phases_x)])];
      to[i] = (o * out.h + phase_y[i]) * out.w + phase_x[i];
      bias[i] = bias_[static_cast<size_t>(o)];
    }
    for (int64_t first = 0; first < pixels; first += kSquare) {
      const auto some = static_cast<size_t>(std::min<int64_t>(kSquare, pixels - first));
      std::array<int64_t, kSquare> pixel{};
      bool whole = true;  // all phases of all pixels lie inside
      for (size_t p = 0; p < some; ++p) {
        const auto [n, y, x] = positions[first + static_cast<int64_t>(p)];
        const int64_t to_y = y * form_.y.out_stride, to_x = x * form_.x.out_stride;
        pixel[p] = (n * out.c * out.h + to_y) * out.w + to_x;
        whole = whole && to_y + form_.y.out_stride <= out.h && to_x + form_.x.out_stride <= out.w;
        const float* const from = sums + (first + static_cast<int64_t>(p)) * sums_stride;
        for (size_t i = 0; i < count; ++i) square[i * kSquare + p] = from[i] + bias[i];
      }
      for (size_t i = 0; i < count; ++i) {
        for (size_t p = 0; p < some; ++p) {
          if (!whole) {
            const auto [n, y, x] = positions[first + static_cast<int64_t>(p)];
            if (y * form_.y.out_stride + phase_y[i] >= out.h || x * form_.x.out_stride + phase_x[i] >= out.w) continue;
          }
          call.out[to[i] + pixel[p]] = square[i * kSquare + p];
        }
      }
    }
  }
}

void ConvPanels::run(const float* in, const Shape& in_shape, float* out, const Shape& out_shape,
                     ThreadPool& pool) const {
  Call call{.in = in,
            .out = out,
            .in_shape = in_shape,
            .out_shape = out_shape,
            .height = form_.y.grid(out_shape.h),
            .width = form_.x.grid(out_shape.w),
            .by_position = false,
            .blocks = {}};
  call.by_position = by_position(in_shape, call.height, call.width);
  // Neighbours in a row can be copied; in small pictures it matters more that blocks are full.
  const int64_t most = gemm_->most_outputs, pixels = in_shape.n * call.height * call.width;
  const bool by_rows = call.width >= most / 2 && form_.x.in_stride == 1;
  const int64_t together = call.by_position ? in_shape.n : by_rows ? call.width : pixels;
  for (int64_t p = 0; p < pixels; p += together) cut(p, together, most, call.blocks);
  // A job has some blocks and, where there are few of them, some panels.
  const auto blocks = static_cast<int64_t>(call.blocks.size()), at_once = kPixelsAtOnce / most;
  const int64_t parts = call.by_position ? call.height * call.width : 1;  // that no two blocks of a job may be of
  const int64_t part_jobs = ceil_divide(blocks / parts, at_once), block_jobs = parts * part_jobs;
  const int64_t other_jobs = block_jobs * form_.groups * static_cast<int64_t>(products_.size());
  const int64_t panel_jobs = std::max<int64_t>(1, kJobs / other_jobs);
  const auto first_block = [&](int64_t job) {
    const int64_t of_part = blocks / parts;
    return call.blocks.data() + job / part_jobs * of_part + of_part * (job % part_jobs) / part_jobs;
  };
  std::vector<Job> jobs;
  for (int64_t b = 0; b < block_jobs; ++b) {
    for (int64_t g = 0; g < form_.groups; ++g) {
      for (size_t i = 0; i < products_.size(); ++i) {
        const int64_t panels = ceil_divide(products_[i].outputs, panel_outputs()), cuts = std::min(panels, panel_jobs);
        for (int64_t c = 0; c < cuts; ++c) {
          jobs.push_back(
              {.product = i,
               .group = g,
               .begin = first_block(b),
               .end = first_block(b + 1),
               .first_output = panels * c / cuts * panel_outputs(),
               .last_output = std::min(panels * (c + 1) / cuts * panel_outputs(), padded(products_[i].outputs))});
        }
      }
    }
  }
  pool.run(static_cast<int64_t>(jobs.size()), [&](int64_t job) { run_job(call, jobs[static_cast<size_t>(job)]); });
}

}  // namespace fsrcnn
