#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "engine/engine.hpp"
#include "engine/tiled_reference.hpp"

namespace fsrcnn {

int64_t RowStream::block_rows(int64_t width) { return std::clamp<int64_t>((1 << 17) / width / 4 * 4, 4, 32); }

RowStream::RowStream(Engine& engine, int64_t width, int64_t height, const ConstPlane& input_format,
                     const Plane& output_format, Sink sink)
    : engine_(engine),
      width_(width),
      height_(height),
      input_format_(input_format),
      output_format_(output_format),
      sink_(std::move(sink)) {
  if (width < 1 || height < 1) fail(ErrorCode::input, "a luma plane of {}x{} has no pixels", width, height);
  const int64_t scale = engine.scale();
  input_format_.width = width;
  input_format_.stride_bytes = width * bytes_of(input_format.type);
  output_format_.width = scale * width;
  output_format_.stride_bytes = scale * width * bytes_of(output_format.type);
  if (engine.plan_) {
    const StripLayout layout =
        lay_out_strips(*engine.plan_, width, height, engine.threads(), engine.options_.strip_columns, true);
    for (const StripRange& range : layout.strips) {
      strips_.push_back(std::make_unique<FusedStrip>(*engine.plan_, range.positions));
      strips_.back()->start(range, width, height, 0);
    }
  }
}

RowStream::~RowStream() = default;

void RowStream::push(const ConstPlane& rows) {
  if (rows.width != width_ || rows.type != input_format_.type) {
    fail(ErrorCode::input, "rows of {} samples of {} bytes were pushed into a picture with rows of {} of {} bytes",
         rows.width, bytes_of(rows.type), width_, bytes_of(input_format_.type));
  }
  if (rows_ + rows.height > height_) {
    fail(ErrorCode::input, "{} rows were pushed into a picture of {}, after {} before", rows.height, height_, rows_);
  }
  for (int64_t y = 0; y < rows.height; ++y) {
    const auto bytes = static_cast<size_t>(input_format_.stride_bytes);
    input_.insert(input_.end(), rows.row(y), rows.row(y) + bytes);
    ++rows_;
    if (rows_ % block_rows(width_) == 0 || rows_ == height_) advance();
  }
}

// Computes what the rows so far allow, and forgets those that are not needed any more.
void RowStream::advance() {
  const int64_t scale = engine_.scale();
  ConstPlane input = input_format_;
  input.data = input_.data();
  input.height = rows_ - input_begin_;
  const int64_t begin = output_rows_;
  int64_t end = 0, keep = 0, next_row = 0;
  if (strips_.empty()) {
    const int64_t halo = engine_.model().halo();
    end = rows_ == height_ ? height_ : std::max(begin, rows_ - halo);
    keep = std::max<int64_t>(0, end - halo);
  } else {
    // All strips are at the same row, and a step needs those that lie `lag` below its own.
    const int64_t lag = engine_.plan_->output_lag();
    next_row = strips_.front()->next_row();
    while (next_row < height_ && (rows_ == height_ || next_row + kRowsAtOnce + lag <= rows_)) next_row += kRowsAtOnce;
    end = std::clamp<int64_t>(next_row, 0, height_);
    keep = std::clamp<int64_t>(next_row + lag, input_begin_, rows_);
  }
  output_.resize(static_cast<size_t>(scale * (end - begin) * output_format_.stride_bytes));
  Plane output = output_format_;
  output.data = output_.data();
  output.height = scale * (end - begin);
  if (strips_.empty()) {
    if (end > begin) tiled_reference(engine_.model(), input, input_begin_, height_, begin, end - begin, output);
  } else {
    engine_.pool_->run(static_cast<int64_t>(strips_.size()), [&](int64_t i) {
      FusedStrip& strip = *strips_[static_cast<size_t>(i)];
      while (strip.next_row() < next_row) {
        strip.step(input, input_begin_);
        strip.store(output, begin, height_);
      }
    });
  }
  output_rows_ = end;
  input_.erase(input_.begin(), input_.begin() + static_cast<ptrdiff_t>((keep - input_begin_) * input.stride_bytes));
  input_begin_ = keep;
  if (end > begin) sink_(const_view(output));
}

}  // namespace fsrcnn
