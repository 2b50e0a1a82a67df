#include "picture/upscale_picture.hpp"

#include <algorithm>
#include <cmath>

#include "base/add_seconds.hpp"
#include "base/error.hpp"
#include "base/plane.hpp"
#include "picture/bleed.hpp"
#include "picture/colour.hpp"

namespace fsrcnn {
namespace {

void append(std::vector<float>& to, const ConstPlane& rows) {
  for (int64_t y = 0; y < rows.height; ++y) {
    const auto* const row = reinterpret_cast<const float*>(rows.row(y));
    to.insert(to.end(), row, row + rows.width);
  }
}

/// Rows first to first + count - 1.
Tensor<float> cut_rows(const Tensor<float>& planes, int64_t first, int64_t count) {
  const auto [n, c, h, w] = planes.shape();
  Tensor<float> rows({1, c, count, w});
  for (int64_t k = 0; k < c; ++k) std::copy_n(planes.row(0, k, first), count * w, rows.plane(0, k));
  return rows;
}

/// As far as colours must bleed: the passes together look so far around a pixel, and so does the resampler after them
/// along an axis that shrinks, where its kernel is as many times wider.
int bleed_reach(const Engine& engine, const PictureHeader& picture, const ScalePlan& plan) {
  constexpr double kMost = 900;
  const double shrink = std::max(static_cast<double>(picture.width) / static_cast<double>(plan.width),
                                 static_cast<double>(picture.height) / static_cast<double>(plan.height));
  const double resampler = shrink > 1 ? std::min(kMost, std::ceil(3 * shrink)) : 0;
  return static_cast<int>(2 * engine.model().halo()) + static_cast<int>(resampler);
}

/// Multiplies the first `colours` planes by alpha.
void weight_with_alpha(Tensor<float>& planes, int64_t colours, const float* alpha) {
  const int64_t pixels = planes.shape().h * planes.shape().w;
  for (int64_t k = 0; k < colours; ++k) {
    float* const plane = planes.plane(0, k);
    for (int64_t i = 0; i < pixels; ++i) plane[i] *= alpha[i];
  }
}

/// And back. What is as good as invisible becomes black.
void divide_by_alpha(Tensor<float>& planes, int64_t colours) {
  constexpr float kInvisible = 1.0F / 65536;
  const int64_t pixels = planes.shape().h * planes.shape().w;
  const float* const alpha = planes.plane(0, colours);
  for (int64_t k = 0; k < colours; ++k) {
    const float black = k == 0 ? 16 / 255.0F : 128 / 255.0F;
    float* const plane = planes.plane(0, k);
    for (int64_t i = 0; i < pixels; ++i) plane[i] = alpha[i] > kInvisible ? plane[i] / alpha[i] : black;
  }
}

/// How often a network is asked to enlarge by about this factor.
int passes_to(double factor, int64_t model_scale) {
  if (factor <= 1) return 0;
  return std::max(1, static_cast<int>(std::lround(std::log(factor) / std::log(static_cast<double>(model_scale)))));
}

int64_t scaled(int64_t size, double scale) {
  return std::max<int64_t>(1, std::llround(static_cast<double>(size) * scale));
}

}  // namespace

std::optional<double> TargetSize::factor(int64_t width, int64_t height) const {
  if (!size) return scale;
  return std::max(static_cast<double>(size->first) / static_cast<double>(width),
                  static_cast<double>(size->second) / static_cast<double>(height));
}

int64_t nearest_scale(double factor, const std::vector<int64_t>& model_scales) {
  constexpr double kSame = 1e-6;
  int64_t nearest = model_scales.front();
  double distance = INFINITY;
  int passes = 0;
  for (const int64_t scale : model_scales) {
    const int n = passes_to(factor, scale);
    const double d = std::abs(std::log(factor) - n * std::log(static_cast<double>(scale)));
    if (d > distance + kSame || (d > distance - kSame && n >= passes)) continue;
    nearest = scale;
    distance = d;
    passes = n;
  }
  return nearest;
}

ScalePlan plan_scale(int64_t width, int64_t height, int64_t model_scale, const TargetSize& target) {
  const double factor = target.factor(width, height).value_or(static_cast<double>(model_scale));
  ScalePlan plan;
  plan.width = target.size ? target.size->first : scaled(width, factor);
  plan.height = target.size ? target.size->second : scaled(height, factor);
  plan.passes = passes_to(factor, model_scale);
  plan.network_width = width;
  plan.network_height = height;
  for (int i = 0; i < plan.passes; ++i) {
    plan.network_width *= model_scale;
    plan.network_height *= model_scale;
  }
  return plan;
}

std::string describe(const ScalePlan& plan, const std::string& model) {
  if (plan.passes == 0) return plan.resampled() ? "Lanczos, as nothing is enlarged" : "unchanged in size";
  const std::string times = plan.passes == 1 ? "" : plan.passes == 2 ? " twice" : fmt::format(" {} times", plan.passes);
  const std::string network = model + times;
  if (!plan.resampled()) return network;
  return fmt::format("{} to {}x{}, then Lanczos", network, plan.network_width, plan.network_height);
}

/// Luma through the passes of the network and the resampler after them.
class UpscaledRows::Luma {
 public:
  Luma(Engine& engine, int64_t width, int64_t height, const ScalePlan& plan, PictureTimes& times,
       RowResampler::Sink sink)
      : times_(times) {
    if (plan.resampled()) {
      resampler_ = std::make_unique<RowResampler>(plan.network_width, plan.network_height, plan.width, plan.height,
                                                  ResampleKernel::lanczos3, std::move(sink));
      sink = [this](const ConstPlane& rows) {
        const AddSeconds timer(resampling_s_);
        resampler_->push(rows);
      };
    }
    // From the last pass to the first.
    int64_t scale = 1;
    for (int i = 1; i < plan.passes; ++i) scale *= engine.scale();
    for (int i = 0; i < plan.passes; ++i, scale /= engine.scale()) {
      passes_.push_back(
          std::make_unique<RowStream>(engine, width * scale, height * scale, ConstPlane{}, Plane{}, std::move(sink)));
      sink = [stream = passes_.back().get()](const ConstPlane& rows) { stream->push(rows); };
    }
    sink_ = std::move(sink);
  }

