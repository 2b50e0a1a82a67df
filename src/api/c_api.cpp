#include "fsrcnn/fsrcnn.h"

#include <exception>
#include <new>
#include <string>

#include "base/cpu.hpp"
#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "nn/conv_transpose2d.hpp"

// No exception leaves these functions: each catches all and keeps the message.

struct fsrcnn_upscaler {
  fsrcnn::Upscaler upscaler;
};

struct fsrcnn_rows {
  fsrcnn::RowUpscaler rows;
};

struct fsrcnn_conv_transpose2d {
  fsrcnn::ConvTranspose2d op;
  fsrcnn::ThreadPool pool;
};

namespace {

thread_local std::string last_error;

// Runs work(), and returns the code of what it throws, with the message kept.
template <class Work>
int code_of(const Work& work) noexcept {
  try {
    work();
    return FSRCNN_OK;
  } catch (const fsrcnn::Error& e) {
    last_error = e.what();
    return static_cast<int>(e.code());
  } catch (const std::bad_alloc&) {
    last_error = "out of memory";
  } catch (const std::exception& e) {
    last_error = e.what();
  }
  return FSRCNN_ERROR_OTHER;
}

// What work() returns, or null if it throws.
template <class Result, class Work>
Result* created(const Work& work) noexcept {
  Result* result = nullptr;
  code_of([&] { result = work(); });
  return result;
}

template <class T>
const T& required(const T* pointer, const char* name) {
  if (pointer == nullptr) fsrcnn::fail(fsrcnn::ErrorCode::usage, "the argument '{}' is null", name);
  return *pointer;
}

fsrcnn::UpscalerOptions options_of(const fsrcnn_options* options) {
  if (options == nullptr) return {};
  return {.threads = options->threads,
          .cpu = options->cpu == nullptr ? "" : options->cpu,
          .precision = options->exact != 0 ? fsrcnn::Precision::exact : fsrcnn::Precision::fast,
          .scale = options->scale};
}

template <class Bytes>
fsrcnn::BasicPlane<Bytes> plane_of(const fsrcnn_plane* plane, const char* name) {
  const fsrcnn_plane& p = required(plane, name);
  if (p.type != FSRCNN_U8 && p.type != FSRCNN_U16 && p.type != FSRCNN_F32) {
    fsrcnn::fail(fsrcnn::ErrorCode::usage, "the type of the plane '{}' is {}, but must be FSRCNN_U8, _U16 or _F32",
                 name, p.type);
  }
  return {static_cast<Bytes*>(p.data),
          p.width,
          p.height,
          static_cast<ptrdiff_t>(p.stride_bytes),
          static_cast<fsrcnn::SampleType>(p.type),
          p.one,
          p.full_range != 0};
}

fsrcnn::Shape shape_of(const int64_t shape[4]) { return {shape[0], shape[1], shape[2], shape[3]}; }

fsrcnn::Pair pair_of(const int64_t pair[2]) { return {pair[0], pair[1]}; }

}  // namespace

const char* fsrcnn_last_error(void) { return last_error.c_str(); }

fsrcnn_upscaler* fsrcnn_upscaler_create(const char* model, const fsrcnn_options* options) {
  return created<fsrcnn_upscaler>([&] {
    required(model, "model");
    return new fsrcnn_upscaler{fsrcnn::Upscaler(model, options_of(options))};
  });
}

void fsrcnn_upscaler_destroy(fsrcnn_upscaler* upscaler) { delete upscaler; }

int fsrcnn_upscaler_scale(const fsrcnn_upscaler* upscaler) { return static_cast<int>(upscaler->upscaler.scale()); }

const char* fsrcnn_upscaler_cpu(const fsrcnn_upscaler* upscaler) { return upscaler->upscaler.cpu().c_str(); }

int fsrcnn_upscale(fsrcnn_upscaler* upscaler, const fsrcnn_plane* input, const fsrcnn_plane* output) {
  return code_of([&] {
    required(upscaler, "upscaler");
    upscaler->upscaler.upscale(plane_of<const std::byte>(input, "input"), plane_of<std::byte>(output, "output"));
  });
}

