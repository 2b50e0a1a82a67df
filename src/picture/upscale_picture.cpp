#include "picture/upscale_picture.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <span>

#include "base/add_seconds.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/plane.hpp"
#include "picture/bleed.hpp"
#include "picture/colour.hpp"
#include "picture/metadata.hpp"
#include "picture/picture_change.hpp"
#include "picture/tiled_picture.hpp"
#include "picture/vips_support.hpp"
#include "picture/write_metadata.hpp"

namespace fsrcnn {
namespace {

/// Rows first to first + count - 1.
Tensor<float> cut_rows(const Tensor<float>& planes, int64_t first, int64_t count) {
  const auto [n, c, h, w] = planes.shape();
  Tensor<float> rows({1, c, count, w});
  for (int64_t k = 0; k < c; ++k) std::copy_n(planes.row(0, k, first), count * w, rows.plane(0, k));
  return rows;
}

/// As far as colours must bleed: the passes together look so far around a pixel, and so does the resampler after them
/// along an axis that shrinks, where its kernel is as many times wider.
int reach_of(const Engine& engine, const PictureHeader& picture, const ScalePlan& plan) {
  constexpr double kMost = 900;
  const double shrink = std::max(static_cast<double>(picture.width) / static_cast<double>(plan.width),
                                 static_cast<double>(picture.height) / static_cast<double>(plan.height));
  const double resampler = shrink > 1 ? std::min(kMost, std::ceil(3 * shrink)) : 0;
  return static_cast<int>(2 * engine.network().halo()) + static_cast<int>(resampler);
}

/// Multiplies the first `colours` planes by alpha.
void weight_with_alpha(Tensor<float>& planes, int64_t colours, const float* alpha) {
  const int64_t pixels = planes.shape().h * planes.shape().w;
  for (int64_t k = 0; k < colours; ++k) {
    float* const plane = planes.plane(0, k);
    for (int64_t i = 0; i < pixels; ++i) plane[i] *= alpha[i];
  }
}

/// And back, in a row. What is as good as invisible becomes black.
void divide_by_alpha(float* row, const float* alpha, int64_t width, float black) {
  constexpr float kInvisible = 1.0F / 65536;
  for (int64_t x = 0; x < width; ++x) row[x] = alpha[x] > kInvisible ? row[x] / alpha[x] : black;
}

bool is_finite(const float* row, int64_t width) {
  uint32_t infinite = 0;  // not a sum of floats, which could not be made for several at once
  for (int64_t x = 0; x < width; ++x) {
    constexpr uint32_t kExponent = 0x7F800000;
    infinite |= static_cast<uint32_t>((std::bit_cast<uint32_t>(row[x]) & kExponent) == kExponent);
  }
  return infinite == 0;
}

/// Cuts the middle out of rows.
class Middle {
 public:
  Middle(UpscaledRows& rows, const ScalePlan& plan)
      : rows_(rows), plan_(plan), left_((plan.width - plan.cut_width) / 2), top_((plan.height - plan.cut_height) / 2) {}

  Tensor<float> next() {
    for (;;) {
      Tensor<float> block = rows_.next();
      const auto [n, c, h, w] = block.shape();
      if (block.count() == 0 || !plan_.is_cut()) return block;
      const int64_t first = std::max(row_, top_), end = std::min(row_ + h, top_ + plan_.cut_height), row = row_;
      row_ = (row_ + h) % plan_.height;  // of the next frame, after the last
      if (first >= end) continue;
      Tensor<float> middle({1, c, end - first, plan_.cut_width});
      for (int64_t k = 0; k < c; ++k) {
        for (int64_t y = first; y < end; ++y) {
          std::copy_n(block.row(0, k, y - row) + left_, plan_.cut_width, middle.row(0, k, y - first));
        }
      }
      return middle;
    }
  }

