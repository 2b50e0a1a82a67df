#include "model/formats/pytorch.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "model/formats/pickle.hpp"
#include "model/formats/zip_archive.hpp"

namespace fsrcnn {
namespace {

/// Of all tensors, and of all storages, of a file together: 128 MiB of floats. An FSRCNN has some ten thousand. A small
/// file can claim more: storages may be packed, and tensors may be many views of one storage.
constexpr int64_t kMostElements = 1 << 25;

/// pickle.dumps(0x1950a86a20f9469cfc6c, 2): how the older files begin.
constexpr std::array<uint8_t, 15> kLegacyMagic = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                                  0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e};
constexpr int64_t kLegacyProtocol = 1001;

/// The little-endian elements of a storage by its key in the file, of which at most this many bytes are expected.
using StorageReader = std::function<std::vector<std::byte>(const std::string& key, uint64_t limit_bytes)>;

bool starts_with(Bytes bytes, Bytes start) {
  return bytes.size() >= start.size() && std::equal(start.begin(), start.end(), bytes.begin());
}

/// 0: a type that no weights have.
uint64_t element_bytes(std::string_view storage_type) {
  constexpr std::array<std::pair<std::string_view, uint64_t>, 9> kTypes = {{{"FloatStorage", 4},
                                                                            {"DoubleStorage", 8},
                                                                            {"HalfStorage", 2},
                                                                            {"BFloat16Storage", 2},
                                                                            {"LongStorage", 8},
                                                                            {"IntStorage", 4},
                                                                            {"ShortStorage", 2},
                                                                            {"ByteStorage", 1},
                                                                            {"BoolStorage", 1}}};
  const auto* found =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& t) { return t.first == storage_type; });
  return found == kTypes.end() ? 0 : found->second;
}

/// bytes.size() is storage.count elements.
std::vector<float> to_floats(const std::vector<std::byte>& bytes, const Pickle::Storage& storage) {
  static_assert(std::endian::native == std::endian::little);
  std::vector<float> values(storage.count);
  if (values.empty()) return values;
  if (storage.type == "DoubleStorage") {
    std::vector<double> wide(storage.count);
    std::memcpy(wide.data(), bytes.data(), bytes.size());
    for (size_t i = 0; i < wide.size(); ++i) values[i] = static_cast<float>(wide[i]);
  } else {
    std::memcpy(values.data(), bytes.data(), bytes.size());
  }
  return values;
}

/// Turns the tensors that a pickle describes into a StateDict, reading each storage once.
class TensorLoader {
 public:
  TensorLoader(const Pickle& pickle, const StorageReader& read, const std::string& source)
      : pickle_(pickle), read_(read), source_(source) {}

  StateDict load() {
    StateDict state_dict;
    std::set<std::string_view> names;
    for (const auto& [key, value] : state_dict_items().items) {
      const auto* name = pickle_.get<std::string>(key);
      const auto* tensor = pickle_.get<Pickle::Tensor>(value);
      if (name == nullptr || tensor == nullptr) {
        fail(ErrorCode::model,
             "{}: '{}' is not a tensor; expected is a state_dict, as torch.save(model.state_dict(), ...) writes",
             source_, name == nullptr ? "a key" : *name);
      }
      if (!names.insert(*name).second) fail(ErrorCode::model, "{}: tensor '{}' is there twice", source_, *name);
      state_dict.tensors.push_back({*name, tensor->shape, values(*name, *tensor)});
    }
    return state_dict;
  }

 private:
  /// The root if it is a state_dict, or the state_dict that a checkpoint holds under one of the usual names.
  const Pickle::Dict& state_dict_items() const {
    const auto* root = pickle_.get<Pickle::Dict>(pickle_.root());
    if (root == nullptr) {
      fail(ErrorCode::model, "{}: it does not hold a state_dict; save one with torch.save(model.state_dict(), ...)",
           source_);
    }
    for (const auto& [key, value] : root->items) {
      const auto* name = pickle_.get<std::string>(key);
      const auto* inner = pickle_.get<Pickle::Dict>(value);
      if (name != nullptr && inner != nullptr &&
          (*name == "state_dict" || *name == "model" || *name == "model_state_dict" || *name == "params")) {
        return *inner;
      }
    }
    return *root;
  }

