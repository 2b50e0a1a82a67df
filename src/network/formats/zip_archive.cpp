#include "network/formats/zip_archive.hpp"

#include <zip.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"

namespace fsrcnn {
namespace {

constexpr zip_int64_t kMostEntries = 4096;

struct OwnedError {
  zip_error_t value;
  OwnedError() { zip_error_init(&value); }
  ~OwnedError() { zip_error_fini(&value); }
  OwnedError(const OwnedError&) = delete;
  OwnedError& operator=(const OwnedError&) = delete;
  const char* text() { return zip_error_strerror(&value); }
};

bool is_utf8(const char* text) {
  try {
    return !nlohmann::json(text).dump().empty();
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

}  // namespace

void ZipReader::Discard::operator()(zip* archive) const { zip_discard(archive); }

ZipReader::ZipReader(Bytes archive, std::string source) : source_(std::move(source)) {
  OwnedError error;
  zip_source_t* buffer = zip_source_buffer_create(archive.data(), archive.size(), 0, &error.value);
  if (buffer != nullptr) {
    archive_.reset(zip_open_from_source(buffer, ZIP_RDONLY | ZIP_CHECKCONS, &error.value));
    if (archive_ == nullptr) zip_source_free(buffer);
  }
  if (archive_ == nullptr) fail(ErrorCode::model, "{}: not a readable zip archive: {}", source_, error.text());
}

std::vector<std::string> ZipReader::names() const {
  std::vector<std::string> names;
  const zip_int64_t count = zip_get_num_entries(archive_.get(), 0);
  if (count > kMostEntries) {
    fail(ErrorCode::model, "{}: it has {} entries, more than the limit of {} for weights", source_, count,
         kMostEntries);
  }
  for (zip_int64_t i = 0; i < count; ++i) {
    const char* name = zip_get_name(archive_.get(), i, ZIP_FL_ENC_RAW);
    // libzip does not find every name that it lists (before 1.11, if the name is not text). It searches linearly, hence
    // the limit.
    if (name == nullptr || !is_utf8(name) || zip_name_locate(archive_.get(), name, ZIP_FL_ENC_RAW) < 0) {
      fail(ErrorCode::model, "{}: the name of an entry is damaged", source_);
    }
    names.emplace_back(name);
  }
  return names;
}

std::optional<std::vector<std::byte>> ZipReader::read(const std::string& name, uint64_t limit_bytes) const {
  const zip_int64_t index = zip_name_locate(archive_.get(), name.c_str(), ZIP_FL_ENC_RAW);
  if (index < 0) return std::nullopt;
  zip_stat_t stat;
  if (zip_stat_index(archive_.get(), index, 0, &stat) != 0 || (stat.valid & ZIP_STAT_SIZE) == 0 ||
      stat.size > limit_bytes) {
    fail(ErrorCode::model, "{}: its entry '{}' is larger than the {} bytes expected", source_, name, limit_bytes);
  }
  const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(zip_fopen_index(archive_.get(), index, 0), zip_fclose);
  std::vector<std::byte> bytes(stat.size + 1);  // reading past the end makes libzip check the CRC
  zip_int64_t size = file == nullptr ? -1 : 0;
  while (size >= 0 && size < static_cast<zip_int64_t>(bytes.size())) {
    const zip_int64_t got = zip_fread(file.get(), bytes.data() + size, bytes.size() - size);
    if (got == 0) break;
    size = got < 0 ? -1 : size + got;
  }
  if (size != static_cast<zip_int64_t>(stat.size)) {
    fail(ErrorCode::model, "{}: its entry '{}' is damaged: {}", source_, name,
         file == nullptr ? zip_strerror(archive_.get()) : zip_file_strerror(file.get()));
  }
  bytes.resize(stat.size);
  return bytes;
}

std::vector<std::byte> write_zip(const std::vector<std::pair<std::string, std::vector<std::byte>>>& entries) {
  OwnedError error;
  zip_source_t* output = zip_source_buffer_create(nullptr, 0, 0, &error.value);
  if (output == nullptr) fail(ErrorCode::io, "writing a zip archive failed: {}", error.text());
  zip_source_keep(output);  // zip_close writes to it and lets go of it
  const std::unique_ptr<zip_source_t, void (*)(zip_source_t*)> keep(output, zip_source_free);
  zip_t* archive = zip_open_from_source(output, ZIP_TRUNCATE, &error.value);
  if (archive == nullptr) fail(ErrorCode::io, "writing a zip archive failed: {}", error.text());
  bool good = true;
  for (const auto& [name, bytes] : entries) {
    zip_source_t* entry = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
    const zip_int64_t index = zip_file_add(archive, name.c_str(), entry, ZIP_FL_ENC_UTF_8);
    // A fixed time makes the archive depend only on the entries.
    constexpr zip_uint16_t kFirstDosDay = 0x21;
    good = good && index >= 0 && zip_set_file_compression(archive, index, ZIP_CM_STORE, 0) == 0 &&
           zip_file_set_dostime(archive, index, 0, kFirstDosDay, 0) == 0;
  }
  if (!good || zip_close(archive) != 0) {
    const std::string why = zip_strerror(archive);
    zip_discard(archive);
    fail(ErrorCode::io, "writing a zip archive failed: {}", why);
  }
  zip_stat_t stat;
  good = zip_source_stat(output, &stat) == 0 && zip_source_open(output) == 0;
  std::vector<std::byte> bytes(good ? stat.size : 0);
  good = good && zip_source_read(output, bytes.data(), bytes.size()) == static_cast<zip_int64_t>(bytes.size());
  if (!good) fail(ErrorCode::io, "writing a zip archive failed: {}", zip_error_strerror(zip_source_error(output)));
  zip_source_close(output);
  return bytes;
}

}  // namespace fsrcnn
