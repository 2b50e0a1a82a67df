#include "video/film_turn.hpp"

#include <algorithm>
#include <array>

#include "video/av_versions.hpp"

namespace fsrcnn {

const int32_t* turn_matrix(const Film& film) {
  const AVPacketSideData* of_stream = side_data(film.video(), AV_PKT_DATA_DISPLAYMATRIX);
  const auto* matrix = of_stream != nullptr ? reinterpret_cast<const int32_t*>(of_stream->data) : nullptr;
  const AVFrameSideData* own =
      film.first_frame() == nullptr ? nullptr : av_frame_get_side_data(film.first_frame(), AV_FRAME_DATA_DISPLAYMATRIX);
  if (own != nullptr && matrix == nullptr) matrix = reinterpret_cast<const int32_t*>(own->data);
  const bool turns = matrix != nullptr && (matrix[0] <= 0 || matrix[1] != 0 || matrix[3] != 0 || matrix[4] <= 0);
  return turns ? matrix : nullptr;
}

std::string turns_of(const Film& film) {
  struct Turn {
    std::array<int, 4> matrix;
    const char* filters;
  };
  static constexpr Turn kTurns[] = {{{0, 1, -1, 0}, "transpose=clock"},
                                    {{0, -1, 1, 0}, "transpose=cclock"},
                                    {{-1, 0, 0, -1}, "hflip,vflip"},
                                    {{-1, 0, 0, 1}, "hflip"},
                                    {{1, 0, 0, -1}, "vflip"},
                                    {{0, 1, 1, 0}, "transpose=cclock_flip"},
                                    {{0, -1, -1, 0}, "transpose=clock_flip"}};
  const int32_t* const matrix = turn_matrix(film);
  if (matrix == nullptr) return "";
  constexpr int kOne = 1 << 16;
  std::array<int, 4> turn{};
  for (size_t i = 0; i < 4; ++i) {
    const int32_t value = matrix[i + i / 2];  // 0, 1, 3, 4: the third of each row moves and tilts
    if (value % kOne != 0) return "";
    turn[i] = value / kOne;
  }
  const auto* found = std::find_if(std::begin(kTurns), std::end(kTurns), [&](auto& t) { return t.matrix == turn; });
  return found == std::end(kTurns) ? "" : found->filters;
}

bool is_sideways(const Film& film) { return turns_of(film).starts_with("transpose"); }

}  // namespace fsrcnn