  std::vector<float> values(const std::string& name, const Pickle::Tensor& tensor) {
    const int64_t count = checked_element_count(name, tensor.shape);
    count_elements(tensor_elements_, name, count);
    const std::vector<float>& storage = load_storage(name, tensor.storage);
    std::vector<int64_t> stride = tensor.stride;
    bool inside = stride.size() == tensor.shape.size() && tensor.offset >= 0;
    // The last element must lie within the storage; everything is bounded before it is multiplied.
    const auto size = static_cast<int64_t>(storage.size());
    int64_t last = tensor.offset;
    for (size_t i = 0; inside && count > 0 && i < stride.size(); ++i) {
      inside = stride[i] >= 0 && stride[i] <= size && last < size;
      if (inside) last += (tensor.shape[i] - 1) * stride[i];
    }
    if (!inside || (count > 0 && last >= size)) {
      fail(ErrorCode::model, "{}: tensor '{}' of shape {} reaches out of its storage of {} values", source_, name,
           to_string(tensor.shape), size);
    }
    std::vector<float> values(count);
    std::vector<int64_t> index(tensor.shape.size(), 0);
    int64_t at = tensor.offset;
    for (float& value : values) {
      value = storage[at];
      for (size_t axis = index.size(); axis-- > 0;) {
        at += stride[axis];
        if (++index[axis] < tensor.shape[axis]) break;
        at -= stride[axis] * tensor.shape[axis];
        index[axis] = 0;
      }
    }
    return values;
  }

  void count_elements(int64_t& sum, const std::string& name, int64_t count) const {
    if (count < 0 || count > kMostElements - sum) {
      fail(ErrorCode::model, "{}: with the {} values of tensor '{}' it has more than any FSRCNN", source_, count, name);
    }
    sum += count;
  }

  const std::vector<float>& load_storage(const std::string& name, Pickle::Ref ref) {
    const auto& storage = *pickle_.get<Pickle::Storage>(ref);
    const auto known = loaded_.find(storage.key);
    if (known != loaded_.end()) return known->second;
    if (storage.type != "FloatStorage" && storage.type != "DoubleStorage") {
      fail(ErrorCode::model, "{}: tensor '{}' is in a {}, but float32 or float64 is expected", source_, name,
           storage.type);
    }
    count_elements(storage_elements_, name, storage.count);
    const uint64_t size = storage.count * element_bytes(storage.type);
    const std::vector<std::byte> bytes = read_(storage.key, size);
    if (bytes.size() != size) {
      fail(ErrorCode::model, "{}: storage '{}' of tensor '{}' should have {} bytes, but has {}", source_, storage.key,
           name, size, bytes.size());
    }
    return loaded_.emplace(storage.key, to_floats(bytes, storage)).first->second;
  }

  const Pickle& pickle_;
  const StorageReader& read_;
  const std::string& source_;
  std::map<std::string, std::vector<float>> loaded_;
  int64_t tensor_elements_ = 0, storage_elements_ = 0;
};

StateDict parse_zip(Bytes bytes, const std::string& source) {
  const ZipReader archive(bytes, source);
  constexpr std::string_view kPickle = "/data.pkl";
  std::optional<std::string> folder;
  for (const std::string& name : archive.names()) {
    if (name.ends_with(kPickle)) folder = name.substr(0, name.size() - kPickle.size());
  }
  if (!folder) fail(ErrorCode::model, "{}: a zip archive without data.pkl; expected is a file of torch.save", source);
  const auto byte_order = archive.read(*folder + "/byteorder", 16);
  if (byte_order && !starts_with(*byte_order, as_bytes("little"))) {
    fail(ErrorCode::model, "{}: its numbers are big endian, which is not supported; save it on an ordinary machine",
         source);
  }

  const std::vector<std::byte> pickle_bytes =
      archive.read(*folder + std::string(kPickle), Pickle::kLargestBytes).value();
  Bytes rest = pickle_bytes;
  const Pickle pickle(rest, source);
  const StorageReader read = [&](const std::string& key, uint64_t size) {
    return archive.read(*folder + "/data/" + key, size).value_or(std::vector<std::byte>());
  };
  return TensorLoader(pickle, read, source).load();
}

