#include "video/clock_joiner.hpp"

#include <gtest/gtest.h>

namespace fsrcnn {
namespace {

// Of streams of 25 packets a second: 0 pictures, 1 sound, 2 subtitles.
class Joined {
 public:
  explicit Joined(bool is_discontinuous = true) : clock_(is_discontinuous) {}

  int64_t operator()(int stream, int64_t time_ms) {
    AVStream av_stream{};
    const AvParameters parameters = new_parameters();
    static constexpr AVMediaType kTypes[] = {AVMEDIA_TYPE_VIDEO, AVMEDIA_TYPE_AUDIO, AVMEDIA_TYPE_SUBTITLE};
    parameters->codec_type = kTypes[stream];
    av_stream.codecpar = parameters.get();
    av_stream.time_base = {1, 1000};
    const AvPacket packet = new_packet();
    packet->stream_index = stream;
    packet->pts = packet->dts = time_ms;
    packet->duration = 40;
    clock_.join(*packet, av_stream);
    return packet->dts;
  }
  std::string told() const { return clock_.told(); }

 private:
  ClockJoiner clock_;
};

TEST(ClockJoiner, LeavesGapsAndReorderingAlone) {
  Joined at;
  for (const int64_t time : {0, 40, 80, 60, 5000, 14900}) EXPECT_EQ(at(0, time), time);
  EXPECT_EQ(at.told(), "");
}

TEST(ClockJoiner, JoinsJumpsOfAllStreams) {
  Joined at;
  for (int64_t i = 0; i < 100; ++i) {
    EXPECT_EQ(at(0, 1000 + 40 * i), 1000 + 40 * i);
    EXPECT_EQ(at(1, 990 + 40 * i), 990 + 40 * i);
  }
  EXPECT_EQ(at(0, 1000), 5000);
  EXPECT_EQ(at(1, 990), 4990);  // as far from the pictures as before
  EXPECT_EQ(at(2, 1200), 5200);
  EXPECT_EQ(at(0, 9'000'000), 5040);
  EXPECT_EQ(at(1, 8'999'990), 5030);
  EXPECT_EQ(at.told(), "the film's clock jumps 2 times, first at 4.00 s; the parts are joined there");
}

TEST(ClockJoiner, KnowsPacketsOfTheOldClockBehindAJump) {
  Joined at;
  for (int64_t i = 0; i < 100; ++i) {
    at(0, 40 * i);
    if (i < 90) at(1, 40 * i);  // ten packets late
  }
  EXPECT_EQ(at(0, 0), 4000);
  for (int64_t i = 90; i < 100; ++i) EXPECT_EQ(at(1, 40 * i), 40 * i);
  EXPECT_EQ(at(1, 0), 4000);
  EXPECT_EQ(at(0, 40), 4040);
}

TEST(ClockJoiner, GivesPacketsWithoutATimeTheOneThatIsExpected) {
  Joined at;
  EXPECT_EQ(at(0, AV_NOPTS_VALUE), AV_NOPTS_VALUE);
  EXPECT_EQ(at(0, 100), 100);
  EXPECT_EQ(at(0, AV_NOPTS_VALUE), 140);
  EXPECT_EQ(at(0, 180), 180);
}

TEST(ClockJoiner, TakesGapsOfOtherFormatsForWhatIsMeant) {
  Joined at(false);
  for (const int64_t time : {0, 40, 3'600'000, 80}) EXPECT_EQ(at(0, time), time);
}

}  // namespace
}  // namespace fsrcnn
