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

}  // namespace
}  // namespace fsrcnn::cli
