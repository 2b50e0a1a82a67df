#include "porting/dump_folder.hpp"

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "base/file.hpp"
#include "porting/dump_matcher.hpp"
#include "porting/dump_scales.hpp"
#include "porting/tensor_archive.hpp"

namespace fsrcnn {
namespace fs = std::filesystem;

namespace {

constexpr int64_t kMostBytesOfScales = int64_t{1} << 20;

std::vector<fs::path> files_in(const fs::path& path) {
  if (!fs::is_directory(path)) return {path};
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::recursive_directory_iterator i(path, error); !error && i != fs::recursive_directory_iterator();
       i.increment(error)) {
    if (!i->is_directory()) files.push_back(i->path());
  }
  if (error) fail(ErrorCode::io, "reading '{}' failed: {}", path.string(), error.message());
  std::sort(files.begin(), files.end());
  return files;
}

/// Suffixes of what lies beside dumps and is none.
bool is_no_dump(const fs::path& path) {
  const std::string suffix = lower_suffix(path);
  for (const char* other : {".json", ".c",   ".cpp", ".py", ".ipynb", ".md", ".log", ".yaml", ".yml", ".toml",
                            ".html", ".pdf", ".zip", ".gz", ".onnx",  ".v",  ".sv",  ".sh",   ".mp4", ""}) {
    if (suffix == other) return true;
  }
  return path.filename().string().starts_with('.');
}

}  // namespace

DumpFolder read_dump_folder(const fs::path& path, const Network& network, const std::optional<Tensor<float>>& input) {
  DumpFolder folder;
  std::vector<DumpCandidate> all;
  DumpScales scales;
  for (const fs::path& file : files_in(path)) {
    if (file != path && !fs::is_regular_file(file)) {
      folder.unused.push_back({file.string(), "it is not a regular file"});
      continue;
    }
    const std::string suffix = lower_suffix(file);
    if (file != path && is_called_scales(file.stem().string()) && (suffix == ".json" || suffix == ".txt")) {
      const std::vector<std::byte> bytes = read_file(file, kMostBytesOfScales);
      DumpScales more = parse_dump_scales({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
      scales.merge(more);
      folder.unused.push_back({file.string(), "it has the scales of integer dumps"});
      continue;
    }
    if (is_no_dump(file)) {
      folder.unused.push_back({file.string(), "its format is not one that dumps are read from"});
      continue;
    }
    try {
      const std::string stem = file.lexically_relative(path).replace_extension().string();
      for (NamedTensorFile& t : read_tensors(file)) {
        const bool alone = t.name.empty();
        all.push_back({alone ? file.string() : fmt::format("{}: {}", file.string(), t.name), alone ? stem : t.name,
                       std::move(t.tensor), !is_archive(file) && !is_dump(file)});
      }
    } catch (const Error& error) {
      if (file == path) throw;  // it was asked for by name
      folder.unused.push_back({file.string(), error.what(), true});
    }
  }
  DumpMatcher matcher(network, input);
  matcher.match(all);
  std::map<NetworkPlace, const DumpCandidate*> taken;
  for (DumpCandidate& c : all) {
    if (!c.lost.empty()) {
      folder.unused.push_back({c.file, c.lost, !c.lost.starts_with("the same")});
    } else if (!c.place) {
      folder.unused.push_back({c.file, matcher.reason(c), !matcher.is_step(c)});
    } else if (c.place->layer < 0 && input) {
      folder.unused.push_back({c.file, "the input, which is given apart"});
    } else {
      taken[*c.place] = &c;
    }
  }
  for (const auto& [place, c] : taken) {
    folder.dumps.push_back({name_of(network, place), c->file, c->tensor, c->is_picture, c->matched});
    if (const auto scale = scales.find(scale_key(c->name)); scale != scales.end())
      folder.dumps.back().integers_of = scale->second;
  }
  return folder;
}

}  // namespace fsrcnn
