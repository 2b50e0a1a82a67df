#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/cpu.hpp"
#include "engine/engine.hpp"
#include "network/builtin.hpp"
#include "nn/conv2d.hpp"
#include "nn/conv_transpose2d.hpp"
#include "support/golden.hpp"
#include "support/in_child.hpp"

namespace fsrcnn {
namespace {

ConstPlane rows_of(const Tensor<float>& luma, int64_t y, int64_t count) {
  ConstPlane rows = plane_of(luma);
  rows.data = rows.row(y);
  rows.height = count;
  return rows;
}

// However many rows come at once, they are written between guards, and where completed_by says.
TEST(RowStream, WritesIntoRowsOfItsCaller) {
  const Tensor<float> luma = test::random_tensor({1, 1, 117, 70}, 1);
  for (const std::string& cpu : cpu_names()) {
    Engine engine(builtin_network("fsrcnn-x2").value(), {.threads = 2, .cpu = cpu});
    const Tensor<float> whole = engine.upscale(luma);
    for (const int64_t at_once : {1, 5, 50, 117}) {
      RowStream stream(engine, 70, 117, {}, {});
      constexpr int64_t kStride = 150;
      std::vector<float> output(static_cast<size_t>(234 * kStride), -7.0F);
      Plane next{reinterpret_cast<std::byte*>(output.data()), 140, 0, kStride * 4};
      for (int64_t y = 0; y < 117; y += at_once) {
        const int64_t count = std::min<int64_t>(at_once, 117 - y);
        next.height = stream.completed_by(count);
        stream.push(rows_of(luma, y, count), next);
        next.data = next.row(next.height);
      }
      ASSERT_EQ(next.data, reinterpret_cast<std::byte*>(output.data() + output.size()));
      for (int64_t y = 0; y < 234; ++y) {
        const float* const row = output.data() + y * kStride;
        ASSERT_EQ(std::memcmp(row, whole.row(0, 0, y), 140 * sizeof(float)), 0) << cpu << " row " << y;
        for (int64_t x = 140; x < kStride; ++x) ASSERT_EQ(row[x], -7.0F);
      }
    }
  }
}

TEST(RowStream, TakesAPlaneForEachChannel) {
  Network network{.scale = 2, .colours = Colours::rgb, .range = ValueRange::full};
  network.layers.push_back({.inputs = {kNetworkInput},
                            .weight = test::random_tensor({12, 3, 3, 3}, 5, -0.2F, 0.2F),
                            .conv = {.padding = {1, 1}}});
  network.layers.push_back({.op = Layer::Op::depth_to_space, .inputs = {0}, .factor = 2});
  const Tensor<float> colours = test::random_tensor({1, 3, 61, 40}, 1);
  for (const std::string& cpu : cpu_names()) {
    Engine engine(network, {.threads = 2, .cpu = cpu});
    const Tensor<float> expected = engine.upscale(colours);
    Tensor<float> output(expected.shape()), of_sink(expected.shape());
    RowStream stream(engine, 40, 61, {}, {});
    int64_t sunk = 0, written = 0;
    RowStream to_sink(engine, 40, 61, {}, {}, [&](std::span<const ConstPlane> rows) {
      ASSERT_EQ(rows.size(), 3U);
      for (int c = 0; c < 3; ++c) {
        std::memcpy(of_sink.row(0, c, sunk), rows[static_cast<size_t>(c)].data,
                    static_cast<size_t>(rows[0].height * 80) * sizeof(float));
      }
      sunk += rows[0].height;
    });
    for (int64_t y = 0; y < 61; y += 7) {
      std::vector<ConstPlane> rows;
      std::vector<Plane> room;
      for (int c = 0; c < 3; ++c) {
        rows.push_back(plane_of(colours, c));
        rows.back().data = rows.back().row(y);
        rows.back().height = std::min<int64_t>(7, 61 - y);
        room.push_back(plane_of(output, c));
        room.back().data = room.back().row(written);
        room.back().height = stream.completed_by(rows.back().height);
      }
      stream.push(rows, room);
      written += room.front().height;
      to_sink.push(rows);
      EXPECT_EQ(sunk, written);
      EXPECT_EQ(test::error_of([&] { stream.push(rows.front()); }),
                "3: pushed rows of 1 planes, but the picture has 3");
    }
    EXPECT_EQ(output, expected) << cpu;
    EXPECT_EQ(of_sink, expected) << cpu;
  }
}

TEST(RowStream, ChecksTheRoom) {
  const Tensor<float> luma = test::random_tensor({1, 1, 40, 16}, 1);
  Engine engine(builtin_network("fsrcnn-x2").value(), {.threads = 1});
  RowStream stream(engine, 16, 40, {}, {});
  Tensor<float> output({1, 1, 80, 32});
  EXPECT_EQ(test::error_of([&] { stream.push(rows_of(luma, 0, 40)); }),
            "2: the stream has no sink: pass output rows to each push");
  Plane room = plane_of(output);
  room.height = 79;
  EXPECT_EQ(test::error_of([&] { stream.push(rows_of(luma, 0, 40), room); }),
            "3: the push completes 80 rows of 32 samples of 4 bytes, but the output has 79 rows of 32 of 4");
  // Nothing was taken: the right room still gets all.
  stream.push(rows_of(luma, 0, 40), plane_of(output));
  EXPECT_EQ(output, engine.upscale(luma));
}

// Rows are never lost without a word: after a sink has failed nothing more is taken.
TEST(RowStream, RefusesRowsAfterItsSinkHasFailed) {
  const Tensor<float> luma = test::random_tensor({1, 1, 256, 64}, 1);
  for (const bool of_the_library : {true, false}) {
    Engine engine(builtin_network("fsrcnn-x2").value(), {.threads = 1});
    int calls = 0, refused = 0;
    RowStream stream(engine, 64, 256, {}, {}, [&](std::span<const ConstPlane>) {
      if (++calls < 2) return;
      if (of_the_library) throw Error(ErrorCode::limit, "disk full");
      throw std::logic_error("disk full");
    });
    int64_t y = 0;
    const auto push = [&] { stream.push(rows_of(luma, y++, 1)); };
    while (calls < 2) {
      try {
        push();
      } catch (const std::exception& e) {
        EXPECT_STREQ(e.what(), "disk full");
      }
    }
    EXPECT_EQ(y, 64);
    while (y < 256) {
      const std::string message = test::error_of(push);
      refused +=
          message == (of_the_library
                          ? "6: the picture failed after 64 of 256 rows; start again with a new stream: disk full"
                          : "5: the picture failed after 64 of 256 rows; start again with a new stream: the sink "
                            "failed, or memory ran out")
              ? 1
              : 0;
    }
    EXPECT_EQ(refused, 192);
    EXPECT_EQ(calls, 2);
  }
}

TEST(RowStream, RefusesRowsFromItsOwnSink) {
  const Tensor<float> luma = test::random_tensor({1, 1, 64, 64}, 1);
  Engine engine(builtin_network("fsrcnn-x2").value(), {.threads = 2});
  int refused = 0;
  RowStream* self = nullptr;
  RowStream stream(engine, 64, 64, {}, {}, [&](std::span<const ConstPlane>) {
    refused += test::error_of([&] { self->push(rows_of(luma, 0, 1)); }) ==
                       "2: a push began while another was running, from the sink or from another thread"
                   ? 1
                   : 0;
  });
  self = &stream;
  stream.push(rows_of(luma, 0, 64));
  EXPECT_EQ(refused, 2);
}

#if FSRCNN_TESTS_FORK && defined(__linux__)
int64_t threads_of_this_process() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

// In a child, which begins with one thread whatever the tests before have left.
TEST(Threads, OneThreadMakesNoOther) {
  EXPECT_EQ(test::in_child([] {
              const Tensor<float> luma = test::random_tensor({1, 1, 40, 50}, 1);
              const Tensor<float> weight = test::random_tensor({1, 3, 3, 3}, 2);
              ThreadPool one(1);
              for (const std::string& cpu : cpu_names()) {
                Engine engine(builtin_network("fsrcnn-x2").value(), {.threads = 1, .cpu = cpu});
                RowStream stream(engine, 50, 40, {}, {}, [](std::span<const ConstPlane>) {});
                stream.push(plane_of(luma));
                engine.upscale(luma);
                const Tensor<float> wide = ConvTranspose2d(weight, {}, {}, cpu)(luma, one);
                Conv2d(Tensor<float>({1, 3, 3, 3}, weight.values()), {}, {}, cpu)(wide, one);
                if (threads_of_this_process() != 1) return 1;
              }
              // It does count.
              ThreadPool three(3);
              return threads_of_this_process() == 4 ? 0 : 2;
            }),
            0);
}
#endif

}  // namespace
}  // namespace fsrcnn
