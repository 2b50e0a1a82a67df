#include "video/film_identity.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/file.hpp"
#include "base/sha256.hpp"
#include "video/segment_stream.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kHeadBytes = 1 << 20;

std::string hash_of_head(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string head(kHeadBytes, '\0');
  if (!file) fail(ErrorCode::io, "reading '{}' failed", path);
  file.read(head.data(), kHeadBytes);
  return sha256(as_bytes(head.substr(0, static_cast<size_t>(file.gcount()))));
}

nlohmann::json describe_input(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) fail(ErrorCode::io, "reading '{}' failed", path);
  return {{"name", std::filesystem::path(path).filename().string()},
          {"bytes", int64_t{info.st_size}},
          {"sha256_of_head", hash_of_head(path)}};
}

// Not its name, which is another where it was copied to.
std::string identity_of(const nlohmann::json& input) {
  return sha256(
      as_bytes(fmt::format("{} {}", input.at("bytes").get<int64_t>(), input.at("sha256_of_head").get<std::string>())));
}

}  // namespace

nlohmann::json describe_job(const FilmJob& job, const Film& film, const FramePlan& frames, const Engine& engine) {
  nlohmann::json options = nlohmann::json::object();
  for (const auto& [key, value] : job.encoder.others) options[key] = value;
  nlohmann::json input = describe_input(job.input);
  input["pictures"] = film.index().checksum;
  return {{"input", input},
          {"model_sha256", sha256(canonical_bytes(engine.network()))},
          {"engine_revision", kEngineRevision},
          {"scale", engine.scale()},
          {"precision", engine.precision() == Precision::exact ? "exact" : "fast"},
          {"edges", engine.looks().extend_edges ? "mirrored" : "padded"},
          {"guard", engine.looks().guard},
          {"arithmetic", engine.bits()},
          {"encoder", encoder_name(job.encoder, film, frames.output)},
          {"filter_before", frames.before},
          {"filter_after", frames.after},
          {"passes", frames.passes},
          {"size",
           {frames.target.width, frames.target.height, frames.target.inner_width, frames.target.inner_height,
            frames.target.share_x, frames.target.share_y}},
          {"pixels", av_get_pix_fmt_name(static_cast<AVPixelFormat>(frames.output.like->format))},
          {"pictures", text_of(frames)},
          {"encoder_preset", job.encoder.preset},
          {"encoder_crf", job.encoder.crf},
          {"encoder_options", options},
          {"libavcodec", avcodec_version()}};
}

std::string film_identity(const std::string& path) { return identity_of(describe_input(path)); }

StreamTags job_tags(const nlohmann::json& job) {
  // Other machines may have other instruction sets and versions: their pictures fit.
  nlohmann::json same = job;
  for (const char* key : {"input", "arithmetic", "libavcodec", "segments"}) same.erase(key);
  return {{kFilmKey, identity_of(job.at("input"))},
          {kJobKey, sha256(as_bytes(same.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)))}};
}

}  // namespace fsrcnn
