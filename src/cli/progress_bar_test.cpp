#include "cli/progress_bar.hpp"

#include <gtest/gtest.h>

namespace fsrcnn::cli {
namespace {

TEST(ProgressBar, ShowsShareAndTimeLeft) {
  EXPECT_EQ(format_progress(0, 0, 34), "[..........]   0%");
  EXPECT_EQ(format_progress(0.5, 75, 34), "[#####.....]  50%  1:15 left");
  EXPECT_EQ(format_progress(0.999, 60, 34), "[#########.]  99%  0:01 left");
  EXPECT_EQ(format_progress(1, 60, 34), "[##########] 100%");
  EXPECT_EQ(format_progress(0.25, 3, 20), " 25%  0:09 left") << "no bar where there is no room";
}

TEST(ProgressBar, ShowsFramesAndTheirRate) {
  EXPECT_EQ(format_frames(60, 240, 0, 10, 64), "[##........]  25%  60/240 frames  6.0/s  0:30 left");
  EXPECT_EQ(format_frames(60, 240, 30, 10, 20), " 25%  60/240 frames  3.0/s  1:00 left") << "none of those done before";
  EXPECT_EQ(format_frames(1, 100000, 0, 1, 20), "  0%  1/100000 frames  1.0/s  27:46:39 left");
  EXPECT_EQ(format_frames(240, 240, 0, 40, 64), "[##########] 100%  240/240 frames  6.0/s");
  EXPECT_EQ(format_frames(7, 0, 0, 2, 80), "7 frames  3.5/s") << "of a film from a pipe nobody knows the length";
}

}  // namespace
}  // namespace fsrcnn::cli