int fsrcnn_upscale_f32(fsrcnn_upscaler* upscaler, const float* input, int64_t width, int64_t height,
                       int64_t input_stride_bytes, float* output, int64_t output_stride_bytes) {
  return code_of([&] {
    const int64_t scale = required(upscaler, "upscaler").upscaler.scale();
    upscaler->upscaler.upscale({reinterpret_cast<const std::byte*>(&required(input, "input")), width, height,
                                static_cast<ptrdiff_t>(input_stride_bytes)},
                               {reinterpret_cast<std::byte*>(const_cast<float*>(&required(output, "output"))),
                                scale * width, scale * height, static_cast<ptrdiff_t>(output_stride_bytes)});
  });
}

fsrcnn_rows* fsrcnn_rows_create(fsrcnn_upscaler* upscaler, int64_t width, int64_t height,
                                const fsrcnn_plane* input_format, const fsrcnn_plane* output_format, fsrcnn_sink sink,
                                void* user) {
  return created<fsrcnn_rows>([&] {
    required(upscaler, "upscaler");
    if (sink == nullptr) fsrcnn::fail(fsrcnn::ErrorCode::usage, "the argument 'sink' is null");
    const auto call = [sink, user](const fsrcnn::ConstPlane& rows) {
      const fsrcnn_plane plane{const_cast<std::byte*>(rows.data),
                               rows.width,
                               rows.height,
                               rows.stride_bytes,
                               static_cast<int>(rows.type),
                               rows.one,
                               rows.full_range ? 1 : 0};
      sink(user, &plane);
    };
    return new fsrcnn_rows{fsrcnn::RowUpscaler(upscaler->upscaler, width, height,
                                               plane_of<const std::byte>(input_format, "input_format"),
                                               plane_of<std::byte>(output_format, "output_format"), call)};
  });
}

void fsrcnn_rows_destroy(fsrcnn_rows* rows) { delete rows; }

int fsrcnn_rows_push(fsrcnn_rows* rows, const fsrcnn_plane* next) {
  return code_of([&] {
    required(rows, "rows");
    rows->rows.push(plane_of<const std::byte>(next, "next"));
  });
}

fsrcnn_conv_transpose2d* fsrcnn_conv_transpose2d_create(const float* weight, const int64_t weight_shape[4],
                                                        const float* bias, const fsrcnn_conv_transpose2d_params* params,
                                                        const fsrcnn_options* options) {
  return created<fsrcnn_conv_transpose2d>([&] {
    required(weight, "weight");
    required(weight_shape, "weight_shape");
    const fsrcnn_conv_transpose2d_params& p = required(params, "params");
    const fsrcnn::Shape shape = shape_of(weight_shape);
    const int64_t count = fsrcnn::checked_count(shape, sizeof(float));
    const std::vector<float> biases =
        bias == nullptr ? std::vector<float>() : std::vector<float>(bias, bias + shape.c * p.groups);
    const fsrcnn::UpscalerOptions chosen = options_of(options);
    const int cores = fsrcnn::default_thread_count();
    return new fsrcnn_conv_transpose2d{
        fsrcnn::ConvTranspose2d(fsrcnn::Tensor<float>(shape, std::vector<float>(weight, weight + count)), biases,
                                {.stride = pair_of(p.stride),
                                 .padding = pair_of(p.padding),
                                 .output_padding = pair_of(p.output_padding),
                                 .dilation = pair_of(p.dilation),
                                 .groups = p.groups},
                                chosen.cpu),
        fsrcnn::ThreadPool(chosen.threads > 0 ? chosen.threads : cores)};
  });
}

void fsrcnn_conv_transpose2d_destroy(fsrcnn_conv_transpose2d* op) { delete op; }

int fsrcnn_conv_transpose2d_output_shape(const fsrcnn_conv_transpose2d* op, const int64_t input_shape[4],
                                         int64_t output_shape[4]) {
  return code_of([&] {
    const fsrcnn::Shape shape = required(op, "op").op.output_shape(shape_of(&required(input_shape, "input_shape")));
    required(output_shape, "output_shape");
    output_shape[0] = shape.n;
    output_shape[1] = shape.c;
    output_shape[2] = shape.h;
    output_shape[3] = shape.w;
  });
}

int fsrcnn_conv_transpose2d_run_f32(fsrcnn_conv_transpose2d* op, const float* input, const int64_t input_shape[4],
                                    float* output) {
  return code_of([&] {
    required(op, "op");
    required(input_shape, "input_shape");
    required(input, "input");
    required(output, "output");
    op->op({input, shape_of(input_shape)}, output, op->pool);
  });
}
