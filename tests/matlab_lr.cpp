// Compares our bicubic with LR pictures that MATLAB made: matlab_lr FOLDER SCALE, where FOLDER holds Set5 and
// Set5_LR_x<SCALE>_matlab. Prints for each picture how many samples differ, and how many were compared.
//
// MATLAB resizes 8-bit pictures down the columns first and rounds to 8 bits before it goes along the rows. The version
// that made these pictures repeated the edges where newer ones (and we) mirror them, so the outermost pixels, which see
// beyond the edge, are left out.

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include <fmt/format.h>

#include "nn/pad2d.hpp"
#include "picture/picture_reader.hpp"
#include "picture/resample.hpp"

namespace fs = std::filesystem;

namespace {

constexpr int64_t kEdge = 2;  // the kernel reaches this far

std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

fsrcnn::Tensor<float> to_8_bits(fsrcnn::Tensor<float> planes) {
  for (float& v : planes.values()) v = std::clamp(std::floor(v * 255 + 0.5F), 0.0F, 255.0F) / 255;
  return planes;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const int64_t scale = std::atoi(argv[2]);
  const auto originals = files_of(fs::path(argv[1]) / "Set5");
  const auto lr_files = files_of(fs::path(argv[1]) / fmt::format("Set5_LR_x{}_matlab", scale));
  for (size_t i = 0; i < originals.size(); ++i) {
    const fsrcnn::Tensor<float> expected = fsrcnn::read_picture(lr_files.at(i)).planes;
    const int64_t h = expected.shape().h, w = expected.shape().w;
    const fsrcnn::Tensor<float> whole = fsrcnn::read_picture(originals[i]).planes;
    const fsrcnn::Tensor<float> original = fsrcnn::pad2d(
        whole, {0, scale * h - whole.shape().h, 0, scale * w - whole.shape().w}, fsrcnn::PaddingMode::zeros);
    const fsrcnn::Tensor<float> columns = to_8_bits(fsrcnn::resize_bicubic(original, h, scale * w));
    const fsrcnn::Tensor<float> ours = to_8_bits(fsrcnn::resize_bicubic(columns, h, w));
    int64_t differing = 0, compared = 0;
    for (int64_t c = 0; c < ours.shape().c; ++c) {
      for (int64_t y = kEdge; y < h - kEdge; ++y) {
        for (int64_t x = kEdge; x < w - kEdge; ++x, ++compared) {
          differing += ours(0, c, y, x) != expected(0, c, y, x) ? 1 : 0;
        }
      }
    }
    fmt::print("{} {} {}\n", originals[i].filename().string(), differing, compared);
  }
}
