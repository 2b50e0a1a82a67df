#include <algorithm>
#include <filesystem>
#include <string_view>

#include "base/atomic_output.hpp"
#include "fuzz_target.hpp"
#include "network/formats/weights_file.hpp"
#include "support/temporary_folder.hpp"

namespace {

/// A folder of texts as one: each file begins with a line "== NAME".
void parse(fsrcnn::Bytes bytes) {
  constexpr std::string_view kBegin = "== ";
  constexpr std::string_view kInNames = "abcdefghijklmnopqrstuvwxyz0123456789_/.";
  const fsrcnn::test::TemporaryFolder folder;
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (int files = 0; files < 100 && text.starts_with(kBegin); ++files) {
    text.remove_prefix(kBegin.size());
    const std::string_view name = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(name.size() + 1, text.size()));
    const std::string_view content = text.substr(0, text.find(kBegin));
    text.remove_prefix(content.size());
    const bool stays_inside = !name.starts_with('/') && name.find("..") == std::string_view::npos &&
                              name.find_first_not_of(kInNames) == std::string_view::npos;
    if (name.empty() || !stays_inside) continue;
    const std::filesystem::path path = folder.path() / name;
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    if (!error && !std::filesystem::is_directory(path)) fsrcnn::write_file_directly(path, fsrcnn::as_bytes(content));
  }
  fsrcnn::load_network(folder.path(), 2);
}

}  // namespace

FSRCNN_FUZZ_TARGET(bytes, parse(bytes))
