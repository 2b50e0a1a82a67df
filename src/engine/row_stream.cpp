#include <algorithm>

#include "base/error.hpp"
#include "engine/engine.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kLargestSide = INT32_MAX;

}  // namespace

int64_t RowStream::block_rows(int64_t width) { return std::clamp<int64_t>((1 << 17) / width / 4 * 4, 4, 32); }

RowStream::RowStream(Engine& engine, int64_t width, int64_t height, const ConstPlane& input_format,
                     const Plane& output_format, Sink sink)
    : engine_(engine),
      width_(width),
      height_(height),
      input_format_(input_format),
      output_format_(output_format),
      sink_(std::move(sink)),
      input_(static_cast<size_t>(engine.channels())),
      output_(input_.size()) {
  if (width < 1 || height < 1) fail(ErrorCode::input, "the luma plane is {}x{}: it has no pixels", width, height);
  if (width > kLargestSide || height > kLargestSide) {
    fail(ErrorCode::limit, "the luma plane is {}x{}: too large, the limit is {} per side", width, height, kLargestSide);
  }
  const int64_t scale = engine.scale();
  input_format_.width = width;
  input_format_.stride_bytes = width * bytes_of(input_format.type);
  output_format_.width = scale * width;
  output_format_.stride_bytes = scale * width * bytes_of(output_format.type);
  session_ = engine.session_->open_rows(width, height);
}

RowStream::~RowStream() = default;

void RowStream::check(std::span<const ConstPlane> rows, Output output) const {
  const size_t channels = input_.size();
  if (rows.size() != channels) {
    fail(ErrorCode::input, "pushed rows of {} planes, but the picture has {}", rows.size(), channels);
  }
  for (const ConstPlane& plane : rows) {
    if (plane.width != width_ || plane.type != input_format_.type || plane.height != rows.front().height) {
      fail(ErrorCode::input, "pushed rows of {} samples of {} bytes, but the picture's rows have {} of {} bytes",
           plane.width, bytes_of(plane.type), width_, bytes_of(input_format_.type));
    }
  }
  const int64_t count = rows.front().height;
  if (count < 0 || count > height_ - rows_) {
    fail(ErrorCode::input, "pushed {} rows, but the picture has {} and {} were already pushed", count, height_, rows_);
  }
  if (output == nullptr) {
    if (sink_ == nullptr) fail(ErrorCode::usage, "the stream has no sink: pass output rows to each push");
    return;
  }
  if (sink_ != nullptr) {
    fail(ErrorCode::usage, "the stream has a sink, which gets its rows: push without output rows, or open it without");
  }
  const int64_t completed = completed_by(count);
  if (completed == 0) return;
  if (output->size() != channels) {
    fail(ErrorCode::input, "the push completes rows of {} planes, but the output has {}", channels, output->size());
  }
  for (const Plane& plane : *output) {
    if (plane.width == output_format_.width && plane.height == completed && plane.type == output_format_.type) continue;
    fail(ErrorCode::input,
         "the push completes {} rows of {} samples of {} bytes, but the output has {} rows of {} of {}", completed,
         output_format_.width, bytes_of(output_format_.type), plane.height, plane.width, bytes_of(plane.type));
  }
}

void RowStream::push(std::span<const ConstPlane> rows, Output output) {
  if (busy_.test_and_set(std::memory_order_acquire)) {
    fail(ErrorCode::usage, "a push began while another was running, from the sink or from another thread");
  }
  struct Release {
    std::atomic_flag& busy;
    ~Release() { busy.clear(std::memory_order_release); }
  } const release{busy_};
  if (failed_) {
    fail(failure_.code(), "the picture failed after {} of {} rows; start again with a new stream: {}", rows_, height_,
         failure_.what());
  }
  check(rows, output);
  failed_ = true;  // unless all goes well: rows that were lost must not go unnoticed
  try {
    push_blocks(rows, output);
  } catch (const Error& e) {
    failure_ = e;
    throw;
  }
  failed_ = false;
}

void RowStream::push_blocks(std::span<const ConstPlane> rows, Output output) {
  const int64_t block = block_rows(width_), row_bytes = input_format_.stride_bytes, count = rows.front().height;
  std::vector<Plane> ready(input_.size(), output_format_);
  int64_t written = 0;
  for (int64_t y = 0; y < count;) {
    const int64_t end = std::min(count, y + block - rows_ % block);
    for (size_t c = 0; c < rows.size(); ++c) {
      for (int64_t row = y; row < end; ++row) {
        input_[c].insert(input_[c].end(), rows[c].row(row), rows[c].row(row) + row_bytes);
      }
    }
    rows_ += end - y;
    y = end;
    const int64_t completed = engine_.scale() * (complete(rows_) - complete_rows_);
    if (completed == 0) continue;
    for (size_t c = 0; c < ready.size(); ++c) {
      ready[c].height = completed;
      if (output != nullptr) {
        ready[c].data = (*output)[c].row(written);
        ready[c].stride_bytes = (*output)[c].stride_bytes;
      } else {
        output_[c].resize(static_cast<size_t>(completed * output_format_.stride_bytes));
        ready[c].data = output_[c].data();
      }
    }
    compute(ready.data());
    written += completed;
    if (output != nullptr) continue;
    std::vector<ConstPlane> done;
    for (const Plane& plane : ready) done.push_back(const_view(plane));
    sink_(done);
  }
}

int64_t RowStream::completed_by(int64_t count) const {
  const int64_t rows = std::clamp<int64_t>(count, 0, height_ - rows_) + rows_;
  return engine_.scale() * (complete(rows) - complete_rows_);
}

// How many rows of the output are complete after this many input rows.
int64_t RowStream::complete(int64_t rows) const {
  return session_->complete(rows == height_ ? rows : rows - rows % block_rows(width_));
}

// Computes what the rows so far allow, and forgets those that are not needed any more.
void RowStream::compute(const Plane* output) {
  std::vector<ConstPlane> input(input_.size(), input_format_);
  for (size_t c = 0; c < input.size(); ++c) {
    input[c].data = input_[c].data();
    input[c].height = rows_ - input_begin_;
  }
  const int64_t begin = complete_rows_, end = complete(rows_);
  const int64_t keep = std::min(rows_, session_->compute(input.data(), input_begin_, output, begin, end));
  complete_rows_ = end;
  for (std::vector<std::byte>& rows : input_) {
    rows.erase(rows.begin(), rows.begin() + static_cast<ptrdiff_t>((keep - input_begin_) * input_format_.stride_bytes));
  }
  input_begin_ = keep;
}

}  // namespace fsrcnn
