#include "picture/deflate.hpp"

#include <zlib.h>

#include <algorithm>

#include "base/error.hpp"

namespace fsrcnn {
namespace {

constexpr int kWindowBits = 15;

std::vector<std::byte> compress(Bytes bytes, Bytes before, const Deflation& how, int window_bits, int flush) {
  z_stream stream{};
  if (deflateInit2(&stream, how.level, Z_DEFLATED, window_bits, 9, how.runs_only ? Z_RLE : Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    fail(ErrorCode::io, "there is not enough memory to compress the picture");
  }
  if (!before.empty()) {
    const Bytes window = before.last(std::min<size_t>(before.size(), 1 << kWindowBits));
    deflateSetDictionary(&stream, reinterpret_cast<const Bytef*>(window.data()), static_cast<uInt>(window.size()));
  }
  std::vector<std::byte> result(deflateBound(&stream, bytes.size()) + 16);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));  // NOLINT: zlib does not write there
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  const int outcome = deflate(&stream, flush);
  const bool whole = stream.avail_in == 0 && (outcome == Z_STREAM_END || outcome == Z_OK);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  if (!whole) fail(ErrorCode::io, "zlib could not compress {} bytes", bytes.size());
  return result;
}

}  // namespace

std::vector<std::byte> deflate_piece(Bytes bytes, Bytes before, const Deflation& how, bool last) {
  return compress(bytes, how.runs_only ? Bytes() : before, how, -kWindowBits, last ? Z_FINISH : Z_SYNC_FLUSH);
}

std::string inflated(std::string_view deflated, size_t most) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return "";
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(deflated.data()));  // NOLINT: zlib does not write there
  stream.avail_in = static_cast<uInt>(deflated.size());
  std::string result;
  int outcome = Z_OK;
  while (outcome == Z_OK && result.size() < most) {
    const size_t before = result.size();
    result.resize(std::min(most, 2 * before + 4096));
    stream.next_out = reinterpret_cast<Bytef*>(result.data() + before);
    stream.avail_out = static_cast<uInt>(result.size() - before);
    outcome = inflate(&stream, Z_NO_FLUSH);
    result.resize(stream.total_out);
  }
  inflateEnd(&stream);
  return outcome == Z_STREAM_END ? result : "";
}

std::vector<std::byte> zlib_stream(Bytes bytes, const Deflation& how) {
  return compress(bytes, {}, how, kWindowBits, Z_FINISH);
}

}  // namespace fsrcnn
