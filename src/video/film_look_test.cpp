#include "video/film_look.hpp"

#include <gtest/gtest.h>

namespace fsrcnn {
namespace {

constexpr AVRational kNtsc{30000, 1001}, kPal{25, 1};

PlaceLook place(int64_t top_first, int64_t bottom_first, int64_t progressive, int64_t flagged = 0,
                int64_t repeats = 0) {
  PlaceLook look;
  look.frames = 24;
  look.top_first = top_first;
  look.bottom_first = bottom_first;
  look.progressive = progressive;
  look.flagged = flagged;
  look.repeats = repeats;
  return look;
}

TEST(JudgeScan, CombedPicturesAreInterlaced) {
  const Scan flagged = judge_scan({place(20, 0, 0, 24), place(0, 0, 24, 24)}, kNtsc);
  EXPECT_EQ(flagged.kind, Scan::Kind::interlaced);
  EXPECT_FALSE(flagged.only_flagged);
  EXPECT_EQ(judge_scan({place(20, 0, 1), place(22, 0, 1)}, kNtsc).kind, Scan::Kind::interlaced);
  // Without flags a few may be a pattern.
  EXPECT_EQ(judge_scan({place(20, 0, 1), place(0, 0, 23)}, kNtsc).kind, Scan::Kind::progressive);
}

TEST(JudgeScan, TheFieldsThatComeFirstAreThosePicturesShow) {
  EXPECT_EQ(judge_scan({place(0, 20, 0, 24)}, kNtsc).top_first, false);
  PlaceLook right = place(0, 20, 0, 24);
  right.flagged_bottom = 24;
  EXPECT_EQ(judge_scan({right}, kNtsc).top_first, std::nullopt);
}

TEST(JudgeScan, FlagsAreBelievedWherePicturesDoNotSayOtherwise) {
  EXPECT_EQ(judge_scan({place(0, 0, 0, 24)}, kNtsc).kind, Scan::Kind::interlaced);
  EXPECT_EQ(judge_scan({place(0, 0, 23, 24)}, kNtsc).kind, Scan::Kind::progressive);
}

TEST(JudgeScan, RepeatedFieldsAreThreeTwoPulldown) {
  EXPECT_EQ(judge_scan({place(10, 0, 14, 24, 9)}, kNtsc).kind, Scan::Kind::telecine);
  EXPECT_EQ(judge_scan({place(10, 0, 14, 24, 9)}, kPal).kind, Scan::Kind::interlaced);
  EXPECT_EQ(judge_scan({place(0, 0, 24, 0, 9)}, kNtsc).kind, Scan::Kind::progressive);
  PlaceLook soft = place(0, 0, 24);
  soft.soft_repeats = 12;
  EXPECT_EQ(judge_scan({soft}, kNtsc).kind, Scan::Kind::soft_telecine);
}

TEST(JudgeScan, PlacesThatCannotBeDecodedSayNothing) {
  EXPECT_EQ(judge_scan({PlaceLook{}, PlaceLook{}, place(0, 0, 23)}, kNtsc).kind, Scan::Kind::progressive);
  EXPECT_EQ(judge_scan({}, kNtsc).kind, Scan::Kind::progressive);
}

}  // namespace
}  // namespace fsrcnn
