#include "picture/picture_reader.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "picture/colour.hpp"
#include "picture/decode_apart.hpp"
#include "picture/row_decoder.hpp"

namespace fsrcnn {
namespace fs = std::filesystem;

namespace {

constexpr int64_t kDecodedRows = 64;  // that are decoded together

template <class Sample, class Decode>
void deinterleave(const std::byte* samples, Tensor<float>& planes, const Decode& decode) {
  const auto [n, c, h, w] = planes.shape();
  parallel_for(h, [&, c = c, w = w](int64_t y) {
    const Sample* const from = reinterpret_cast<const Sample*>(samples) + y * w * c;
    for (int64_t k = 0; k < c; ++k) {
      float* row = planes.row(0, k, y);
      for (int64_t x = 0; x < w; ++x) row[x] = static_cast<float>(decode(from[x * c + k]));
    }
  });
}

std::unique_ptr<RowDecoder> open_decoder(const fs::path& path, int64_t most_pixels) {
  if (decodes_apart()) return decode_apart(path, most_pixels);
  PictureFile file(path, open_picture_file(path));
  const PictureFormat& format = require_format(file);
  return decode_here(std::move(file), format, most_pixels);
}

}  // namespace

PictureReader::PictureReader(const fs::path& path, int64_t most_pixels)
    : path_(path), decoder_(open_decoder(path, most_pixels)) {}

PictureReader::~PictureReader() = default;

const PictureHeader& PictureReader::header() const { return decoder_->start().header; }
const std::vector<std::string>& PictureReader::warnings() const { return decoder_->start().warnings; }

void PictureReader::require_all_channels() const {
  if (header().left_out == 0) return;
  fail(ErrorCode::input,
       "'{}' is {} with {} channels beside; supported: at most one; use --alpha drop, or take out those that you need "
       "first, e.g. with vips extract_band",
       path_.string(), header().colour_planes == 1 ? "gray" : "RGB", header().left_out);
}

EmbeddedMetadata PictureReader::metadata(const MetadataTarget& target, std::vector<std::string>& warnings) {
  return decoder_->metadata(target, warnings);
}

std::vector<std::string> PictureReader::damage() { return decoder_->damage(); }

void PictureReader::read(Tensor<float>& rows) {
  const PictureHeader& picture = header();
  const auto [n, c, h, w] = rows.shape();
  samples_.resize(static_cast<size_t>(h * decoder_->start().row_bytes()));
  decoder_->read(samples_.data(), h);
  const double white = decoder_->start().white;
  const auto level = [white](auto sample) { return sample / white; };
  switch (picture.bits) {
    case 8: deinterleave<uint8_t>(samples_.data(), rows, level); break;
    case 16: deinterleave<uint16_t>(samples_.data(), rows, level); break;
    default: deinterleave<float>(samples_.data(), rows, [](float sample) { return sample; });
  }
  const auto finite = [](float sample) { return std::isfinite(sample); };
  if (picture.bits == 32 && !std::all_of(rows.values().begin(), rows.values().end(), finite)) {
    fail(ErrorCode::input, "'{}' has samples that are infinite or NaN", path_.string());
  }
  for (int64_t k = 0; picture.linear && k < picture.colour_planes; ++k) {
    float* const samples = rows.plane(0, k);
    std::transform(samples, samples + h * w, samples, srgb_from_linear);
  }
}

Picture read_picture(const fs::path& path) {
  PictureReader reader(path);
  if (reader.header().frames > 1) {
    fail(ErrorCode::input, "'{}' has {} frames or pages; expected a single picture", path.string(),
         reader.header().frames);
  }
  reader.require_all_channels();
  const PictureHeader& header = reader.header();
  Picture picture{header, Tensor<float>({1, header.planes(), header.height, header.width})};
  for (int64_t y = 0; y < header.height; y += kDecodedRows) {
    Tensor<float> rows({1, header.planes(), std::min(kDecodedRows, header.height - y), header.width});
    reader.read(rows);
    for (int64_t k = 0; k < header.planes(); ++k) {
      std::copy_n(rows.plane(0, k), rows.shape().h * header.width, picture.planes.row(0, k, y));
    }
  }
  const std::vector<std::string> damage = reader.damage();
  if (!damage.empty()) throw Error(ErrorCode::input, damage.front());
  return picture;
}

}  // namespace fsrcnn
