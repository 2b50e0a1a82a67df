#include "video/film.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "support/temporary_folder.hpp"
#include "video/pixel_format.hpp"

namespace fsrcnn {
namespace {

std::vector<IndexedFrame> index_with_keys(int64_t count, const std::vector<int64_t>& keys) {
  std::vector<IndexedFrame> index;
  for (int64_t i = 0; i < count; ++i) index.push_back({40 * i, 40, false, 40 * i});
  for (const int64_t key : keys) index[static_cast<size_t>(key)].key = true;
  return index;
}

TEST(Segments, BeginWhereDecodingCan) {
  EXPECT_EQ(cut_into_segments(index_with_keys(100, {0, 12, 24, 36, 48, 60, 72, 84, 96}), 20),
            (std::vector<FrameRange>{{0, 24}, {24, 48}, {48, 72}, {72, 96}, {96, 100}}));
  EXPECT_EQ(cut_into_segments(index_with_keys(5, {0}), 20), (std::vector<FrameRange>{{0, 5}}));
}

TEST(Segments, AreNeverOfOneOrTwoFrames) {
  EXPECT_EQ(cut_into_segments(index_with_keys(241, {0, 240}), 240), (std::vector<FrameRange>{{0, 241}}));
  EXPECT_EQ(cut_into_segments(index_with_keys(243, {0, 240}), 240), (std::vector<FrameRange>{{0, 240}, {240, 243}}));
  EXPECT_EQ(cut_into_segments(index_with_keys(8, {0, 1, 2, 3, 4, 5, 6, 7}), 1),
            (std::vector<FrameRange>{{0, 3}, {3, 8}}));
  EXPECT_EQ(cut_into_segments(index_with_keys(2, {0, 1}), 1), (std::vector<FrameRange>{{0, 2}}));
}

TEST(Segments, AreCutElsewhereIfDecodingCanRarelyBegin) {
  EXPECT_EQ(cut_into_segments(index_with_keys(100, {0, 95}), 10),
            (std::vector<FrameRange>{{0, 40}, {40, 80}, {80, 95}, {95, 100}}));
}

// A film of 16x16 pixels, of which every sample is the number of its frame.
std::string write_numbered_film(const std::filesystem::path& path, int frames) {
  std::ofstream file(path, std::ios::binary);
  file << "YUV4MPEG2 W16 H16 F25:1 C420jpeg\n";
  for (int i = 0; i < frames; ++i) file << "FRAME\n" << std::string(16 * 16 * 3 / 2, static_cast<char>(i));
  return path.string();
}

// The frames that a reader still has to read; -1 for one of which not all samples are the same.
std::vector<int> numbers_of(PacketReader& reader, size_t most = 1000) {
  std::vector<int> numbers;
  for (const AvPacket packet = new_packet(); numbers.size() < most && reader.read(*packet);) {
    const bool whole = std::all_of(packet->data, packet->data + packet->size,
                                   [&](uint8_t sample) { return sample == packet->data[0]; });
    numbers.push_back(whole && packet->size == 16 * 16 * 3 / 2 ? packet->data[0] : -1);
  }
  return numbers;
}

std::vector<int> count_from(int begin, int end) {
  std::vector<int> numbers;
  for (int i = begin; i < end; ++i) numbers.push_back(i);
  return numbers;
}

// Seeking may end somewhat before the frame.
void expect_from_about(int begin, int end, const std::vector<int>& numbers) {
  ASSERT_GE(static_cast<int>(numbers.size()), end - begin);
  ASSERT_LE(static_cast<int>(numbers.size()), end - begin + 5);
  EXPECT_EQ(numbers, count_from(end - static_cast<int>(numbers.size()), end));
}

TEST(Film, HasReadersThatDoNotMoveEachOther) {
  const test::TemporaryFolder folder;
  const Film film(write_numbered_film(folder / "film.y4m", 20));
  PacketReader a(film), b(film);
  EXPECT_EQ(numbers_of(a, 5), count_from(0, 5));
  EXPECT_EQ(numbers_of(b, 2), count_from(0, 2));
  EXPECT_EQ(film.index().frames.size(), 20U);  // reads the film, too
  b.seek(film.index().frames[12]);
  EXPECT_EQ(numbers_of(a), count_from(5, 20));
  expect_from_about(12, 20, numbers_of(b));
  EXPECT_EQ(a.broken_off(), "");
}

TEST(Film, IsReadByManyThreadsAtOnce) {
  const test::TemporaryFolder folder;
  constexpr int kFrames = 100, kThreads = 8;
  const Film film(write_numbered_film(folder / "film.y4m", kFrames));
  std::vector<std::vector<int>> numbers(kThreads);
  std::vector<const FilmIndex*> indices(kThreads);
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        const int begin = static_cast<int>(10 * i);
        indices[i] = &film.index();
        PacketReader reader(film);
        reader.seek(film.index().frames[static_cast<size_t>(begin)]);
        numbers[i] = numbers_of(reader);
      });
    }
  }
  for (size_t i = 0; i < kThreads; ++i) {
    expect_from_about(static_cast<int>(10 * i), kFrames, numbers[i]);
    EXPECT_EQ(indices[i], indices[0]);
  }
}

TEST(PixelFormat, PackedPixelsAreTakenApartAndPutTogether) {
  EXPECT_EQ(planar_format(AV_PIX_FMT_YUV420P), AV_PIX_FMT_YUV420P);
  EXPECT_EQ(planar_format(AV_PIX_FMT_YUV444P12LE), AV_PIX_FMT_YUV444P12LE);
  EXPECT_EQ(planar_format(AV_PIX_FMT_NV12), AV_PIX_FMT_YUV420P);
  EXPECT_EQ(planar_format(AV_PIX_FMT_P010LE), AV_PIX_FMT_YUV420P10);
  EXPECT_EQ(planar_format(AV_PIX_FMT_BGRA), AV_PIX_FMT_GBRAP);
  EXPECT_THROW(planar_format(AV_PIX_FMT_VAAPI), Error);
  EXPECT_THROW(planar_format(AV_PIX_FMT_BAYER_BGGR8), Error);
  constexpr AVPixelFormat kList[] = {AV_PIX_FMT_PAL8, AV_PIX_FMT_BGRA, AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_NONE};
  EXPECT_EQ(same_samples(AV_PIX_FMT_GBRAP, kList), AV_PIX_FMT_BGRA);
  EXPECT_EQ(same_samples(AV_PIX_FMT_YUV420P, kList), AV_PIX_FMT_YUVJ420P);
  EXPECT_EQ(same_samples(AV_PIX_FMT_GBRP, kList), AV_PIX_FMT_BGRA);  // opaque
  EXPECT_EQ(same_samples(AV_PIX_FMT_GBRP16, kList), AV_PIX_FMT_NONE);
}

}  // namespace
}  // namespace fsrcnn
