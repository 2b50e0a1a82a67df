#include "video/film_journal.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/atomic_output.hpp"
#include "base/error.hpp"

namespace fsrcnn {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kJournalLimit = 64 << 20;

// Flushes to disk, so that no later rename overtakes it.
void flush_to_disk(const fs::path& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool flushed = descriptor >= 0 && fsync(descriptor) == 0;
  const int error = errno;
  if (descriptor >= 0) close(descriptor);
  if (!flushed) fail(ErrorCode::io, "writing '{}': {}", path.string(), std::strerror(error));
}

nlohmann::json read_json(const fs::path& path) {
  const auto bytes = read_file(path, kJournalLimit);
  return nlohmann::json::parse(reinterpret_cast<const char*>(bytes.data()),
                               reinterpret_cast<const char*>(bytes.data()) + bytes.size(), nullptr, false);
}

fs::path finished(const fs::path& folder) { return folder.string() + ".finished"; }

// The first thing that differs, for people.
std::string difference(const nlohmann::json& before, const nlohmann::json& now) {
  struct Word {
    const char *path, *word;
    bool has_value;  // which people can read
  };
  static constexpr Word kWords[] = {{"/input/name", "the film's name", true},
                                    {"/input/bytes", "the film's size", true},
                                    {"/input/pictures", "the film's content", false},
                                    {"/input", "the film", false},
                                    {"/model_sha256", "the model", false},
                                    {"/engine_revision", "the program's version", false},
                                    {"/scale", "the scale", true},
                                    {"/filter_before", "--deinterlace, --crop or --filter-before", false},
                                    {"/filter_after", "--filter-after", true},
                                    {"/passes", "the size", false},
                                    {"/size", "the size", false},
                                    {"/pixels", "the pixel format", true},
                                    {"/precision", "--precision", true},
                                    {"/arithmetic", "the instruction set", true},
                                    {"/encoder_preset", "--preset", true},
                                    {"/encoder_crf", "--crf", true},
                                    {"/encoder_options", "--encoder-option", false},
                                    {"/encoder", "the encoder", true},
                                    {"/libavcodec", "FFmpeg's version", false},
                                    {"/segments", "--segment-frames", false}};
  if (!before.is_object()) return "its journal.json is damaged";
  for (const auto& patch : nlohmann::json::diff(before, now)) {
    const std::string path = patch.at("path");
    const auto* word =
        std::find_if(std::begin(kWords), std::end(kWords), [&](auto& w) { return path.starts_with(w.path); });
    if (word == std::end(kWords)) break;
    const nlohmann::json::json_pointer at(path);
    const bool has_values = word->has_value && before.contains(at) && now.contains(at);
    if (!has_values) return fmt::format("{} differs", word->word);
    const auto text = [](const nlohmann::json& j) {
      return j == "" || j == -1 ? std::string("the default") : j.dump();
    };
    return fmt::format("{} was {} and is now {}", word->word, text(before.at(at)), text(now.at(at)));
  }
  return "its journal.json is damaged or from another version";
}

}  // namespace

FilmJournal::FilmJournal(const fs::path& folder, const nlohmann::json& job) : folder_(folder) {
  std::error_code error;
  fs::remove_all(finished(folder), error);
  fs::create_directory(folder, error);
  if (error) fail(ErrorCode::io, "creating the folder '{}' failed: {}", folder.string(), error.message());
  lock_ = open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock_ < 0) fail(ErrorCode::io, "writing to '{}' failed: {}", folder.string(), std::strerror(errno));
  if (flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    close(lock_);
    fail(ErrorCode::usage, "another fsrcnn is using '{}'", folder.string());
  }
  // Names need not be UTF-8, as JSON is.
  const std::string text = job.dump(1, ' ', false, nlohmann::json::error_handler_t::replace);
  const nlohmann::json now = nlohmann::json::parse(text);
  try {
    const fs::path journal = folder / "journal.json";
    if (!fs::exists(journal)) {
      if (fs::exists(segment(0))) {
        fail(ErrorCode::usage, "'{}' has segments, but no journal; delete it to start again", folder.string());
      }
      write_file(journal, as_bytes(text + "\n"));
    } else if (const nlohmann::json before = read_json(journal); !(before == now)) {  // both false if it is damaged
      fail(ErrorCode::usage,
           "'{}' has segments of another job: {}. Delete it to start again, or choose another output name",
           folder.string(), difference(before, now));
    }
    fs::remove(unfinished(), error);
  } catch (...) {
    close(lock_);
    throw;
  }
}

FilmJournal::~FilmJournal() { close(lock_); }

void FilmJournal::remove_if_empty() const {
  std::error_code error;
  const auto is_segment = [](const fs::directory_entry& entry) {
    const std::string name = entry.path().filename().string();
    return name.front() >= '0' && name.front() <= '9';
  };
  const fs::directory_iterator entries(folder_, error);
  if (!error && std::none_of(begin(entries), end(entries), is_segment)) fs::remove_all(folder_, error);
}

fs::path FilmJournal::segment(size_t number) const { return folder_ / fmt::format("{:06}.nut", number); }

std::optional<PartResult> FilmJournal::done(size_t number) const {
  const fs::path path = segment(number);
  if (!fs::exists(path) || !fs::exists(said(number))) return std::nullopt;
  try {
    const nlohmann::json j = read_json(said(number));
    if (j.at("bytes") != static_cast<int64_t>(fs::file_size(path))) return std::nullopt;
    PartResult result;
    j.at("frames").get_to(result.frames);
    j.at("damaged_packets").get_to(result.damage.packets);
    j.at("damaged_frames").get_to(result.damage.frames);
    j.at("out_of_order").get_to(result.damage.out_of_order);
    j.at("interlaced").get_to(result.damage.interlaced);
    j.at("missing").get_to(result.damage.missing);
    j.at("dropped").get_to(result.damage.dropped);
    return result;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

void FilmJournal::drop(const fs::path& segment) const {
  std::error_code error;
  fs::remove(segment, error);
}

void FilmJournal::publish(size_t number, const PartResult& result) {
  const fs::path path = segment(number);
  if (result.frames == 0) write_file_directly(unfinished(), {});
  flush_to_disk(unfinished());
  const nlohmann::json j = {{"frames", result.frames},
                            {"bytes", static_cast<int64_t>(fs::file_size(unfinished()))},
                            {"damaged_packets", result.damage.packets},
                            {"damaged_frames", result.damage.frames},
                            {"out_of_order", result.damage.out_of_order},
                            {"interlaced", result.damage.interlaced},
                            {"missing", result.damage.missing},
                            {"dropped", result.damage.dropped}};
  write_file(said(number), as_bytes(j.dump() + "\n"));
  std::error_code error;
  fs::rename(unfinished(), path, error);
  if (error) fail(ErrorCode::io, "renaming to '{}' failed: {}", path.string(), error.message());
  flush_to_disk(folder_);
}

void FilmJournal::deliver(const fs::path& whole, const fs::path& output) {
  flush_to_disk(whole);
  std::error_code error;
  fs::rename(whole, output, error);
  if (error) fail(ErrorCode::io, "renaming to '{}' failed: {}", output.string(), error.message());
  flush_to_disk(output.has_parent_path() ? output.parent_path() : fs::path("."));
  // Under another name, so that nothing resumes from a remainder if this is interrupted.
  fs::rename(folder_, finished(folder_), error);
  fs::remove_all(finished(folder_), error);
}

}  // namespace fsrcnn
