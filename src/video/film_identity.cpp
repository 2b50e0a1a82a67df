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

std::string hash_of_weights(const Model& model) {
  std::string bytes;
  const auto add = [&](const auto& values) {
    bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values[0]));
    bytes += '|';
  };
  for (const Layer& layer : model.layers) {
    add(layer.weight.values());
    add(layer.bias);
    add(layer.slope);
  }
  return sha256(as_bytes(bytes));
}

struct stat stat_of(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) fail(ErrorCode::io, "the file '{}' cannot be read", path);
  return info;
}

std::string hash_of_head(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string head(kHeadBytes, '\0');
  if (!file) fail(ErrorCode::io, "the file '{}' cannot be read", path);
  file.read(head.data(), kHeadBytes);
  return sha256(as_bytes(head.substr(0, static_cast<size_t>(file.gcount()))));
}

}  // namespace

nlohmann::json describe_job(const FilmJob& job, const Film& film, const Engine& engine) {
  const struct stat info = stat_of(job.input);
  nlohmann::json options = nlohmann::json::object();
  for (const auto& [key, value] : job.encoder.others) options[key] = value;
  // Instruction sets with fused multiply-add agree to the bit.
  const bool fused = engine.cpu() == "avx512" || engine.cpu() == "avx2" || engine.cpu() == "neon";
  return {{"input",
           {{"name", std::filesystem::path(job.input).filename().string()},
            {"bytes", int64_t{info.st_size}},
            {"time_ns", int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec},
            {"sha256_of_head", hash_of_head(job.input)}}},
          {"model_sha256", hash_of_weights(engine.model())},
          {"scale", engine.scale()},
          {"precision", engine.precision() == Precision::exact ? "exact" : "fast"},
          {"arithmetic", fused ? "fused" : engine.cpu()},
          {"encoder", encoder_name(job.encoder, film)},
          {"encoder_preset", job.encoder.preset},
          {"encoder_crf", job.encoder.crf},
          {"encoder_options", options},
          {"libavcodec", avcodec_version()}};
}

std::string film_identity(const std::string& path) {
  return sha256(as_bytes(fmt::format("{} {}", int64_t{stat_of(path).st_size}, hash_of_head(path))));
}

StreamTags segment_tags(const nlohmann::json& job, const std::string& path, const FrameRange& range) {
  // Other machines may have other instruction sets and versions: their pictures fit.
  nlohmann::json same = job;
  for (const char* key : {"input", "arithmetic", "libavcodec", "segments"}) same.erase(key);
  return {{kFramesKey, fmt::format("{}:{}", range.begin, range.end)},
          {kFilmKey, film_identity(path)},
          {kJobKey, sha256(as_bytes(same.dump()))}};
}

}  // namespace fsrcnn
