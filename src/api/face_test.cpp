#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "base/cpu.hpp"
#include "base/file.hpp"
#include "engine/engine.hpp"
#include "fsrcnn/fsrcnn.hpp"
#include "network/builtin.hpp"
#include "support/golden.hpp"
#include "support/threads.hpp"

namespace fsrcnn {
namespace {

/// A frame of bytes that is right, to be made wrong.
struct Frame {
  std::vector<std::byte> memory = std::vector<std::byte>(32 * 32 + 64 * 64 + 8);
  ConstPlane input{memory.data(), 32, 32, 32, SampleType::u8, 255};
  Plane output{memory.data() + 32 * 32, 64, 64, 64, SampleType::u8, 255};
  FrameOptions options = {};
};

std::string refusal(const std::function<void(Frame&)>& change) {
  static Upscaler upscaler("fsrcnn-x2", {.threads = 2});
  Frame frame;
  change(frame);
  return test::error_of([&] { upscaler.upscale(frame.input, frame.output, frame.options); });
}

TEST(Face, EveryFieldOfAPlaneIsChecked) {
  EXPECT_EQ(refusal([](Frame&) {}), "no error");
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const auto& [one, shown] :
       {std::pair{0.0F, "0"}, {-5.0F, "-5"}, {256.0F, "256"}, {0.5F, "0.5"}, {NAN, "nan"}, {kInfinity, "inf"}}) {
    const std::string rest =
        "is " + std::string(shown) + ", but must be from 1 to 255: it is the sample value of 1.0, e.g. 255";
    EXPECT_EQ(refusal([&, one = one](Frame& f) { f.input.one = one; }), "2: 'one' of plane 'input' " + rest);
    EXPECT_EQ(refusal([&, one = one](Frame& f) { f.output.one = one; }), "2: 'one' of plane 'output' " + rest);
  }
  EXPECT_EQ(refusal([](Frame& f) {
              f.input.type = SampleType::u16;
              f.input.one = 65536;
            }),
            "2: 'one' of plane 'input' is 65536, but must be from 1 to 65535: it is the sample value of 1.0, e.g. "
            "65535");
  for (const float one : {0.0F, -1.0F, NAN, kInfinity, 1e-42F}) {
    EXPECT_NE(refusal([&](Frame& f) {
                f.input.type = SampleType::f32;
                f.input.one = one;
              }).find("but must be above 0, from 1.17549e-38 to 3.40282e+38"),
              std::string::npos);
  }
  EXPECT_EQ(refusal([](Frame& f) { f.input.type = static_cast<SampleType>(3); }),
            "2: the type of plane 'input' is 3, which is not a sample type");
  EXPECT_EQ(refusal([](Frame& f) { f.output.data = nullptr; }), "2: the data of plane 'output' is null");
  EXPECT_EQ(refusal([](Frame& f) { f.input.data = nullptr; }), "2: the data of plane 'input' is null");
  for (const int64_t side : {int64_t{0}, int64_t{-1}, INT64_MIN}) {
    EXPECT_EQ(refusal([&](Frame& f) { f.input.height = side; }),
              "3: plane 'input' is 32x" + std::to_string(side) + ": it has no pixels");
    EXPECT_NE(refusal([&](Frame& f) { f.output.width = side; }).find("'output'"), std::string::npos);
  }
  for (const int64_t side : {int64_t{1} << 31, int64_t{1} << 62, INT64_MAX}) {
    EXPECT_EQ(refusal([&](Frame& f) { f.input.width = side; }).substr(0, 22),
              "6: plane 'input' is " + std::to_string(side).substr(0, 2));
    EXPECT_EQ(refusal([&](Frame& f) { f.input.height = side; }).substr(0, 23), "6: plane 'input' is 32x");
  }
  EXPECT_NE(refusal([](Frame& f) { f.input.width = f.input.height = int64_t{1} << 30; }).find("too large"),
            std::string::npos);
}

TEST(Face, RowsOfAPlaneMustNotOverlap) {
  for (const ptrdiff_t stride : {0, 1, 31, -31}) {
    EXPECT_EQ(refusal([&](Frame& f) { f.input.stride_bytes = stride; }),
              "2: stride_bytes of plane 'input' is " + std::to_string(stride) + ", so its rows of 32 bytes overlap");
  }
  for (const ptrdiff_t stride : {PTRDIFF_MAX, PTRDIFF_MIN, PTRDIFF_MAX / 30, PTRDIFF_MIN / 30}) {
    EXPECT_NE(refusal([&](Frame& f) { f.input.stride_bytes = stride; }).find("beyond the address space"),
              std::string::npos)
        << stride;
  }
  // A plane that reaches below address 0.
  EXPECT_NE(refusal([](Frame& f) {
              f.input.data = reinterpret_cast<std::byte*>(uintptr_t{64});
              f.input.stride_bytes = -32;
            }).find("beyond the address space"),
            std::string::npos);
}

TEST(Face, SamplesMustBeAligned) {
  const auto wide = [](Frame& f, SampleType type, int64_t bytes) {
    f.input.type = type;
    f.input.one = 1;
    f.input.width = f.input.height = 4;
    f.input.stride_bytes = 4 * bytes;
    f.output.width = f.output.height = 8;
  };
  for (const auto& [type, bytes] : {std::pair{SampleType::u16, 2}, {SampleType::f32, 4}}) {
    EXPECT_EQ(refusal([&, type = type, bytes = bytes](Frame& f) { wide(f, type, bytes); }), "no error");
    EXPECT_NE(refusal([&, type = type, bytes = bytes](Frame& f) {
                wide(f, type, bytes);
                f.input.data += 1;
              }).find("is misaligned"),
              std::string::npos);
    EXPECT_NE(refusal([&, type = type, bytes = bytes](Frame& f) {
                wide(f, type, bytes);
                f.input.stride_bytes += 1;
              }).find("is misaligned"),
              std::string::npos);
  }
}

TEST(Face, WhatIsWrittenLiesApartFromWhatIsRead) {
  constexpr const char* kOverlap = "2: planes 'input' and 'output' overlap";
  EXPECT_EQ(refusal([](Frame& f) { f.input.data = f.output.data; }), kOverlap);
  EXPECT_EQ(refusal([](Frame& f) { f.input.data = f.output.data + 64 * 64 - 1; }), kOverlap);
  EXPECT_EQ(refusal([](Frame& f) { f.input.data = f.output.data - 32 * 32 + 1; }), kOverlap);
  EXPECT_EQ(refusal([](Frame& f) { f.input.data = f.output.data - 32 * 32; }), "no error");
  // From bottom to top, the same memory.
  EXPECT_EQ(refusal([](Frame& f) {
              f.input.data = f.output.data + 63 * 64;
              f.input.stride_bytes = -64;
            }),
            kOverlap);
  EXPECT_EQ(refusal([](Frame& f) {
              f.options.previous_input = f.input;
              f.options.previous_output = const_view(f.output);
              f.options.previous_input->data = f.output.data;
            }),
            "2: planes 'previous_input' and 'output' overlap");
  EXPECT_EQ(refusal([](Frame& f) {
              f.options.previous_input = f.input;
              f.options.previous_output = const_view(f.output);
              f.options.previous_output->data += 1;
            }),
            "2: planes 'previous_output' and 'output' overlap");
}

// Input and output as two parts of one canvas, and a picture upside down.
TEST(Face, PlanesSideBySideAndFromBottomToTop) {
  Upscaler upscaler("fsrcnn-x2", {.threads = 2});
  const Tensor<float> luma = test::random_tensor({1, 1, 20, 30}, 1);
  Tensor<float> expected({1, 1, 40, 60}), canvas({1, 1, 40, 90});
  upscaler.upscale(plane_of(luma), plane_of(expected));
  for (int64_t y = 0; y < 20; ++y) std::copy_n(luma.row(0, 0, y), 30, canvas.row(0, 0, y));
  Plane left = plane_of(canvas), right = left;
  left.width = 30;
  left.height = 20;
  right.width = 60;
  right.data += 30 * sizeof(float);
  upscaler.upscale(const_view(left), right);
  for (int64_t y = 0; y < 40; ++y) {
    ASSERT_EQ(std::memcmp(canvas.row(0, 0, y) + 30, expected.row(0, 0, y), 60 * sizeof(float)), 0);
  }
  left.width = 31;  // one sample of the output's first row
  EXPECT_NE(test::error_of([&] { upscaler.upscale(const_view(left), right); }), "no error");

  Tensor<float> turned({1, 1, 20, 30}), output({1, 1, 40, 60});
  for (int64_t y = 0; y < 20; ++y) std::copy_n(luma.row(0, 0, y), 30, turned.row(0, 0, 19 - y));
  ConstPlane in = plane_of(std::as_const(turned));
  Plane out = plane_of(output);
  in.data = in.row(19);
  in.stride_bytes = -in.stride_bytes;
  out.data = out.row(39);
  out.stride_bytes = -out.stride_bytes;
  upscaler.upscale(in, out);
  for (int64_t y = 0; y < 40; ++y) {
    ASSERT_EQ(std::memcmp(output.row(0, 0, 39 - y), expected.row(0, 0, y), 60 * sizeof(float)), 0);
  }
}

TEST(Face, ThePreviousOutputMayBeThisOne) {
  Upscaler upscaler("fsrcnn-x2", {.threads = 2});
  Tensor<float> first = test::random_tensor({1, 1, 200, 30}, 1), second = first, expected({1, 1, 400, 60});
  second(0, 0, 150, 10) = 0.9F;
  upscaler.upscale(plane_of(std::as_const(second)), plane_of(expected));
  Tensor<float> output({1, 1, 400, 60});
  upscaler.upscale(plane_of(std::as_const(first)), plane_of(output));
  const FrameStatistics statistics = upscaler.upscale(
      plane_of(std::as_const(second)), plane_of(output),
      {.previous_input = plane_of(std::as_const(first)), .previous_output = plane_of(std::as_const(output))});
  EXPECT_GT(statistics.strips_copied, 0);
  EXPECT_EQ(output, expected);
}

TEST(Face, PlanesInArraysAreAsManyAsTheChannels) {
  Upscaler upscaler("fsrcnn-x2", {.threads = 1});
  ASSERT_EQ(upscaler.channels(), 1);
  const Tensor<float> luma = test::random_tensor({1, 1, 20, 30}, 1);
  Tensor<float> expected({1, 1, 40, 60}), output({1, 1, 40, 60});
  upscaler.upscale(plane_of(luma), plane_of(expected));
  const std::array in{plane_of(luma), plane_of(luma)};
  const std::array out{plane_of(output), plane_of(output)};
  upscaler.upscale(std::span(in).first(1), std::span(out).first(1));
  EXPECT_EQ(output, expected);
  EXPECT_EQ(test::error_of([&] { upscaler.upscale(in, std::span(out).first(1)); }),
            "2: 'input' has 2 planes, but the network has 1 channel");
  EXPECT_EQ(test::error_of([&] { upscaler.upscale(std::span(in).first(1), std::span<const Plane>()); }),
            "2: 'output' has 0 planes, but the network has 1 channel");

  output = Tensor<float>({1, 1, 40, 60});
  RowUpscaler rows(upscaler, 30, 20, {}, {}, [&](std::span<const ConstPlane> some) {
    ASSERT_EQ(some.size(), 1U);
    std::memcpy(output.data(), some[0].data, 40 * 60 * sizeof(float));
  });
  EXPECT_EQ(test::error_of([&] { rows.push(in); }), "2: 'next' has 2 planes, but the network has 1 channel");
  EXPECT_NE(test::error_of([&] {
              rows.push(std::span(in).first(1), std::span(out).first(1));
            }).find("2: the stream has a sink, which gets its rows"),
            std::string::npos);
  rows.push(std::span(in).first(1));
  EXPECT_EQ(output, expected);
}

TEST(Face, RowsAreChecked) {
  Upscaler upscaler("fsrcnn-x2", {.threads = 1});
  const Tensor<float> luma = test::random_tensor({1, 1, 20, 30}, 1);
  const auto made = [&](int64_t width, int64_t height, float in_one, float out_one) {
    return test::error_of([&] { RowUpscaler(upscaler, width, height, {.one = in_one}, {.one = out_one}); });
  };
  EXPECT_EQ(made(30, 20, 1, 1), "no error");
  EXPECT_NE(made(30, 20, 0, 1).find("'input_format' is 0"), std::string::npos);
  EXPECT_NE(made(30, 20, 1, NAN).find("'output_format' is nan"), std::string::npos);
  EXPECT_NE(made(0, 20, 1, 1).find("no pixels"), std::string::npos);
  EXPECT_NE(made(30, -1, 1, 1).find("no pixels"), std::string::npos);
  for (const int64_t side : {int64_t{1} << 31, int64_t{1} << 40, INT64_MAX}) {
    EXPECT_EQ(made(side, 20, 1, 1).substr(0, 2), "6:");
    EXPECT_EQ(made(30, side, 1, 1).substr(0, 2), "6:");
  }
  EXPECT_EQ(test::error_of([&] { RowUpscaler(upscaler, 30, 20, {}, {}, RowUpscaler::Sink()); }),
            "2: argument 'sink' is empty");

  Tensor<float> output({1, 1, 40, 60}), expected({1, 1, 40, 60});
  upscaler.upscale(plane_of(luma), plane_of(expected));
  RowUpscaler rows(upscaler, 30, 20, {}, {});
  ConstPlane next = plane_of(luma);
  const auto pushed = [&](const std::function<void(ConstPlane&, Plane&)>& change) {
    ConstPlane in = next;
    Plane out = plane_of(output);
    change(in, out);
    return test::error_of([&] { rows.push(in, out); });
  };
  EXPECT_NE(pushed([](ConstPlane& in, Plane&) { in.stride_bytes = 0; }).find("rows of 120 bytes overlap"),
            std::string::npos);
  EXPECT_NE(pushed([](ConstPlane& in, Plane&) { in.data = nullptr; }).find("'next' is null"), std::string::npos);
  const Tensor<float> taller({1, 1, 21, 30});  // or its last row might be the output's memory
  EXPECT_NE(pushed([&](ConstPlane& in, Plane&) {
              in.data = reinterpret_cast<const std::byte*>(taller.data()), in.height = 21;
            }).find("pushed 21 rows"),
            std::string::npos);
  EXPECT_NE(pushed([](ConstPlane& in, Plane&) { in.height = -1; }).find("no pixels"), std::string::npos);
  EXPECT_NE(pushed([](ConstPlane&, Plane& out) { out.data = nullptr; }).find("'output' is null"), std::string::npos);
  EXPECT_NE(pushed([](ConstPlane&, Plane& out) { out.height = 39; }).find("the output has 39 rows"), std::string::npos);
  EXPECT_NE(pushed([](ConstPlane& in, Plane& out) { in.data = out.data; }).find("overlap"), std::string::npos);
  EXPECT_EQ(pushed([](ConstPlane& in, Plane& out) {
              in.height = 0;
              in.data = nullptr;
              out.data = nullptr;
            }),
            "no error");
  // Refused rows cost nothing; and what their planes say about levels does not count.
  EXPECT_EQ(pushed([](ConstPlane& in, Plane& out) { in.one = out.one = 0; }), "no error");
  EXPECT_EQ(output, expected);
}

TEST(Face, OptionsAreChecked) {
  const auto made = [](const UpscalerOptions& options) {
    return test::error_of([&] { Upscaler("fsrcnn-x2", options); });
  };
  EXPECT_EQ(made({.threads = -1}), "2: threads is -1, but must be from 1 to 1024, or 0 for one per core");
  EXPECT_EQ(made({.threads = 1000000000}),
            "2: threads is 1000000000, but must be from 1 to 1024, or 0 for one per core");
  EXPECT_EQ(made({.scale = -2}), "2: scale is -2, but must be at least 1, or 0 for the model's");
  EXPECT_EQ(made({.strip_columns = -64}), "2: strip_columns is -64, but must be at least 1, or 0 for the default");
  EXPECT_EQ(made({.precision = static_cast<Precision>(9)}), "2: unknown precision 9");
  EXPECT_EQ(made({.guard = 1.5F}), "2: guard is 1.5, but must be from 0 to 1");
  EXPECT_EQ(made({.guard = NAN}), "2: guard is nan, but must be from 0 to 1");
  EXPECT_EQ(made({.threads = 2, .executor = Executor(3)}),
            "2: threads is 2, but must be 0 with an executor, which has 3 of its own");
  EXPECT_EQ(test::error_of([] { Executor(-1); }),
            "2: threads is -1, but must be from 1 to 1024, or 0 for one per core");
}

#if FSRCNN_TESTS_THREADS
TEST(Face, UpscalersShareAnExecutor) {
  const Tensor<float> luma = test::random_tensor({1, 1, 60, 80}, 1);
  Tensor<float> expected({1, 1, 120, 160});
  Upscaler("fsrcnn-x2", {.threads = 1}).upscale(plane_of(luma), plane_of(expected));
  std::vector<Upscaler> upscalers;
  {
    const Executor executor(3);
    for (int i = 0; i < 3; ++i) upscalers.emplace_back("fsrcnn-x2", UpscalerOptions{.executor = executor});
  }
  std::vector<std::thread> callers;
  std::vector<Tensor<float>> outputs(3, Tensor<float>({1, 1, 120, 160}));
  for (size_t i = 0; i < 3; ++i) {
    callers.emplace_back([&, i] { upscalers[i].upscale(plane_of(luma), plane_of(outputs[i])); });
  }
  for (std::thread& caller : callers) caller.join();
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(upscalers[i].threads(), 3);
    EXPECT_EQ(outputs[i], expected);
  }
}
#endif