 private:
  UpscaledRows& rows_;
  ScalePlan plan_;
  int64_t left_, top_, row_ = 0;
};

/// Pixels are narrower where there are more of them. Those that nobody said to be other than square stay so.
std::pair<uint32_t, uint32_t> stretched_aspect(const PictureHeader& output, const PictureHeader& input) {
  if (!input.has_other_aspect()) return input.pixel_aspect;
  const auto [width, height] = input.pixel_aspect;
  const auto [narrower, same] = changed_resolution(width, height, output.width, input.width);
  const auto [across, down] = changed_resolution(narrower, same, input.height, output.height);
  return {std::max(across, 1U), std::max(down, 1U)};
}

}  // namespace

UpscaledRows::UpscaledRows(Engine& engine, PictureRows& reader, const ScalePlan& plan, ChromaMethod chroma,
                           Progress progress)
    : engine_(engine),
      reader_(reader),
      header_(reader.header()),
      plan_(plan),
      progress_(std::move(progress)),
      rgb_(engine.channels() == 3),
      planes_((rgb_ ? 3 : header_.colour_planes) + (header_.has_alpha ? 1 : 0)),
      weighted_(header_.is_transparent() && plan.passes == 0 && plan.resampled()),
      // A side that shrinks has no details to add.
      guides_(chroma == ChromaMethod::guided && !rgb_ && header_.colour_planes == 3 && plan.passes > 0 &&
              plan.width >= header_.width && plan.height >= header_.height),
      bleed_reach_(reach_of(engine, header_, plan)) {
  if (header_.is_transparent() && !weighted_) {
    const int64_t rows = std::min(header_.height, RowStream::block_rows(header_.width) + 2 * bleed_reach_);
    window_ = Tensor<float>({1, header_.planes(), rows, header_.width});
  }
  start_frame();
}

UpscaledRows::~UpscaledRows() = default;

void UpscaledRows::start_frame() {
  row_ = output_row_ = window_begin_ = window_rows_ = 0;
  const int64_t by_network = engine_.channels(), excess = header_.bits == 32 ? by_network : 0;
  ready_.assign(static_cast<size_t>(planes_ + excess), WaitingRows(plan_.width));
  passes_ = std::make_unique<NetworkPasses>(engine_, header_.width, header_.height, plan_,
                                            std::span(ready_).first(static_cast<size_t>(by_network)), times_.network,
                                            times_.resampling);
  if (guides_) {
    guided_.emplace(header_.width, header_.height, plan_.width, plan_.height, engine_.cpu());
  }
  resamplers_.clear();
  for (size_t k = static_cast<size_t>(by_network); k < ready_.size(); ++k) {
    if (is_guided(k)) continue;
    resamplers_.push_back({k, RowResampler(header_.width, header_.height, plan_.width, plan_.height,
                                           weighted_ ? ResampleKernel::lanczos3 : ResampleKernel::cubic)});
  }
}

void UpscaledRows::look_at(const Tensor<float>& block) {
  const int64_t pixels = block.shape().h * block.shape().w;
  if (header_.bits == 32) {
    const float* const colours = block.plane(0, 0);
    const auto [least, most] = std::minmax_element(colours, colours + header_.colour_planes * pixels);
    samples_.least = std::min(samples_.least, *least);
    samples_.most = std::max(samples_.most, *most);
  }
  if (!header_.is_transparent() || samples_.partly_transparent) return;
  const float* const alpha = block.plane(0, block.shape().c - 1);
  constexpr float kHalfLevel = 0.5F / 255;
  samples_.partly_transparent =
      std::any_of(alpha, alpha + pixels, [](float a) { return a > kHalfLevel && a < 1 - kHalfLevel; });
}

/// The next rows of the input, with colours under transparent pixels.
Tensor<float> UpscaledRows::read_block() {
  const int64_t count = std::min(RowStream::block_rows(header_.width), header_.height - row_),
                planes = header_.planes();
  const auto read = [&](int64_t rows) {
    const AddSeconds timer(times_.reading);
    Tensor<float> block({1, planes, rows, header_.width});
    reader_.read(block);
    look_at(block);
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

/// The planes as the network wants them: luma, chroma; or red, green and blue, which are alike where the picture is
/// gray.
Tensor<float> UpscaledRows::to_networks_colours(Tensor<float> block) const {
  if (!rgb_) {
    header_.colour_planes == 1 ? gray_to_luma(block) : rgb_to_ycbcr(block);
    return block;
  }
  if (header_.colour_planes == 3) return block;
  const auto [n, c, h, w] = block.shape();
  Tensor<float> colours({1, planes_, h, w});
  for (int64_t k = 0; k < planes_; ++k) std::copy_n(block.plane(0, k < 3 ? 0 : 1), h * w, colours.plane(0, k));
  return colours;
}

/// And back, in a row of each plane of the network's and of the picture's, which may be the same. Of a gray picture the
/// network need not keep the three alike.
void UpscaledRows::to_pictures_colours(std::span<float* const> from, std::span<float* const> to) const {
  const int64_t width = plan_.width;
  if (!rgb_) {
    header_.colour_planes == 1 ? luma_to_gray(to[0], width) : ycbcr_to_rgb(to[0], to[1], to[2], width);
  } else if (header_.colour_planes == 1) {
    for (int64_t x = 0; x < width; ++x) to[0][x] = 0.299F * from[0][x] + 0.587F * from[1][x] + 0.114F * from[2][x];
    if (header_.has_alpha) std::copy_n(from[3], width, to[1]);
  }
}

void UpscaledRows::push_block() {
  Tensor<float> block = read_block();
  Tensor<float> excess;
  const int64_t by_network = engine_.channels();
  {
    const AddSeconds timer(times_.colour);
    block = to_networks_colours(std::move(block));
    const auto [n, c, h, w] = block.shape();
    if (header_.bits == 32) {
      excess = Tensor<float>({1, by_network, h, w});
      for (int64_t i = 0; i < by_network * h * w; ++i) {
        float& sample = block.data()[i];
        const float inside = std::clamp(sample, 0.0F, 1.0F);
        excess.data()[i] = sample - inside;
        sample = inside;
      }
    }
    if (weighted_) {
      const float* const alpha = block.plane(0, c - 1);
      weight_with_alpha(block, c - 1, alpha);
      if (excess.count() > 0) weight_with_alpha(excess, by_network, alpha);
    }
  }
  std::vector<ConstPlane> planes;
  for (int64_t k = 0; k < planes_; ++k) planes.push_back(const_view(plane_of(block, k)));
  for (int64_t k = 0; k < excess.shape().c; ++k) planes.push_back(const_view(plane_of(excess, k)));
  const std::span all(planes);
  passes_->push(all.first(static_cast<size_t>(by_network)));
  const AddSeconds timer(times_.resampling);
  const int64_t rows = block.shape().h;
  if (guided_) guided_->push(planes[0], planes[1], planes[2]);
  for (auto& [plane, resampler] : resamplers_) {
    resampler.push(planes[plane], ready_[plane].room(resampler.completed_by(rows)));
  }
  row_ += rows;
  if (progress_) {
    progress_(static_cast<double>(frame_ * header_.height + row_) /
              static_cast<double>(header_.frames * header_.height));
  }
}

/// Rows of which all planes are done, a few at a time, because what writes them makes copies.
Tensor<float> UpscaledRows::take_ready() {
  constexpr int64_t kMostSamples = 1 << 19;
  int64_t rows = std::max<int64_t>(1, kMostSamples / plan_.width);
  for (size_t k = 0; k < ready_.size(); ++k) {
    if (!is_guided(k)) rows = std::min(rows, ready_[k].rows());
  }
  if (guided_) rows = std::min(rows, guided_->completed() - output_row_);
  if (rows == 0) return {};
  const AddSeconds timer(times_.colour);
  const int64_t by_network = engine_.channels(), width = plan_.width;
  const bool same_planes = planes_ == header_.planes();
  Tensor<float> result({1, header_.planes(), rows, width});
  std::atomic<bool> finite = true;
  parallel_for(rows, [&](int64_t y) {
    std::vector<float> room(same_planes ? 0 : static_cast<size_t>(planes_ * width));
    std::vector<float*> from, to;
    for (int64_t k = 0; k < header_.planes(); ++k) to.push_back(result.row(0, k, y));
    for (int64_t k = 0; k < planes_; ++k) {
      from.push_back(same_planes ? to[static_cast<size_t>(k)] : room.data() + k * width);
      if (is_guided(static_cast<size_t>(k))) continue;
      std::copy_n(ready_[static_cast<size_t>(k)].data() + y * width, width, from.back());
    }
    if (guided_) guided_->compute_row(output_row_ + y, from[0], from[1], from[2]);
    for (size_t k = static_cast<size_t>(planes_); k < ready_.size(); ++k) {
      const float* const excess = ready_[k].data() + y * width;
      float* const row = from[k - static_cast<size_t>(planes_)];
      for (int64_t x = 0; x < width; ++x) row[x] += excess[x];
    }
    for (int64_t k = 0; k < by_network; ++k) {
      if (!is_finite(from[static_cast<size_t>(k)], width)) finite = false;
    }
    for (int64_t k = 0; weighted_ && k < planes_ - 1; ++k) {
      const float black = rgb_ ? 0 : k == 0 ? 16 / 255.0F : 128 / 255.0F;
      divide_by_alpha(from[static_cast<size_t>(k)], from.back(), width, black);
    }
    // Of integers what overshoots is cut off when they are rounded.
    if (header_.is_transparent() && header_.bits == 32) {
      std::transform(from.back(), from.back() + width, from.back(), [](float a) { return std::clamp(a, 0.0F, 1.0F); });
    }
    to_pictures_colours(from, to);
  });
  for (size_t k = 0; k < ready_.size(); ++k) {
    if (!is_guided(k)) ready_[k].drop(rows);
  }
  if (!finite) fail(ErrorCode::model, "the network's output is not finite: its weights are too large for float32");
  output_row_ += rows;
  if (guided_) guided_->drop(output_row_);
  return result;
}

Tensor<float> UpscaledRows::next() {
  for (;;) {
    if (Tensor<float> rows = take_ready(); rows.count() > 0) return rows;
    if (row_ == header_.height) {
      if (output_row_ < plan_.height) {
        fail(ErrorCode::io, "the rows after {} of {} are missing", output_row_, plan_.height);
      }
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
  if (options.alpha.kind != AlphaKind::dropped) reader.require_all_channels();
  AlphaUse picture(reader, options.alpha, output.string(), stores_alpha(output));
  UpscaledPicture result;
  result.input = picture.header();
  Engine& engine = engine_for(options.target.factor(result.input.width, result.input.height));
  result.engine = &engine;
  result.plan = plan_scale(result.input.width, result.input.height, engine.scale(), options.target);
  PictureHeader header = result.input;
  header.width = result.plan.cut_width;
  header.height = result.plan.cut_height;
  check_writable(header, output);
  result.warnings = reader.warnings();
  if (result.input.colour_planes != reader.header().colour_planes &&
      describes(reader.header().metadata.get(), VIPS_META_ICC_NAME)) {
    result.warnings.emplace_back(
        "the picture's profile is for gray; it was dropped, because the background has a colour");
  }
  if (std::string note = options.target.stretches(result.input.width, result.input.height); !note.empty()) {
    header.pixel_aspect = stretched_aspect(header, result.input);
    result.warnings.push_back(std::move(note));
  }
  header.embedded = reader.metadata({header.width, header.height, metadata_form(output)}, result.warnings);
  for (std::string& warning : what_is_lost(header, output, options.encoding))
    result.warnings.push_back(std::move(warning));
  std::optional<TiledPicture> tiled;
  ScalePlan plan = result.plan;
  if (options.tile) {
    if (plan.is_cut()) fail(ErrorCode::usage, "of a picture that is cut off (--fit cover), the edges do not meet");
    const int64_t width = result.input.width, height = result.input.height;
    // Colours come from so far, of pixels that looked so far themselves; and what resamples looks a bit further.
    constexpr int64_t kResamplers = 8;
    const std::pair border = tile_border(width, height, plan, 2 * reach_of(engine, result.input, plan) + kResamplers);
    tiled.emplace(picture, border.first, border.second);
    plan = with_border(plan, width, height, border);
  }
  UpscaledRows rows(engine, tiled ? static_cast<PictureRows&>(*tiled) : picture, plan, options.chroma, progress);
  Middle middle(rows, plan);
  std::vector<std::string> damage;
  const auto finish_reading = [&] {
    damage = reader.damage();
    if (options.only_whole && !damage.empty()) {
      fail(ErrorCode::input, "{}; it was left as it is", damage.front());
    }
  };
  const double writing_s = write_picture(
      header, output, [&] { return middle.next(); }, options.encoding, finish_reading);
  for (std::string& warning : what_was_lost(header, rows.samples(), output)) {
    result.warnings.push_back(std::move(warning));
  }
  result.times = rows.times();
  result.times.writing = writing_s;
  for (std::string& message : damage) {
    result.warnings.push_back(std::move(message));
    result.damaged = true;
  }
  return result;
}

}  // namespace fsrcnn
