#include "picture/decode_apart.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/per_process.hpp"
#include "picture/decoder_messages.hpp"
#include "picture/decoder_process.hpp"
#include "picture/decoder_watch.hpp"
#include "picture/vips_support.hpp"

namespace fsrcnn {
namespace fs = std::filesystem;

namespace {

/// Processes that wait for the next picture.
class IdleProcesses {
 public:
  std::unique_ptr<DecoderProcess> take() {
    {
      const std::scoped_lock lock(mutex_);
      while (!processes_.empty()) {
        std::unique_ptr<DecoderProcess> process = std::move(processes_.back());
        processes_.pop_back();
        if (process->is_running()) return process;
      }
    }
    return std::make_unique<DecoderProcess>();
  }
  void give_back(std::unique_ptr<DecoderProcess> process) {
    constexpr size_t kMost = 4;
    const std::scoped_lock lock(mutex_);
    if (processes_.size() < kMost) processes_.push_back(std::move(process));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<DecoderProcess>> processes_;
};

IdleProcesses& idle_processes() {
  static PerProcess<IdleProcesses> processes([] { return std::make_unique<IdleProcesses>(); });
  return processes.get();
}

/// What a process died of, as the end of a sentence about a decoder.
std::string cause_of(std::optional<int> status) {
  if (!status) return "ended too soon";
  if (WIFEXITED(*status)) return fmt::format("ended with code {}", WEXITSTATUS(*status));
  switch (const int signal_number = WTERMSIG(*status)) {
    case DecoderWatch::kTooLong: return "took longer than a picture of its size can take";
    case DecoderWatch::kStandsStill: return "stood still for a minute";
    case SIGKILL: return "was killed, maybe because memory ran out";
    default: return fmt::format("crashed ({})", strsignal(signal_number));
  }
}

class ApartDecoder : public RowDecoder {
 public:
  explicit ApartDecoder(const fs::path& path) : name_(path.string()) {}

  /// Apart from the constructor, so that a process that has refused a picture is given back.
  void open(const fs::path& path, int64_t most_pixels) {
    const Descriptor file = open_picture_file(path);
    process_ = idle_processes().take();
    const RequestHead head{most_pixels, name_.size()};
    if (!send_all(process_->socket(), &head, sizeof(head), file.get()) ||
        !send_all(process_->socket(), name_.data(), name_.size())) {
      fail_dead();
    }
    start_vips();  // here, while it works there
    if (receive_head() == MessageKind::format) {
      format_ = receive_text();
      receive_head();
    }
    expect(MessageKind::start);
    start_ = unpack_start(receive_text(), most_pixels);
    rows_left_ = start_.rows();
    state_ = State::waits;
  }

  ~ApartDecoder() override {
    const Wish wish = Wish::nothing;
    if (state_ == State::waits && send_all(process_->socket(), &wish, sizeof(wish))) state_ = State::done;
    // Of others the rest of the picture is still to come, or nothing more.
    if (state_ == State::done) idle_processes().give_back(std::move(process_));
  }

  const PictureStart& start() const override { return start_; }

  EmbeddedMetadata metadata(const MetadataTarget& target, std::vector<std::string>& warnings) override {
    const Wish wish = Wish::metadata;
    if (!send_all(process_->socket(), &wish, sizeof(wish)) || !send_all(process_->socket(), &target, sizeof(target))) {
      fail_dead();
    }
    receive_head();
    expect(MessageKind::metadata);
    return unpack_metadata(receive_text(), warnings);
  }

  void read(std::byte* samples, int64_t rows) override {
    begin_rows();
    const int64_t bytes = rows * start_.row_bytes();
    for (int64_t done = 0; done < bytes;) {
      if (message_.bytes == 0) {
        receive_head();
        expect(MessageKind::rows);
        continue;
      }
      const int64_t part = std::min(bytes - done, static_cast<int64_t>(message_.bytes));
      receive(samples + done, static_cast<size_t>(part));
      message_.bytes -= static_cast<uint64_t>(part);
      done += part;
    }
    rows_left_ -= rows;
  }

  std::vector<std::string> damage() override {
    try {
      // Whoever shrinks a picture may not need its last rows.
      std::vector<std::byte> row(static_cast<size_t>(start_.row_bytes()));
      while (rows_left_ > 0) read(row.data(), 1);
      begin_rows();
      receive_head();
      expect(MessageKind::end);
      std::vector<std::string> texts = unpack_texts(receive_text());
      state_ = State::done;
      return texts;
    } catch (const Error& e) {
      return {e.what()};
    }
  }

 private:
  enum class State { begins, waits, sends, done };

  void begin_rows() {
    const Wish wish = Wish::rows;
    if (state_ == State::waits && !send_all(process_->socket(), &wish, sizeof(wish))) fail_dead();
    state_ = State::sends;
  }

  void receive(void* data, size_t bytes) {
    if (!receive_all(process_->socket(), data, bytes)) fail_dead();
  }

  /// Throws if it is the head of an error.
  MessageKind receive_head() {
    receive(&message_, sizeof(message_));
    if (message_.kind == MessageKind::error) {
      const std::string error = receive_text();
      state_ = State::done;
      throw_error(error);
    }
    return message_.kind;
  }

  void expect(MessageKind kind) const {
    if (message_.kind != kind)
      fail(ErrorCode::io, "'{}': the process that decodes it does not keep to the order", name_);
  }

  /// All of a message but rows.
  std::string receive_text() {
    constexpr uint64_t kMost = uint64_t{1} << 30;  // a profile or EXIF of megabytes is rare
    if (message_.bytes > kMost) {
      fail(ErrorCode::io, "'{}' has {} MB of metadata, more than the limit of {}", name_, message_.bytes >> 20,
           kMost >> 20);
    }
    std::string text(message_.bytes, '\0');
    receive(text.data(), text.size());
    message_.bytes = 0;
    return text;
  }

  [[noreturn]] void fail_dead() {
    state_ = State::sends;
    const std::optional<int> status = process_->wait();
    // A sanitizer's report is about our own code, and no picture's fault.
    if (kSanitized && status && WIFEXITED(*status) && WEXITSTATUS(*status) != 0) std::abort();
    fail(ErrorCode::input,
         "'{}' cannot be decoded: the {}decoder {}. The file is damaged, or of a kind that this decoder does not "
         "support; "
         "try another program to convert it",
         name_, format_.empty() ? "" : format_ + " ", cause_of(status));
  }

  std::string name_, format_;
  std::unique_ptr<DecoderProcess> process_;
  State state_ = State::begins;
  PictureStart start_;
  MessageHead message_{};  // of which so many bytes are still to come
  int64_t rows_left_ = 0;
};

}  // namespace

void prepare_decoder() { idle_processes().give_back(std::make_unique<DecoderProcess>()); }

std::unique_ptr<RowDecoder> decode_apart(const fs::path& path, int64_t most_pixels) {
  auto decoder = std::make_unique<ApartDecoder>(path);
  decoder->open(path, most_pixels);
  return decoder;
}

}  // namespace fsrcnn
