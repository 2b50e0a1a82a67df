// What a process that was started to decode pictures does.

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <climits>
#include <csignal>
#include <cstring>
#include <new>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "picture/decode_apart.hpp"
#include "picture/decoder_messages.hpp"
#include "picture/decoder_process.hpp"
#include "picture/decoder_rights.hpp"
#include "picture/decoder_watch.hpp"
#include "picture/vips_support.hpp"

namespace fsrcnn {
namespace {

std::atomic<bool> apart{false};

/// Seconds of the processor that a picture may take. JPEG 2000 on a small machine takes 2 for a megapixel.
double most_seconds(int64_t pixels) { return 60 + 10e-6 * static_cast<double>(pixels); }

class Server {
 public:
  explicit Server(int socket) : socket_(socket), watch_(socket) {}

  [[noreturn]] void run() {
    for (;;) {
      RequestHead head{};
      Descriptor file;
      if (!receive_all(socket_, &head, sizeof(head), &file) || head.path_bytes > PATH_MAX) leave();
      std::string path(head.path_bytes, '\0');
      if (!receive_all(socket_, path.data(), path.size())) leave();
      answer(std::move(path), std::move(file), head.most_pixels);
      watch_.end_work();
    }
  }

 private:
  // Nothing of it needs to be put in order.
  [[noreturn]] static void leave() { _exit(0); }

  void send(MessageKind kind, const void* data, size_t bytes) const {
    const MessageHead head{kind, bytes};
    if (!send_all(socket_, &head, sizeof(head)) || !send_all(socket_, data, bytes)) leave();
  }
  void send(MessageKind kind, std::string_view bytes) const { send(kind, bytes.data(), bytes.size()); }

  template <class T>
  T receive() const {
    T value{};
    if (!receive_all(socket_, &value, sizeof(value))) leave();
    return value;
  }

  void answer(std::string path, Descriptor descriptor, int64_t most_pixels) {
    try {
      limit_memory(most_pixels, 0);
      PictureFile file(std::move(path), std::move(descriptor));  // may wait for a pipe for ever
      const int64_t file_bytes = file.size();
      const auto allow = [&](int64_t pixels) {
        limit_memory(pixels, file_bytes);
        watch_.allow(most_seconds(pixels));
      };
      allow(0);
      watch_.begin_work();
      const PictureFormat& format = require_format(file);
      send(MessageKind::format, format.name);
      const std::unique_ptr<RowDecoder> decoder = decode_here(std::move(file), format, most_pixels, allow);
      send(MessageKind::start, pack_start(decoder->start()));
      watch_.end_work();
      for (;;) {
        const auto wish = receive<Wish>();
        if (wish == Wish::nothing) return;
        if (wish == Wish::rows) break;
        send_metadata(*decoder, receive<MetadataTarget>());
      }
      send_rows(*decoder);
    } catch (const Error& e) {
      send(MessageKind::error, pack_error(static_cast<int>(e.code()), e.what()));
    } catch (const std::bad_alloc&) {
      send(MessageKind::error, pack_error(0, ""));
    } catch (const std::exception& e) {
      send(MessageKind::error, pack_error(static_cast<int>(ErrorCode::io), e.what()));
    }
  }

  void send_metadata(RowDecoder& decoder, const MetadataTarget& target) {
    std::vector<std::string> warnings;
    watch_.begin_work();
    const std::string metadata = pack_metadata(decoder.metadata(target, warnings), warnings);
    watch_.end_work();
    send(MessageKind::metadata, metadata);
  }

  /// Each block is decoded while those before are worked on.
  void send_rows(RowDecoder& decoder) {
    constexpr int64_t kBlockBytes = 1 << 18, kMostRows = 64;
    const int64_t row_bytes = decoder.start().row_bytes(), rows = decoder.start().rows();
    const int64_t block_rows = std::clamp<int64_t>(kBlockBytes / row_bytes, 1, kMostRows);
    std::vector<std::byte> block(static_cast<size_t>(block_rows * row_bytes));
    for (int64_t y = 0; y < rows; y += block_rows) {
      const int64_t count = std::min(block_rows, rows - y);
      watch_.begin_work();
      decoder.read(block.data(), count);
      watch_.end_work();
      send(MessageKind::rows, block.data(), static_cast<size_t>(count * row_bytes));
    }
    watch_.begin_work();
    const std::string damage = pack_texts(decoder.damage());
    watch_.end_work();
    send(MessageKind::end, damage);
  }

  int socket_;
  DecoderWatch watch_;
};

/// The socket of which the third word is the number; -1 if it is none.
int socket_named(std::string_view word) {
  int socket = -1;
  struct stat info {};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), socket);
  const bool is_number = error == std::errc() && end == word.data() + word.size();
  return is_number && fstat(socket, &info) == 0 && S_ISSOCK(info.st_mode) ? socket : -1;
}

}  // namespace

void decode_pictures_apart(int argc, const char* const* argv) {
  const bool asked = argc == 3 && std::strcmp(argv[1], kDecoderCommand) == 0;
  const int socket = asked ? socket_named(argv[2]) : -1;
  if (socket < 0) {
    apart = true;
    return;
  }
  prctl(PR_SET_NAME, "fsrcnn");  // not "exe", as it was started
  serve_pictures(socket);
}

void serve_pictures(int socket) {
  // A terminal sends it to all of the program, which decides what becomes of the picture.
  std::signal(SIGINT, SIG_IGN);
  try {
    start_vips();
  } catch (const Error&) {
    // It is tried again, and told, with the first picture.
  }
  drop_rights();
  Server(socket).run();
}

bool decodes_apart() { return apart; }

}  // namespace fsrcnn