TEST(Face, WeightsMayComeFromMemory) {
  const std::vector<std::byte> bytes = test::golden("tiny.safetensors");
  Upscaler of_memory(bytes), of_file(test::test_file("golden/tiny.safetensors").string());
  const Tensor<float> luma = test::random_tensor({1, 1, 20, 30}, 1);
  const int64_t scale = of_file.scale();
  Tensor<float> a({1, 1, 20 * scale, 30 * scale}), b = a;
  of_memory.upscale(plane_of(luma), plane_of(a));
  of_file.upscale(plane_of(luma), plane_of(b));
  EXPECT_EQ(a, b);
  EXPECT_NE(test::error_of([&] { Upscaler{std::span(bytes).first(100)}; }).find("the weights in memory"),
            std::string::npos);
}

TEST(Face, ListsTheModels) {
  ASSERT_FALSE(models().empty());
  EXPECT_EQ(models().front().name, "fsrcnn-x2");
  for (const ModelInfo& model : models()) {
    Upscaler upscaler(model.name, {.threads = 1});
    EXPECT_EQ(upscaler.scale(), model.scale);
    EXPECT_EQ(upscaler.channels(), model.channels);
    EXPECT_FALSE(model.purpose.empty());
  }
}

// A callback may do whatever it likes with its own upscaler, but not hang.
TEST(Face, AProgressCallbackMayUseItsUpscaler) {
  const Tensor<float> luma = test::random_tensor({1, 1, 200, 300}, 1), small = test::random_tensor({1, 1, 64, 64}, 2);
  Tensor<float> expected({1, 1, 400, 600}), expected_small({1, 1, 128, 128});
  for (const int threads : {1, 2, 3}) {
    Upscaler upscaler("fsrcnn-x2", {.threads = threads});
    upscaler.upscale(plane_of(luma), plane_of(expected));
    upscaler.upscale(plane_of(small), plane_of(expected_small));
    Tensor<float> output(expected.shape()), inner(expected_small.shape());
    int calls = 0;
    upscaler.upscale(plane_of(luma), plane_of(output), {.progress = [&](double) {
                       ++calls;
                       upscaler.upscale(plane_of(small), plane_of(inner));
                     }});
    EXPECT_GT(calls, 0);
    EXPECT_EQ(output, expected);
    EXPECT_EQ(inner, expected_small);
    EXPECT_THROW(upscaler.upscale(plane_of(luma), plane_of(output), {.progress = [](double) { throw 7; }}), int);
  }
}

