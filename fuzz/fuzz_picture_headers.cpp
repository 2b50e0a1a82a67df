#include <sstream>
#include <string>

#include "fuzz_target.hpp"
#include "picture/big_tiff_exif.hpp"
#include "picture/exr_header.hpp"
#include "picture/file_end.hpp"
#include "picture/heif_boxes.hpp"
#include "picture/jp2_boxes.hpp"
#include "picture/jpeg_quality.hpp"
#include "picture/jpeg_segments.hpp"
#include "picture/jxl_boxes.hpp"
#include "picture/picture_format.hpp"
#include "picture/png_chunks.hpp"
#include "picture/tiff_pages.hpp"

namespace {

void read_headers(fsrcnn::Bytes bytes) {
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::istringstream file(text);
  fsrcnn::tiff_pages(file, 1000);
  file.clear();
  file.seekg(0);
  fsrcnn::jxl_boxes(file);
  file.clear();
  file.seekg(0);
  fsrcnn::png_chunks(file);
  file.clear();
  file.seekg(0);
  fsrcnn::jp2_boxes(file);
  file.clear();
  file.seekg(0);
  fsrcnn::jpeg_quality(file);
  file.clear();
  file.seekg(0);
  fsrcnn::picture_format(file, ".tga");
  file.clear();
  file.seekg(0);
  fsrcnn::jpeg_segments(file);
  file.clear();
  file.seekg(0);
  fsrcnn::heif_boxes(file);
  file.clear();
  file.seekg(0);
  fsrcnn::exr_header(file);
  fsrcnn::exif_of_big_tiff(file);
  for (const char* format : {"PPM", "SGI", "PSD"}) {
    file.clear();
    file.seekg(0);
    fsrcnn::file_end(file, format);
  }
  fsrcnn::jpeg_with_metadata(text, {});
  fsrcnn::png_with_metadata(text, "", {});
}

}  // namespace

FSRCNN_FUZZ_TARGET(bytes, read_headers(bytes))
