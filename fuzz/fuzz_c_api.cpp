// Sequences of calls of the C functions, with structs that are mostly right and then wrong in any field. Planes own
// just the memory that they speak of, so that the address sanitizer sees each sample too many that is read or written.

#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "fsrcnn/fsrcnn.h"

namespace {

using Fuzz = FuzzedDataProvider;

constexpr int64_t kMostBytes = 1 << 20;
constexpr uint8_t kGuard = 0xA5;

void require(bool holds) {
  if (!holds) std::abort();
}

/// A result of the library: a failure has its code and a message.
bool succeeded(int code) {
  require(code >= FSRCNN_OK && code <= FSRCNN_ERROR_CANCELLED);
  require(code == FSRCNN_OK || (code == fsrcnn_last_error_code() && std::strlen(fsrcnn_last_error()) > 0));
  return code == FSRCNN_OK;
}

template <class Handle>
Handle* created(Handle* handle) {
  if (handle == nullptr) require(fsrcnn_last_error_code() != FSRCNN_OK && std::strlen(fsrcnn_last_error()) > 0);
  return handle;
}

bool one_in(Fuzz& fuzz, int n) { return fuzz.ConsumeIntegralInRange(1, n) == 1; }

/// Mostly small; else what no size can be. Never what is possible but large, for which there is no memory.
int64_t size_of(Fuzz& fuzz, int64_t most) {
  if (!one_in(fuzz, 12)) return fuzz.ConsumeIntegralInRange<int64_t>(1, most);
  constexpr std::array<int64_t, 8> kWrong = {0, -1, INT64_MIN, INT64_MAX, int64_t{1} << 31, int64_t{1} << 62, -5, 0};
  return fuzz.PickValueInArray(kWrong);
}

template <class T, size_t kCount>
void fuzz_reserved(Fuzz& fuzz, T (&reserved)[kCount]) {
  if (one_in(fuzz, 30)) reserved[fuzz.ConsumeIntegralInRange<size_t>(0, kCount - 1)] = 1;
}

int64_t sample_bytes(int type) { return type == FSRCNN_U8 ? 1 : type == FSRCNN_U16 ? 2 : 4; }

/// A plane with memory of its own.
struct Plane {
  fsrcnn_plane plane{};
  std::unique_ptr<uint8_t, void (*)(void*)> memory{nullptr, std::free};
  int64_t bytes = 0;
  bool honest = false;  // the memory is as large as the plane says

  void make(Fuzz& fuzz, int64_t width, int64_t height, int wanted_type = -1) {
    plane = {};
    plane.width = width;
    plane.height = height;
    plane.type = one_in(fuzz, 20)   ? fuzz.ConsumeIntegral<int>()
                 : wanted_type >= 0 ? wanted_type
                                    : fuzz.ConsumeIntegralInRange(0, 2);
    plane.one = plane.type == FSRCNN_U8 ? 255.0F : plane.type == FSRCNN_U16 ? 1020.0F : 1.0F;
    if (one_in(fuzz, 16)) {
      constexpr std::array<float, 6> kOnes = {0, -1, NAN, INFINITY, 65536, 0.5F};
      plane.one = fuzz.PickValueInArray(kOnes);
    }
    plane.full_range = one_in(fuzz, 3) ? 1 : 0;
    fuzz_reserved(fuzz, plane.reserved);
    const int64_t sample = sample_bytes(plane.type);
    const bool possible = width > 0 && height > 0 && width < 4096 && height < 4096;
    const int64_t row = possible ? width * sample : 0;
    plane.stride_bytes = row;
    if (one_in(fuzz, 4)) plane.stride_bytes += sample * fuzz.ConsumeIntegralInRange(1, 5);
    if (one_in(fuzz, 8)) plane.stride_bytes = -plane.stride_bytes;
    if (one_in(fuzz, 20)) plane.stride_bytes = fuzz.ConsumeIntegralInRange<int64_t>(-200, 200);
    bytes = possible ? std::abs(plane.stride_bytes) * (height - 1) + row : 0;
    honest = possible;
    require(bytes <= kMostBytes);
    if (one_in(fuzz, 30)) {  // beyond any memory with two rows or more
      plane.stride_bytes = one_in(fuzz, 2) ? INT64_MAX - 3 : INT64_MIN + 4;
      honest = honest && height == 1;
    }
    const bool misaligned = one_in(fuzz, 30);
    memory.reset(static_cast<uint8_t*>(std::malloc(static_cast<size_t>(bytes) + (misaligned ? 1 : 0) + 1)));
    std::memset(memory.get(), kGuard, static_cast<size_t>(bytes) + 1);
    // The last byte belongs to nobody: malloc(0) may return null.
    uint8_t* first = memory.get() + (misaligned ? 1 : 0);
    if (plane.stride_bytes < 0 && possible && honest) first += bytes - row;
    plane.data = one_in(fuzz, 40) ? nullptr : first;
  }