/// Magic, protocol, facts of the machine, the object, the list of storages' keys; then the storages in this order, each
/// with its number of elements in front.
StateDict parse_legacy(Bytes bytes, const std::string& source) {
  bytes = bytes.subspan(kLegacyMagic.size());
  const Pickle protocol(bytes, source);
  const auto* version = protocol.get<int64_t>(protocol.root());
  if (version == nullptr || *version != kLegacyProtocol) {
    fail(ErrorCode::model, "{}: its protocol is not {}; save it again with a newer PyTorch", source, kLegacyProtocol);
  }
  const Pickle machine(bytes, source);
  const Pickle pickle(bytes, source);
  const Pickle keys(bytes, source);
  const auto* list = keys.get<Pickle::Sequence>(keys.root());
  if (list == nullptr) fail(ErrorCode::model, "{}: its list of storages is damaged", source);

  // A storage's number of elements is known to the object only; storages that it never uses end the file.
  std::map<std::string, const Pickle::Storage*> described;
  for (Pickle::Ref ref = 0; ref < pickle.size(); ++ref) {
    if (const auto* storage = pickle.get<Pickle::Storage>(ref)) described[storage->key] = storage;
  }
  std::map<std::string, Bytes> storages;
  for (const Pickle::Ref ref : list->items) {
    const auto* key = keys.get<std::string>(ref);
    const auto found = key == nullptr ? described.end() : described.find(*key);
    if (found == described.end()) fail(ErrorCode::model, "{}: its list of storages is damaged", source);
    const uint64_t width = element_bytes(found->second->type);
    if (width == 0) fail(ErrorCode::model, "{}: a {} is not supported", source, found->second->type);
    int64_t count = 0;
    if (bytes.size() >= sizeof(count)) std::memcpy(&count, bytes.data(), sizeof(count));
    if (bytes.size() < sizeof(count) || count != found->second->count ||
        static_cast<uint64_t>(count) > (bytes.size() - sizeof(count)) / width) {
      fail(ErrorCode::model, "{}: storage '{}' should have {} values, but the file has {} with {} bytes left", source,
           *key, found->second->count, count, bytes.size());
    }
    storages[*key] = bytes.subspan(sizeof(count), count * width);
    bytes = bytes.subspan(sizeof(count) + count * width);
  }
  if (!bytes.empty())
    fail(ErrorCode::model, "{}: {} bytes follow its last storage; it is damaged", source, bytes.size());
  const StorageReader read = [&](const std::string& key, uint64_t) {
    const Bytes found = storages[key];
    return std::vector<std::byte>(found.begin(), found.end());
  };
  return TensorLoader(pickle, read, source).load();
}

/// Writes the few instructions that a state_dict needs, in protocol 2.
class PickleWriter {
 public:
  std::vector<std::byte> write(const StateDict& state_dict) {
    append("\x80\x02");
    empty_ordered_dict();
    append("(");
    for (size_t i = 0; i < state_dict.tensors.size(); ++i) {
      const NamedTensor& tensor = state_dict.tensors[i];
      text(tensor.name);
      append("ctorch._utils\n_rebuild_tensor_v2\n((");
      text("storage");
      append("ctorch\nFloatStorage\n");
      text(std::to_string(i));
      text("cpu");
      integer(static_cast<int64_t>(tensor.values.size()));
      append("tQ");
      integer(0);
      std::vector<int64_t> stride(tensor.shape.size(), 1);
      for (size_t axis = stride.size(); axis-- > 1;) stride[axis - 1] = stride[axis] * tensor.shape[axis];
      tuple(tensor.shape);
      tuple(stride);
      append("\x89");
      empty_ordered_dict();
      append("tR");
    }
    append("u.");
    return bytes_;
  }

 private:
  void append(std::string_view instructions) {
    const Bytes bytes = as_bytes(instructions);
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void word(uint32_t value) { append({reinterpret_cast<const char*>(&value), sizeof(value)}); }
  void text(std::string_view value) {
    append("X");
    word(static_cast<uint32_t>(value.size()));
    append(value);
  }
  void integer(int64_t value) {
    append("J");
    word(static_cast<uint32_t>(value));
  }
  void tuple(const std::vector<int64_t>& values) {
    append("(");
    for (const int64_t value : values) integer(value);
    append("t");
  }
  void empty_ordered_dict() { append("ccollections\nOrderedDict\n)R"); }

  std::vector<std::byte> bytes_;
};

}  // namespace

bool looks_like_pytorch(Bytes bytes) {
  return starts_with(bytes, as_bytes("PK\x03\x04")) || starts_with(bytes, std::as_bytes(std::span(kLegacyMagic)));
}

StateDict parse_pytorch(Bytes bytes, const std::string& source) {
  if (starts_with(bytes, std::as_bytes(std::span(kLegacyMagic)))) return parse_legacy(bytes, source);
  return parse_zip(bytes, source);
}

std::vector<std::byte> format_pytorch(const StateDict& state_dict) {
  const auto to_vector = [](Bytes bytes) { return std::vector<std::byte>(bytes.begin(), bytes.end()); };
  std::vector<std::pair<std::string, std::vector<std::byte>>> entries;
  entries.emplace_back("archive/data.pkl", PickleWriter().write(state_dict));
  entries.emplace_back("archive/byteorder", to_vector(as_bytes("little")));
  for (size_t i = 0; i < state_dict.tensors.size(); ++i) {
    const auto values = std::as_bytes(std::span(state_dict.tensors[i].values));
    entries.emplace_back(fmt::format("archive/data/{}", i), to_vector(values));
  }
  entries.emplace_back("archive/version", to_vector(as_bytes("3\n")));
  return write_zip(entries);
}

}  // namespace fsrcnn
