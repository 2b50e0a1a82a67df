#include "fsrcnn/fsrcnn.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "api/c_call.hpp"
#include "api/check.hpp"
#include "base/counted.hpp"
#include "base/cpu.hpp"

using namespace fsrcnn::c_api;
using fsrcnn::ErrorCode;
using fsrcnn::fail;

struct fsrcnn_upscaler {
  fsrcnn::Upscaler upscaler;
};

struct fsrcnn_cancel {
  std::stop_source source;
};

struct fsrcnn_rows {
  std::shared_ptr<fsrcnn::RowUpscaler> rows;  // shared with a push that runs, whose sink may destroy this
};

namespace {

template <class Bytes>
fsrcnn::BasicPlane<Bytes> plane_of(const fsrcnn_plane& p, const std::string& name) {
  check_reserved(p.reserved, name.c_str());
  if (p.type != FSRCNN_U8 && p.type != FSRCNN_U16 && p.type != FSRCNN_F32) {
    fail(ErrorCode::usage, "the type of plane '{}' is {}, but must be FSRCNN_U8, _U16 or _F32", name, p.type);
  }
  if (p.stride_bytes > PTRDIFF_MAX || p.stride_bytes < -PTRDIFF_MAX) {
    fail(ErrorCode::usage, "stride_bytes of plane '{}' is {}, beyond the address space", name, p.stride_bytes);
  }
  return {static_cast<Bytes*>(p.data),
          p.width,
          p.height,
          static_cast<ptrdiff_t>(p.stride_bytes),
          static_cast<fsrcnn::SampleType>(p.type),
          p.one,
          p.full_range != 0};
}

template <class Bytes>
std::vector<fsrcnn::BasicPlane<Bytes>> planes_of(const fsrcnn_plane* planes, int64_t channels, const char* name) {
  require(planes, name);
  std::vector<fsrcnn::BasicPlane<Bytes>> result;
  for (int64_t i = 0; i < channels; ++i) {
    result.push_back(
        plane_of<Bytes>(planes[i], fsrcnn::plane_name(name, static_cast<size_t>(i), static_cast<size_t>(channels))));
  }
  return result;
}

fsrcnn_plane plane_of(const fsrcnn::ConstPlane& p) {
  fsrcnn_plane plane{};
  plane.data = const_cast<std::byte*>(p.data);
  plane.width = p.width;
  plane.height = p.height;
  plane.stride_bytes = p.stride_bytes;
  plane.type = static_cast<int>(p.type);
  plane.one = p.one;
  plane.full_range = p.full_range ? 1 : 0;
  return plane;
}

// The planes that a caller gives or takes must be as many as the network's channels, or memory beyond them would be
// read.
void check_channels(const fsrcnn::Upscaler& upscaler, int64_t channels, const char* instead) {
  if (channels == upscaler.channels()) return;
  fail(ErrorCode::usage, "got {}, but the network has {}; {}", fsrcnn::counted(channels, "channel"),
       upscaler.channels(), instead);
}

fsrcnn_rows* open_rows(fsrcnn_upscaler& upscaler, int64_t width, int64_t height, const fsrcnn_plane& input_format,
                       const fsrcnn_plane& output_format, fsrcnn::RowUpscaler::PlanesSink sink) {
  return new fsrcnn_rows{std::make_shared<fsrcnn::RowUpscaler>(
      upscaler.upscaler, width, height, plane_of<const std::byte>(input_format, "input_format"),
      plane_of<std::byte>(output_format, "output_format"), std::move(sink))};
}

// The rows of each channel, in the C functions' form.
std::vector<fsrcnn_plane> planes_of(std::span<const fsrcnn::ConstPlane> rows) {
  std::vector<fsrcnn_plane> planes;
  for (const fsrcnn::ConstPlane& plane : rows) planes.push_back(plane_of(plane));
  return planes;
}

const std::vector<fsrcnn_model>& all_models() {
  static const std::vector<fsrcnn_model> all = [] {
    std::vector<fsrcnn_model> list;
    for (const fsrcnn::ModelInfo& model : fsrcnn::models()) {
      list.push_back({model.name.c_str(), model.purpose.c_str(), static_cast<int>(model.scale),
                      static_cast<int>(model.channels), model.general ? 1 : 0});
    }
    return list;
  }();
  return all;
}

template <class T>
const T& at(const std::vector<T>& list, int index, const char* what) {
  if (index < 0 || static_cast<size_t>(index) >= list.size()) {
    fail(ErrorCode::usage, "there is no {} {}: the last index is {}", what, index, list.size() - 1);
  }
  return list[static_cast<size_t>(index)];
}

}  // namespace

int fsrcnn_version(void) { return FSRCNN_API_VERSION; }
const char* fsrcnn_version_string(void) { return FSRCNN_VERSION; }