  void fill(Fuzz& fuzz) {
    const std::vector<uint8_t> some = fuzz.ConsumeBytes<uint8_t>(16);
    for (int64_t i = 0; i < bytes && !some.empty(); ++i) {
      memory.get()[i] = static_cast<uint8_t>(some[static_cast<size_t>(i) % some.size()] + i / 16);
    }
  }
};

fsrcnn_options fuzz_options(Fuzz& fuzz, const fsrcnn_executor* executor, std::string& cpu) {
  fsrcnn_options options{};
  constexpr std::array<const char*, 6> kCpus = {"reference", "scalar", "sse4", "avx2", "avx512", "z80"};
  if (one_in(fuzz, 2)) {
    cpu = one_in(fuzz, 10) ? fuzz.ConsumeRandomLengthString(8) : fuzz.PickValueInArray(kCpus);
    options.cpu = cpu.c_str();
  }
  options.threads =
      one_in(fuzz, 10) ? fuzz.PickValueInArray({-1, INT_MAX, INT_MIN, 1025}) : fuzz.ConsumeIntegralInRange(0, 2);
  options.exact = fuzz.ConsumeIntegralInRange(0, 1);
  options.extend_edges = fuzz.ConsumeIntegralInRange(0, 1);
  options.guard = fuzz.PickValueInArray({0.0F, 0.5F, 1.0F, -1.0F, NAN});
  options.scale = one_in(fuzz, 10) ? fuzz.ConsumeIntegralInRange(-2, 5) : 0;
  if (one_in(fuzz, 4)) {
    options.executor = executor;
    if (!one_in(fuzz, 4)) options.threads = 0;
  }
  fuzz_reserved(fuzz, options.reserved);
  return options;
}

struct Session {
  Fuzz& fuzz;
  fsrcnn_executor* executor = fsrcnn_executor_create(2);
  fsrcnn_cancel* cancel = fsrcnn_cancel_create();
  fsrcnn_upscaler* upscaler = nullptr;
  fsrcnn_rows* rows = nullptr;
  int64_t rows_width = 0;
  fsrcnn_plane input_format{}, output_format{};
  int depth = 0;  // of callbacks

