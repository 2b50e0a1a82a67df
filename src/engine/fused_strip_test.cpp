#include "engine/fused_strip.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>

#include "base/cpu.hpp"
#include "engine/engine.hpp"
#include "engine/strip_layout.hpp"
#include "support/golden.hpp"
#include "support/networks.hpp"

namespace fsrcnn {
namespace {

// Strips and bands in any order, on scratch memory that another job has left full of its own values.
TEST(FusedStrip, AnyOrderOfJobsMakesTheSamePicture) {
  const Network network = test::random_network(9, 6, 3, 2, 31);
  const Tensor<float> luma = test::random_tensor({1, 1, 90, 500}, 3);
  for (const std::string& cpu : test::fast_cpus()) {
    const FusedPlan plan(*lower(network), Precision::fast, cpu);
    const Tensor<float> expected = Engine(network, {.threads = 1, .cpu = cpu}).upscale(luma);
    const StripLayout layout = lay_out_strips(plan, 500, 90, 1, 128);
    struct Job {
      StripRange range;
      int64_t begin, end;
    };
    std::vector<Job> jobs;
    for (const StripRange& range : layout.strips) {
      for (int64_t y = 0; y < 90; y += 20) jobs.push_back({range, y, std::min<int64_t>(y + 20, 90)});
    }
    FusedStrip strip(plan, layout.max_positions);
    for (const uint32_t seed : {1U, 2U, 3U}) {
      std::shuffle(jobs.begin(), jobs.end(), std::mt19937(seed));
      Tensor<float> output(expected.shape());
      for (const Job& job : jobs) {
        strip.start(job.range, 500, 90, job.begin);
        while (strip.next_row() < job.end) {
          const ConstPlane in = plane_of(luma);
          const Plane out = plane_of(output);
          strip.step(&in, 0);
          strip.store(&out, 0, job.end);
        }
      }
      ASSERT_EQ(output, expected) << cpu << ", order " << seed;
    }
  }
}

// The first rows and the last columns read images of some that they do not read themselves.
TEST(FusedStrip, KnowsWhatItReadsOfTheMirrorImage) {
  const LoweredNetwork network = *lower(test::random_network(9, 6, 3, 2, 31));
  for (const std::string& cpu : test::fast_cpus()) {
    for (const bool extend_edges : {false, true}) {
      const FusedPlan plan(network, Precision::fast, cpu, {.extend_edges = extend_edges});
      const FusedStrip strip(plan, 64 / plan.kernels->lanes);
      const Tensor<float> a = test::random_tensor({1, 1, 90, 500}, 3);
      const auto reads_the_same = [&](const StripRange& range, int64_t y, int64_t x) {
        Tensor<float> b = a;
        b(0, 0, y, x) += 1;
        return strip.reads_the_same(range, plane_of(a), plane_of(std::as_const(b)), 0, 1);
      };
      const StripRange left{0, 0, 40, 64 / plan.kernels->lanes}, right{484, 499, 500, 64 / plan.kernels->lanes};
      const int64_t below = kRowsAtOnce + plan.output_lag;
      ASSERT_GT(plan.rows_above(), below);
      EXPECT_FALSE(reads_the_same(left, below - 1, 10));
      EXPECT_EQ(reads_the_same(left, below, 10), !extend_edges) << cpu;
      EXPECT_TRUE(reads_the_same(left, plan.rows_above(), 10));
      // Of 48 columns beyond the picture.
      EXPECT_FALSE(reads_the_same(right, 0, 490));
      EXPECT_EQ(reads_the_same(right, 0, 452), !extend_edges) << cpu;
      EXPECT_TRUE(reads_the_same(right, 0, 451));
    }
  }
}

TEST(StripLayout, CoversEveryPictureOnce) {
  std::mt19937 random(5);
  for (const std::string& cpu : test::fast_cpus()) {
    const LoweredNetwork network = *lower(test::random_network(4, 3, 4, 2, 1));
    const FusedPlan padded(network, Precision::fast, cpu),
        extended(network, Precision::fast, cpu, {.extend_edges = true});
    for (int i = 0; i < 1000; ++i) {
      const FusedPlan& plan = i % 4 < 2 ? padded : extended;
      const int64_t width = 1 + random() % 5000, height = 1 + random() % 3000;
      const int threads = 1 + static_cast<int>(random() % 16), columns = static_cast<int>(random() % 3 * 200);
      const StripLayout layout = lay_out_strips(plan, width, height, threads, columns, i % 2 == 0);
      int64_t x = 0;
      for (const StripRange& strip : layout.strips) {
        EXPECT_EQ(strip.output_begin, x);
        EXPECT_GT(strip.output_end, x);
        EXPECT_EQ(strip.input_begin % 4, 0);
        EXPECT_EQ(strip.positions % FusedStrip::position_step(*plan.kernels), 0);
        EXPECT_LE(strip.positions, layout.max_positions);
        // What it computes is in what it reads, and not where it has no neighbours.
        const int64_t begin = strip.input_begin - plan.output_lag;
        EXPECT_LE(strip.output_end, begin + int64_t{strip.positions} * plan.kernels->lanes);
        const bool knows_what_is_left_of_it = !plan.looks.extend_edges && strip.input_begin == 0;
        EXPECT_TRUE(knows_what_is_left_of_it || strip.output_begin >= begin + plan.invalid_columns);
        x = strip.output_end;
      }
      EXPECT_EQ(x, width);
      EXPECT_EQ(layout.band_rows % 4, 0);
      EXPECT_GE(layout.band_rows, i % 2 == 0 ? height : 4);
    }
  }
}

}  // namespace
}  // namespace fsrcnn