TEST(Face, RowsOutliveTheirUpscaler) {
  const Tensor<float> luma = test::random_tensor({1, 1, 20, 30}, 1);
  Tensor<float> expected({1, 1, 40, 60}), output = expected;
  auto upscaler = std::make_unique<Upscaler>("fsrcnn-x2", UpscalerOptions{.threads = 2});
  upscaler->upscale(plane_of(luma), plane_of(expected));
  RowUpscaler rows(*upscaler, 30, 20, {}, {});
  upscaler.reset();
  rows.push(plane_of(luma), plane_of(output));
  EXPECT_EQ(output, expected);
}

TEST(Face, OperatorsCheckTheirPointers) {
  std::vector<float> memory(64);
  const ConstTensorView input{memory.data(), {1, 1, 3, 3}}, weight{memory.data() + 9, {1, 1, 2, 2}};
  const TensorView output{memory.data() + 16, {1, 1, 4, 4}};
  const auto refused = [&](ConstTensorView in, ConstTensorView w, TensorView out, ConvTranspose2dParams params = {}) {
    return test::error_of([&] { conv_transpose2d(in, w, nullptr, params, out, Executor(1)); });
  };
  EXPECT_EQ(refused(input, weight, output), "no error");
  EXPECT_EQ(refused({nullptr, input.shape}, weight, output), "2: argument 'input' is null");
  EXPECT_EQ(refused(input, {nullptr, weight.shape}, output), "2: argument 'weight' is null");
  EXPECT_EQ(refused(input, weight, {nullptr, output.shape}), "2: argument 'output' is null");
  EXPECT_EQ(refused(input, weight, {memory.data() + 8, output.shape}), "2: arguments 'input' and 'output' overlap");
  for (const int64_t groups : {int64_t{0}, int64_t{-1}, int64_t{1000000000}, INT64_MAX, INT64_MIN}) {
    const std::string rule = groups < 1 ? "groups is " + std::to_string(groups) + ", but must be at least 1"
                                        : "in_channels is 1, not a multiple of groups = " + std::to_string(groups);
    EXPECT_EQ(refused(input, weight, output, {.groups = groups}), "3: conv_transpose2d: " + rule);
  }
  constexpr int64_t kHuge = int64_t{1} << 62;
  for (const Shape& shape : {Shape{kHuge, 1, 2, 2}, Shape{1, kHuge, 2, 2}, Shape{1, 1, kHuge, 2}, Shape{1, 1, 2, kHuge},
                             Shape{0, 1, 2, 2}, Shape{1, 0, 2, 2}, Shape{-1, 1, 2, 2}}) {
    EXPECT_EQ(refused(input, {weight.data, shape}, output).substr(0, 2), "3:") << to_string(shape);
  }
}

}  // namespace
}  // namespace fsrcnn