  explicit Session(Fuzz& f) : fuzz(f) {}
  ~Session() {
    // In any order.
    fsrcnn_executor_destroy(executor);
    fsrcnn_upscaler_destroy(upscaler);
    fsrcnn_rows_destroy(rows);
    fsrcnn_cancel_destroy(cancel);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void create() {
    std::string cpu;
    const fsrcnn_options options = fuzz_options(fuzz, executor, cpu);
    constexpr std::array<const char*, 5> kModels = {"fsrcnn-s-x2", "fsrcnn-x3", "fsrcnn-x4", "fsrcnn-x9", ""};
    fsrcnn_upscaler* made = nullptr;
    if (one_in(fuzz, 10)) {
      const std::vector<uint8_t> bytes = fuzz.ConsumeBytes<uint8_t>(64);
      made = created(fsrcnn_upscaler_create_from_memory(bytes.data(), bytes.size(), &options));
    } else {
      made = created(fsrcnn_upscaler_create(fuzz.PickValueInArray(kModels), &options));
    }
    if (made == nullptr) return;
    require(fsrcnn_upscaler_scale(made) >= 1 && fsrcnn_upscaler_threads(made) >= 1);
    require(fsrcnn_upscaler_channels(made) == 1 && fsrcnn_upscaler_cpu(made) != nullptr);
    fsrcnn_upscaler_destroy(upscaler);
    upscaler = made;
  }

  // What a callback does: anything but destroy what runs.
  int called_back() {
    if (depth > 0) return 0;
    ++depth;
    if (one_in(fuzz, 3)) frame();
    if (one_in(fuzz, 3)) push();
    if (one_in(fuzz, 30)) fsrcnn_cancel_request(cancel);
    --depth;
    return one_in(fuzz, 10) ? fuzz.ConsumeIntegral<int>() : 0;
  }

  // Of another size than the input's, if it is wrong.
  int64_t output_size(int64_t size) {
    if (size < 1 || size > 4096 || one_in(fuzz, 20)) return size_of(fuzz, 100);
    return size * std::max(1, fsrcnn_upscaler_scale(upscaler));
  }

  void frame() {
    Plane input, output, previous_input, previous_output;
    const int64_t width = size_of(fuzz, 40), height = size_of(fuzz, 40);
    input.make(fuzz, width, height);
    output.make(fuzz, output_size(width), output_size(height));
    input.fill(fuzz);
    fsrcnn_frame frame{};
    std::array<fsrcnn_plane, 3> inputs = {input.plane, input.plane, input.plane};
    std::array<fsrcnn_plane, 3> outputs = {output.plane, output.plane, output.plane};
    frame.input = one_in(fuzz, 40) ? nullptr : inputs.data();
    frame.output = one_in(fuzz, 40) ? nullptr : outputs.data();
    frame.channels = one_in(fuzz, 20) ? fuzz.PickValueInArray({3, -1, 2, INT_MAX}) : fuzz.ConsumeIntegralInRange(0, 1);
    if (one_in(fuzz, 4)) {
      previous_input.make(fuzz, width, height);
      previous_input.fill(fuzz);
      previous_output.make(fuzz, output.plane.width, output.plane.height);
      previous_output.fill(fuzz);
      if (!one_in(fuzz, 20)) frame.previous_input = one_in(fuzz, 3) ? inputs.data() : &previous_input.plane;
      if (!one_in(fuzz, 20)) frame.previous_output = one_in(fuzz, 3) ? outputs.data() : &previous_output.plane;
    }
    if (one_in(fuzz, 3)) frame.cancel = cancel;
    frame.user = this;
    // The fuzzed data is one thread's.
    if (one_in(fuzz, 3) && fsrcnn_upscaler_threads(upscaler) == 1) {
      frame.progress = [](void* user, double) { return static_cast<Session*>(user)->called_back(); };
    }
    fuzz_reserved(fuzz, frame.reserved);
    const bool simple = one_in(fuzz, 3);
    const bool done = succeeded(simple ? fsrcnn_upscale(upscaler, frame.input, frame.output)
                                       : fsrcnn_upscale_frame(upscaler, &frame));
    if (!done) return;
    require(input.honest && output.honest);
    // Between the rows nothing was written.
    const fsrcnn_plane& p = output.plane;
    const int64_t row = p.width * sample_bytes(p.type), stride = std::abs(p.stride_bytes);
    const auto* const lowest =
        static_cast<const uint8_t*>(p.data) + (p.stride_bytes < 0 ? p.stride_bytes * (p.height - 1) : 0);
    for (int64_t y = 0; y + 1 < p.height; ++y) {
      for (int64_t i = row; i < stride; ++i) require(lowest[y * stride + i] == kGuard);
    }
  }

  void open() {
    Plane input, output;
    rows_width = size_of(fuzz, 70);
    const int64_t height = size_of(fuzz, 70);
    input.make(fuzz, 1, 1);
    output.make(fuzz, 1, 1);
    input_format = input.plane;
    output_format = output.plane;
    const auto returning = [](void* user, const fsrcnn_plane* some) {
      require(some->data != nullptr && some->height > 0 && some->width > 0);
      return static_cast<Session*>(user)->called_back();
    };
    const auto not_returning = [](void* user, const fsrcnn_plane*) { static_cast<Session*>(user)->called_back(); };
    fsrcnn_rows* made = nullptr;
    if (one_in(fuzz, 2)) {
      fsrcnn_rows_options options{};
      options.width = rows_width;
      options.height = height;
      options.channels = one_in(fuzz, 20) ? fuzz.PickValueInArray({3, -1, INT_MAX}) : 0;
      options.input_format = input_format;
      options.output_format = output_format;
      if (!one_in(fuzz, 3)) options.sink = returning;
      options.user = this;
      fuzz_reserved(fuzz, options.reserved);
      made = created(fsrcnn_rows_open(upscaler, &options));
    } else {
      made =
          created(fsrcnn_rows_create(upscaler, rows_width, height, &input_format, &output_format, not_returning, this));
    }
    fsrcnn_rows_destroy(rows);
    rows = made;
  }

  void push() {
    Plane next, output;
    next.make(fuzz, one_in(fuzz, 20) ? size_of(fuzz, 70) : rows_width, size_of(fuzz, 20), input_format.type);
    next.fill(fuzz);
    if (one_in(fuzz, 2)) {
      succeeded(fsrcnn_rows_push(rows, &next.plane));
      return;
    }
    const int64_t completed = fsrcnn_rows_completed_by(rows, next.plane.height);
    output.make(fuzz, output_size(rows_width), one_in(fuzz, 20) ? size_of(fuzz, 40) : completed, output_format.type);
    succeeded(fsrcnn_rows_push_into(rows, &next.plane, completed == 0 ? nullptr : &output.plane));
  }

  void convolve() {
    const int64_t shape[4] = {size_of(fuzz, 6), size_of(fuzz, 4), size_of(fuzz, 5), size_of(fuzz, 5)};
    int64_t count = 1;
    for (const int64_t extent : shape) count = extent < 1 || extent > 100 ? 0 : count * extent;
    fsrcnn_conv_transpose2d_params params{{1, 1}, {0, 0}, {0, 0}, {1, 1}, 1, {}};
    const auto fuzz_pair = [&](int64_t(&pair)[2], int64_t least) {
      for (int64_t& value : pair) {
        value = fuzz.ConsumeIntegralInRange<int64_t>(least, 4);
        if (one_in(fuzz, 12)) {
          value = fuzz.PickValueInArray(
              {int64_t{-1}, int64_t{INT32_MAX}, INT64_MAX, INT64_MIN, int64_t{1} << 20, int64_t{0}});
        }
      }
    };
    fuzz_pair(params.stride, 1);
    fuzz_pair(params.padding, 0);
    if (one_in(fuzz, 3)) fuzz_pair(params.output_padding, 0);
    fuzz_pair(params.dilation, 1);
    if (one_in(fuzz, 3)) params.groups = fuzz.ConsumeIntegralInRange<int64_t>(1, 6);
    if (one_in(fuzz, 12))
      params.groups = fuzz.PickValueInArray({int64_t{1000000000}, int64_t{-1}, INT64_MAX, int64_t{0}});
    fuzz_reserved(fuzz, params.reserved);
    // Just so many weights, and just so many biases.
    const std::vector<float> weight(static_cast<size_t>(count), 0.5F);
    const bool groups_fit = count > 0 && params.groups > 0 && shape[0] % params.groups == 0;
    const std::vector<float> bias(static_cast<size_t>(groups_fit ? shape[1] * params.groups : 0), 0.25F);
    std::string cpu;
    const fsrcnn_options options = fuzz_options(fuzz, executor, cpu);
    const float none = 0;
    fsrcnn_conv_transpose2d* const op = created(fsrcnn_conv_transpose2d_create(
        weight.empty() ? &none : weight.data(), shape, bias.empty() ? nullptr : bias.data(), &params, &options));
    if (op == nullptr) return;
    const int64_t input_shape[4] = {one_in(fuzz, 8) ? size_of(fuzz, 3) : 1,
                                    one_in(fuzz, 20) ? size_of(fuzz, 6) : shape[0], size_of(fuzz, 8), size_of(fuzz, 8)};
    int64_t output_shape[4] = {};
    if (succeeded(fsrcnn_conv_transpose2d_output_shape(op, input_shape, output_shape))) {
      const auto size = [](const int64_t* s) {
        int64_t product = 1;
        for (int i = 0; i < 4; ++i) {
          if (s[i] < 0 || __builtin_mul_overflow(product, s[i], &product)) return kMostBytes;
        }
        return std::min(product, kMostBytes);
      };
      if (const int64_t in = size(input_shape), out = size(output_shape); in < kMostBytes && out < kMostBytes) {
        const std::vector<float> input(static_cast<size_t>(in), 1.0F);
        std::vector<float> output(static_cast<size_t>(out));
        float nothing[2] = {};
        succeeded(fsrcnn_conv_transpose2d_run_f32(op, input.empty() ? nothing : input.data(), input_shape,
                                                  output.empty() ? nothing + 1 : output.data()));
      }
    }
    fsrcnn_conv_transpose2d_destroy(op);
  }

  void lists() {
    const int index = one_in(fuzz, 3) ? fuzz.ConsumeIntegral<int>() : fuzz.ConsumeIntegralInRange(-1, 8);
    require((created(fsrcnn_model_at(index)) != nullptr) == (index >= 0 && index < fsrcnn_model_count()));
    require((created(fsrcnn_cpu_at(index)) != nullptr) == (index >= 0 && index < fsrcnn_cpu_count()));
    fsrcnn_executor* const other = created(fsrcnn_executor_create(one_in(fuzz, 3) ? index : 2));
    if (other != nullptr) {
      require(fsrcnn_executor_threads(other) >= 1);
      fsrcnn_executor_destroy(executor);
      executor = other;
    }
    fsrcnn_cancel_destroy(cancel);
    cancel = fsrcnn_cancel_create();
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Fuzz fuzz(data, size);
  Session session(fuzz);
  session.create();
  for (int i = 0; i < 30 && fuzz.remaining_bytes() > 0; ++i) {
    switch (fuzz.ConsumeIntegralInRange(0, 9)) {
      case 0: session.create(); break;
      case 1: session.lists(); break;
      case 2:
      case 3: session.convolve(); break;
      case 4: session.open(); break;
      case 5:
      case 6: session.push(); break;
      default: session.frame();
    }
  }
  return 0;
}