int fsrcnn_last_error_code(void) { return last_error().code; }
const char* fsrcnn_last_error(void) { return last_error().shown; }

int fsrcnn_model_count(void) {
  return result_of(0, [] { return static_cast<int>(all_models().size()); });
}

const fsrcnn_model* fsrcnn_model_at(int index) {
  return result_of<const fsrcnn_model*>(nullptr, [&] { return &at(all_models(), index, "model"); });
}

int fsrcnn_cpu_count(void) {
  return result_of(0, [] { return static_cast<int>(fsrcnn::cpu_names().size()); });
}

const char* fsrcnn_cpu_at(int index) {
  return result_of<const char*>(nullptr, [&] { return at(fsrcnn::cpu_names(), index, "cpu").c_str(); });
}

fsrcnn_executor* fsrcnn_executor_create(int threads) {
  return result_of<fsrcnn_executor*>(nullptr, [&] { return new fsrcnn_executor{fsrcnn::Executor(threads)}; });
}

void fsrcnn_executor_destroy(fsrcnn_executor* executor) { delete executor; }

int fsrcnn_executor_threads(const fsrcnn_executor* executor) {
  return result_of(0, [&] { return required(executor, "executor").executor.threads(); });
}

fsrcnn_upscaler* fsrcnn_upscaler_create(const char* model, const fsrcnn_options* options) {
  return result_of<fsrcnn_upscaler*>(nullptr, [&] {
    require(model, "model");
    return new fsrcnn_upscaler{fsrcnn::Upscaler(model, options_of(options))};
  });
}

fsrcnn_upscaler* fsrcnn_upscaler_create_from_memory(const void* weights, size_t bytes, const fsrcnn_options* options) {
  return result_of<fsrcnn_upscaler*>(nullptr, [&] {
    const auto* const data = static_cast<const std::byte*>(weights);
    require(data, "weights");
    return new fsrcnn_upscaler{fsrcnn::Upscaler(std::span(data, bytes), options_of(options))};
  });
}

void fsrcnn_upscaler_destroy(fsrcnn_upscaler* upscaler) { delete upscaler; }

int fsrcnn_upscaler_scale(const fsrcnn_upscaler* upscaler) {
  return result_of(0, [&] { return static_cast<int>(required(upscaler, "upscaler").upscaler.scale()); });
}

int fsrcnn_upscaler_threads(const fsrcnn_upscaler* upscaler) {
  return result_of(0, [&] { return required(upscaler, "upscaler").upscaler.threads(); });
}

int fsrcnn_upscaler_channels(const fsrcnn_upscaler* upscaler) {
  return result_of(0, [&] { return static_cast<int>(required(upscaler, "upscaler").upscaler.channels()); });
}

const char* fsrcnn_upscaler_cpu(const fsrcnn_upscaler* upscaler) {
  return result_of<const char*>(nullptr, [&] { return required(upscaler, "upscaler").upscaler.cpu().c_str(); });
}

int fsrcnn_upscale(fsrcnn_upscaler* upscaler, const fsrcnn_plane* input, const fsrcnn_plane* output) {
  return code_of([&] {
    fsrcnn::Upscaler& u = required(upscaler, "upscaler").upscaler;
    check_channels(u, 1, "call fsrcnn_upscale_frame");
    u.upscale(plane_of<const std::byte>(required(input, "input"), "input"),
              plane_of<std::byte>(required(output, "output"), "output"));
  });
}

int fsrcnn_upscale_f32(fsrcnn_upscaler* upscaler, const float* input, int64_t width, int64_t height,
                       int64_t input_stride_bytes, float* output, int64_t output_stride_bytes) {
  return code_of([&] {
    const int64_t scale = required(upscaler, "upscaler").upscaler.scale();
    require(input, "input");
    require(output, "output");
    // What is too large to be multiplied is refused as it is.
    const auto scaled = [&](int64_t size) { return size > INT32_MAX ? size : scale * std::max<int64_t>(0, size); };
    fsrcnn_plane in{}, out{};
    in.data = const_cast<float*>(input);
    in.width = width;
    in.height = height;
    in.stride_bytes = input_stride_bytes;
    out.data = output;
    out.width = scaled(width);
    out.height = scaled(height);
    out.stride_bytes = output_stride_bytes;
    in.type = out.type = FSRCNN_F32;
    in.one = out.one = 1;
    check_channels(upscaler->upscaler, 1, "call fsrcnn_upscale_frame");
    upscaler->upscaler.upscale(plane_of<const std::byte>(in, "input"), plane_of<std::byte>(out, "output"));
  });
}

fsrcnn_cancel* fsrcnn_cancel_create(void) {
  return result_of<fsrcnn_cancel*>(nullptr, [] { return new fsrcnn_cancel; });
}

void fsrcnn_cancel_destroy(fsrcnn_cancel* cancel) { delete cancel; }

