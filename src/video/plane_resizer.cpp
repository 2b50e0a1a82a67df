#include "video/plane_resizer.hpp"

#include <cstring>
#include <memory>

#include "base/error.hpp"

namespace fsrcnn {
namespace {

bool is_aligned(const void* data, ptrdiff_t stride_bytes) {
  return reinterpret_cast<uintptr_t>(data) % kZimgAlignment == 0 &&
         stride_bytes % static_cast<ptrdiff_t>(kZimgAlignment) == 0;
}

zimgxx::FilterGraph build_graph(const PlaneResizer::Format& input, int64_t output_width, int64_t output_height,
                                int64_t scale, double shift_x, double shift_y) {
  zimgxx::zimage_format from, to;
  from.width = static_cast<unsigned>(input.width);
  from.height = static_cast<unsigned>(input.height);
  from.pixel_type = input.type == SampleType::u8    ? ZIMG_PIXEL_BYTE
                    : input.type == SampleType::u16 ? ZIMG_PIXEL_WORD
                                                    : ZIMG_PIXEL_FLOAT;
  from.depth = static_cast<unsigned>(input.bits);
  from.color_family = ZIMG_COLOR_GREY;
  from.pixel_range = ZIMG_RANGE_FULL;  // at both ends: samples are only weighted and clamped to their type
  to = from;
  to.width = static_cast<unsigned>(output_width);
  to.height = static_cast<unsigned>(output_height);
  from.active_region = {.left = shift_x,
                        .top = shift_y,
                        .width = static_cast<double>(output_width) / static_cast<double>(scale),
                        .height = static_cast<double>(output_height) / static_cast<double>(scale)};
  zimgxx::zfilter_graph_builder_params params;
  params.resample_filter = ZIMG_RESIZE_BICUBIC;
  params.filter_param_a = 0;
  params.filter_param_b = 0.5;
  params.dither_type = ZIMG_DITHER_NONE;
  return zimgxx::FilterGraph::build(from, to, &params);
}

}  // namespace

std::byte* zimg_memory(std::vector<std::byte>& memory, size_t bytes) {
  if (memory.size() < bytes + kZimgAlignment) memory.resize(bytes + kZimgAlignment);
  void* at = memory.data();
  size_t space = memory.size();
  return static_cast<std::byte*>(std::align(kZimgAlignment, bytes, at, space));
}

PlaneResizer::PlaneResizer(const Format& input, int64_t output_width, int64_t output_height, int64_t scale,
                           double shift_x, double shift_y)
    : input_format_(input) {
  try {
    graph_ = build_graph(input, output_width, output_height, scale, shift_x, shift_y);
  } catch (const zimgxx::zerror& e) {
    fail(ErrorCode::input, "resizing a {}x{} plane of {} bits to {}x{} failed: {}", input.width, input.height,
         input.bits, output_width, output_height, e.msg);
  }
}

void PlaneResizer::operator()(const ConstPlane& input, const Plane& output) {
  const auto [width, height, type, bits] = input_format_;
  ConstPlane from = input;
  if (!is_aligned(input.data, input.stride_bytes)) {
    const auto row_bytes = static_cast<size_t>(width * bytes_of(type));
    const size_t stride = (row_bytes + kZimgAlignment - 1) / kZimgAlignment * kZimgAlignment;
    std::byte* const copy = zimg_memory(input_copy_, stride * static_cast<size_t>(height));
    for (int64_t y = 0; y < height; ++y) {
      std::memcpy(copy + static_cast<size_t>(y) * stride, input.row(y), row_bytes);
    }
    from.data = copy;
    from.stride_bytes = static_cast<ptrdiff_t>(stride);
  }
  if (!is_aligned(output.data, output.stride_bytes)) {
    fail(ErrorCode::usage, "output planes must be aligned to {} bytes", kZimgAlignment);
  }
  zimgxx::zimage_buffer_const source;
  source.data() = from.data;
  source.stride() = from.stride_bytes;
  source.mask() = ZIMG_BUFFER_MAX;
  zimgxx::zimage_buffer target;
  target.data() = output.data;
  target.stride() = output.stride_bytes;
  target.mask() = ZIMG_BUFFER_MAX;
  try {
    graph_.process(source, target, zimg_memory(memory_, graph_.get_tmp_size()));
  } catch (const zimgxx::zerror& e) {
    fail(ErrorCode::input, "resizing a plane failed: {}", e.msg);
  }
}

}  // namespace fsrcnn
