#include "picture/webp_chunks.hpp"

#include <webp/mux.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/atomic_output.hpp"
#include "base/error.hpp"
#include "base/file.hpp"

namespace fsrcnn {
namespace {

struct MuxDelete {
  void operator()(WebPMux* mux) const { WebPMuxDelete(mux); }
};
struct DataClear {
  void operator()(WebPData* data) const { WebPDataClear(data); }
};

}  // namespace

void put_metadata_into_webp(const std::filesystem::path& webp, const EmbeddedMetadata& metadata) {
  constexpr int64_t kMostBytes = int64_t{1} << 32;  // of a WebP
  const std::vector<std::byte> bytes = read_file(webp, kMostBytes);
  const WebPData before{reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
  const std::unique_ptr<WebPMux, MuxDelete> mux(WebPMuxCreate(&before, 0));
  bool done = mux != nullptr;
  const auto set = [&](const char* name, const std::string& block) {
    const WebPData data{reinterpret_cast<const uint8_t*>(block.data()), block.size()};
    // libvips makes EXIF up where there is none.
    const WebPMuxError result =
        block.empty() ? WebPMuxDeleteChunk(mux.get(), name) : WebPMuxSetChunk(mux.get(), name, &data, 0);
    done = done && (result == WEBP_MUX_OK || (block.empty() && result == WEBP_MUX_NOT_FOUND));
  };
  if (done) {
    set("EXIF", metadata.exif);
    set("XMP ", metadata.xmp);
  }
  WebPData after{};
  done = done && WebPMuxAssemble(mux.get(), &after) == WEBP_MUX_OK;
  const std::unique_ptr<WebPData, DataClear> owner(&after);
  if (!done) fail(ErrorCode::io, "adding metadata to '{}' failed", webp.string());
  write_file_directly(webp, std::as_bytes(std::span(after.bytes, after.size)));
}

}  // namespace fsrcnn