int fsrcnn_cancel_request(fsrcnn_cancel* cancel) {
  return code_of([&] { required(cancel, "cancel").source.request_stop(); });
}

int fsrcnn_upscale_frame(fsrcnn_upscaler* upscaler, const fsrcnn_frame* frame) {
  return code_of([&] {
    fsrcnn::Upscaler& u = required(upscaler, "upscaler").upscaler;
    const fsrcnn_frame& f = required(frame, "frame");
    check_reserved(f.reserved, "frame");
    const int64_t channels = f.channels == 0 ? 1 : f.channels;
    check_channels(u, channels, "see fsrcnn_upscaler_channels");
    const auto input = planes_of<const std::byte>(f.input, channels, "input");
    const auto output = planes_of<std::byte>(f.output, channels, "output");
    fsrcnn::FrameOptions options;
    std::vector<fsrcnn::ConstPlane> previous_input, previous_output;
    if (f.previous_input != nullptr) {
      previous_input = planes_of<const std::byte>(f.previous_input, channels, "previous_input");
      options.previous_inputs = previous_input;
    }
    if (f.previous_output != nullptr) {
      previous_output = planes_of<const std::byte>(f.previous_output, channels, "previous_output");
      options.previous_outputs = previous_output;
    }
    if (f.progress != nullptr) {
      options.progress = [&f](double share) {
        if (f.progress(f.user, share) != 0) fail(ErrorCode::cancelled, "the progress callback cancelled the frame");
      };
    }
    if (f.cancel != nullptr) options.stop = f.cancel->source.get_token();
    u.upscale(input, output, options);
  });
}

fsrcnn_rows* fsrcnn_rows_open(fsrcnn_upscaler* upscaler, const fsrcnn_rows_options* options) {
  return result_of<fsrcnn_rows*>(nullptr, [&] {
    require(upscaler, "upscaler");
    const fsrcnn_rows_options& o = required(options, "options");
    check_reserved(o.reserved, "options");
    check_channels(upscaler->upscaler, o.channels == 0 ? 1 : o.channels, "see fsrcnn_upscaler_channels");
    fsrcnn::RowUpscaler::PlanesSink sink;
    if (o.sink != nullptr) {
      sink = [sink = o.sink, user = o.user](std::span<const fsrcnn::ConstPlane> rows) {
        const std::vector<fsrcnn_plane> planes = planes_of(rows);
        const int code = sink(user, planes.data());
        if (code != 0) fail(ErrorCode::io, "the sink returned {}", code);
      };
    }
    return open_rows(*upscaler, o.width, o.height, o.input_format, o.output_format, std::move(sink));
  });
}

fsrcnn_rows* fsrcnn_rows_create(fsrcnn_upscaler* upscaler, int64_t width, int64_t height,
                                const fsrcnn_plane* input_format, const fsrcnn_plane* output_format, fsrcnn_sink sink,
                                void* user) {
  return result_of<fsrcnn_rows*>(nullptr, [&] {
    require(upscaler, "upscaler");
    if (sink == nullptr) fail(ErrorCode::usage, "argument 'sink' is null");
    check_channels(upscaler->upscaler, 1, "call fsrcnn_rows_open");
    const auto call = [sink, user](std::span<const fsrcnn::ConstPlane> rows) {
      const fsrcnn_plane plane = plane_of(rows.front());
      sink(user, &plane);
    };
    return open_rows(*upscaler, width, height, required(input_format, "input_format"),
                     required(output_format, "output_format"), call);
  });
}

void fsrcnn_rows_destroy(fsrcnn_rows* rows) { delete rows; }

int fsrcnn_rows_push(fsrcnn_rows* rows, const fsrcnn_plane* next) {
  return code_of([&] {
    const std::shared_ptr<fsrcnn::RowUpscaler> r = required(rows, "rows").rows;
    r->push(planes_of<const std::byte>(next, r->channels(), "next"));
  });
}

int fsrcnn_rows_push_into(fsrcnn_rows* rows, const fsrcnn_plane* next, const fsrcnn_plane* output) {
  return code_of([&] {
    const std::shared_ptr<fsrcnn::RowUpscaler> r = required(rows, "rows").rows;
    const auto pushed = planes_of<const std::byte>(next, r->channels(), "next");
    const bool completes = r->completed_by(pushed.front().height) > 0;
    r->push(pushed, completes ? planes_of<std::byte>(output, r->channels(), "output") : std::vector<fsrcnn::Plane>());
  });
}

int64_t fsrcnn_rows_completed_by(const fsrcnn_rows* rows, int64_t count) {
  return result_of<int64_t>(-1, [&] {
    if (count < 0) fail(ErrorCode::usage, "count is {}, but must be at least 0", count);
    return required(rows, "rows").rows->completed_by(count);
  });
}