  void push(const ConstPlane& rows) {
    double seconds = 0;
    resampling_s_ = 0;
    {
      const AddSeconds timer(seconds);
      sink_(rows);
    }
    times_.network += seconds - resampling_s_;
    times_.resampling += resampling_s_;
  }

 private:
  PictureTimes& times_;
  double resampling_s_ = 0;
  std::unique_ptr<RowResampler> resampler_;
  std::vector<std::unique_ptr<RowStream>> passes_;
  RowResampler::Sink sink_;
};

UpscaledRows::UpscaledRows(Engine& engine, PictureReader& reader, const ScalePlan& plan, Progress progress)
    : engine_(engine),
      reader_(reader),
      header_(reader.header()),
      plan_(plan),
      progress_(std::move(progress)),
      weighted_(header_.has_alpha && plan.passes == 0 && plan.resampled()),
      bleed_reach_(bleed_reach(engine, header_, plan)) {
  if (header_.has_alpha && !weighted_) {
    const int64_t rows = std::min(header_.height, RowStream::block_rows(header_.width) + 2 * bleed_reach_);
    window_ = Tensor<float>({1, header_.planes(), rows, header_.width});
  }
  start_frame();
}

UpscaledRows::~UpscaledRows() = default;

void UpscaledRows::start_frame() {
  row_ = output_row_ = window_begin_ = window_rows_ = 0;
  const int64_t planes = header_.planes(), excess = header_.bits == 32 ? 1 : 0;
  ready_.assign(static_cast<size_t>(planes + excess), {});
  const auto sink = [this](size_t plane) { return [this, plane](const ConstPlane& r) { append(ready_[plane], r); }; };
  luma_ = std::make_unique<Luma>(engine_, header_.width, header_.height, plan_, times_, sink(0));
  resamplers_.clear();
  for (int64_t k = 1; k < planes + excess; ++k) {
    resamplers_.push_back(std::make_unique<RowResampler>(header_.width, header_.height, plan_.width, plan_.height,
                                                         weighted_ ? ResampleKernel::lanczos3 : ResampleKernel::cubic,
                                                         sink(static_cast<size_t>(k))));
  }
}

/// The next rows of the input, with colours under transparent pixels.
Tensor<float> UpscaledRows::read_block() {
  const int64_t count = std::min(RowStream::block_rows(header_.width), header_.height - row_),
                planes = header_.planes();
  const auto read = [&](int64_t rows) {
    const AddSeconds timer(times_.reading);
    Tensor<float> block({1, planes, rows, header_.width});
    reader_.read(block);
    return block;
  };
  if (window_.count() == 0) return read(count);
  const int64_t keep = std::max(window_begin_, row_ - bleed_reach_);
  for (int64_t k = 0; k < planes; ++k) {
    std::copy(window_.row(0, k, keep - window_begin_), window_.plane(0, k) + window_rows_ * header_.width,
              window_.plane(0, k));
  }
  window_rows_ -= keep - window_begin_;
  window_begin_ = keep;
  const int64_t end = std::min(header_.height, row_ + count + bleed_reach_);
  while (window_begin_ + window_rows_ < end) {
    const Tensor<float> below = read(std::min(count, end - window_begin_ - window_rows_));
    for (int64_t k = 0; k < planes; ++k)
      std::copy_n(below.plane(0, k), below.shape().h * header_.width, window_.row(0, k, window_rows_));
    window_rows_ += below.shape().h;
  }
  const AddSeconds timer(times_.colour);
  bleed_colours(window_, bleed_reach_, window_rows_);
  return cut_rows(window_, row_ - window_begin_, count);
}

void UpscaledRows::push_block() {
  Tensor<float> block = read_block();
  const auto [n, c, h, w] = block.shape();
  Tensor<float> excess;
  {
    const AddSeconds timer(times_.colour);
    header_.colour_planes == 1 ? gray_to_luma(block) : rgb_to_ycbcr(block);
    if (header_.bits == 32) {
      excess = Tensor<float>({1, 1, h, w});
      for (int64_t i = 0; i < h * w; ++i) {
        float& luma = block.data()[i];
        const float inside = std::clamp(luma, 0.0F, 1.0F);
        excess.data()[i] = luma - inside;
        luma = inside;
      }
    }
    if (weighted_) {
      const float* const alpha = block.plane(0, c - 1);
      weight_with_alpha(block, c - 1, alpha);
      if (excess.count() > 0) weight_with_alpha(excess, 1, alpha);
    }
  }
  luma_->push(const_view(plane_of(block)));
  const AddSeconds timer(times_.resampling);
  for (int64_t k = 1; k < c; ++k) resamplers_[static_cast<size_t>(k - 1)]->push(const_view(plane_of(block, k)));
  if (excess.count() > 0) resamplers_.back()->push(const_view(plane_of(excess)));
  row_ += h;
  if (progress_) {
    progress_(static_cast<double>(frame_ * header_.height + row_) /
              static_cast<double>(header_.frames * header_.height));
  }
}

/// Rows of which all planes are done, a few at a time, because what writes them makes copies.
Tensor<float> UpscaledRows::take_ready() {
  constexpr int64_t kMostSamples = 1 << 19;
  size_t samples = static_cast<size_t>(std::max<int64_t>(1, kMostSamples / plan_.width) * plan_.width);
  for (const std::vector<float>& plane : ready_) samples = std::min(samples, plane.size());
  if (samples == 0) return {};
  const AddSeconds timer(times_.colour);
  const int64_t planes = header_.planes(), rows = static_cast<int64_t>(samples) / plan_.width;
  Tensor<float> result({1, planes, rows, plan_.width});
  for (size_t k = 0; k < ready_.size(); ++k) {
    float* const to = result.plane(0, k < static_cast<size_t>(planes) ? static_cast<int64_t>(k) : 0);
    for (size_t i = 0; i < samples; ++i) to[i] = k < static_cast<size_t>(planes) ? ready_[k][i] : to[i] + ready_[k][i];
    ready_[k].erase(ready_[k].begin(), ready_[k].begin() + static_cast<ptrdiff_t>(samples));
  }
  for (size_t i = 0; i < samples; ++i) {
    if (std::isfinite(result.data()[i])) continue;
    fail(ErrorCode::model, "the network's output has the value {}: its weights are too large for float32",
         result.data()[i]);
  }
  if (weighted_) divide_by_alpha(result, planes - 1);
  header_.colour_planes == 1 ? luma_to_gray(result) : ycbcr_to_rgb(result);
  output_row_ += rows;
  return result;
}

Tensor<float> UpscaledRows::next() {
  for (;;) {
    if (Tensor<float> rows = take_ready(); rows.count() > 0) return rows;
    if (row_ == header_.height) {
      if (output_row_ < plan_.height) fail(ErrorCode::io, "rows after {} of {} are missing", output_row_, plan_.height);
      if (++frame_ == header_.frames) return {};
      start_frame();
    }
    push_block();
  }
}

UpscaledPicture upscale_picture(Engine& engine, const std::filesystem::path& input, const std::filesystem::path& output,
                                const PictureOptions& options, const Progress& progress) {
  return upscale_picture([&](const auto&) -> Engine& { return engine; }, input, output, options, progress);
}

UpscaledPicture upscale_picture(const EngineFor& engine_for, const std::filesystem::path& input,
                                const std::filesystem::path& output, const PictureOptions& options,
                                const Progress& progress) {
  PictureReader reader(input, options.most_pixels);
  UpscaledPicture result;
  result.input = reader.header();
  Engine& engine = engine_for(options.target.factor(result.input.width, result.input.height));
  result.engine = &engine;
  result.plan = plan_scale(result.input.width, result.input.height, engine.scale(), options.target);
  PictureHeader header = result.input;
  header.width = result.plan.width;
  header.height = result.plan.height;
  check_writable(header, output);
  result.warnings = reader.warnings();
  for (std::string& warning : what_is_lost(header, output, options.quality))
    result.warnings.push_back(std::move(warning));
  UpscaledRows rows(engine, reader, result.plan, progress);
  const double writing_s = write_picture(
      header, output, [&] { return rows.next(); }, options.quality);
  result.times = rows.times();
  result.times.writing = writing_s;
  for (std::string& damage : reader.damage()) {
    result.warnings.push_back(std::move(damage));
    result.damaged = true;
  }
  return result;
}

}  // namespace fsrcnn
