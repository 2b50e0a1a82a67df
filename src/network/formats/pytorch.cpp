#include "network/formats/pytorch.hpp"

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
#include "network/formats/pickle.hpp"
#include "network/formats/zip_archive.hpp"

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

/// Empty: a type that no weights have.
std::optional<ElementType> type_of_storage(std::string_view storage_type) {
  constexpr std::array<std::pair<std::string_view, ElementType>, 10> kTypes = {{{"FloatStorage", ElementType::f32},
                                                                                {"DoubleStorage", ElementType::f64},
                                                                                {"HalfStorage", ElementType::f16},
                                                                                {"BFloat16Storage", ElementType::bf16},
                                                                                {"LongStorage", ElementType::i64},
                                                                                {"IntStorage", ElementType::i32},
                                                                                {"ShortStorage", ElementType::i16},
                                                                                {"CharStorage", ElementType::i8},
                                                                                {"ByteStorage", ElementType::u8},
                                                                                {"BoolStorage", ElementType::boolean}}};
  const auto* found =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& t) { return t.first == storage_type; });
  return found == kTypes.end() ? std::nullopt : std::optional(found->second);
}

/// Keys of weights in checkpoints, the best first: averaged weights are meant to be used.
constexpr std::array<std::string_view, 14> kWeightKeys = {
    "params_ema",  "ema_state_dict", "model_ema", "ema",     "state_dict", "model_state_dict", "params",
    "model_state", "model",          "net",       "network", "generator",  "weights",          "metadata"};

/// Turns the tensors that a pickle describes into a StateDict, reading each storage once.
class TensorLoader {
 public:
  TensorLoader(const Pickle& pickle, const StorageReader& read, const std::string& source)
      : pickle_(pickle), read_(read), source_(source) {}

  StateDict load() {
    find_dicts(pickle_.root(), "", 0);
    if (found_.empty()) {
      fail(ErrorCode::model, "{}: it does not hold a state_dict; save one with torch.save(model.state_dict(), ...)",
           source_);
    }
    const auto rank = [](const Found& f) {
      const std::string key = f.path.substr(f.path.rfind('.') + 1);
      return std::find(kWeightKeys.begin(), kWeightKeys.end(), key) - kWeightKeys.begin();
    };
    // The file itself before all that it may contain.
    const Found& best = found_[0].path.empty() ? found_[0]
                                               : *std::min_element(found_.begin(), found_.end(),
                                                                   [&](auto& a, auto& b) { return rank(a) < rank(b); });
    StateDict state_dict;
    if (!best.path.empty()) {
      std::string others;
      for (const Found& f : found_) {
        if (f.dict != best.dict) others += (others.empty() ? "; it also has '" : "', '") + f.path;
      }
      state_dict.notes.push_back(
          fmt::format("its weights were read from '{}'{}{}", best.path, others, others.empty() ? "" : "'"));
    }
    std::set<std::string_view> names;
    for (const auto& [key, value] : best.dict->items) {
      const auto* name = pickle_.get<std::string>(key);
      const auto* tensor = pickle_.get<Pickle::Tensor>(value);
      // Numbers and remarks between the tensors.
      const bool remark =
          pickle_.get<Pickle::Dict>(value) == nullptr && pickle_.get<Pickle::Sequence>(value) == nullptr;
      if (name == nullptr || (tensor == nullptr && !remark)) {
        fail(ErrorCode::model,
             "{}: '{}' is not a tensor; expected a state_dict, as torch.save(model.state_dict(), ...) writes", source_,
             name == nullptr ? "a key" : *name);
      }
      if (tensor == nullptr) continue;
      if (!names.insert(*name).second) fail(ErrorCode::model, "{}: tensor '{}' appears twice", source_, *name);
      state_dict.tensors.push_back({*name, tensor->shape, values(*name, *tensor), type_of(*tensor)});
    }
    if (!best.path.empty()) read_remarks(state_dict.metadata);
    return state_dict;
  }

  /// Every tensor that the root leads to.
  StateDict load_all() {
    StateDict state_dict;
    find_tensors(pickle_.root(), "", 0, state_dict);
    if (state_dict.tensors.empty()) fail(ErrorCode::model, "{}: it holds no tensor", source_);
    return state_dict;
  }

 private:
  void find_tensors(Pickle::Ref ref, const std::string& path, int depth, StateDict& to) {
    if (depth > 4 || ++visited_ > 1000) return;
    const auto go_on = [&](const std::string& key, Pickle::Ref value) {
      find_tensors(value, path.empty() ? key : path + "." + key, depth + 1, to);
    };
    if (const auto* tensor = pickle_.get<Pickle::Tensor>(ref)) {
      to.tensors.push_back({path, tensor->shape, values(path, *tensor), type_of(*tensor)});
    } else if (const auto* dict = pickle_.get<Pickle::Dict>(ref)) {
      for (const auto& [key, value] : dict->items) {
        const auto* name = pickle_.get<std::string>(key);
        const auto* number = pickle_.get<int64_t>(key);
        if (name != nullptr || number != nullptr) go_on(name != nullptr ? *name : std::to_string(*number), value);
      }
    } else if (const auto* sequence = pickle_.get<Pickle::Sequence>(ref)) {
      for (size_t i = 0; i < sequence->items.size(); ++i) go_on(std::to_string(i), sequence->items[i]);
    }
  }

  /// A dict with kernels in it, and the keys that lead to it.
  struct Found {
    const Pickle::Dict* dict;
    std::string path;
  };

  void find_dicts(Pickle::Ref ref, const std::string& path, int depth) {
    const auto* dict = pickle_.get<Pickle::Dict>(ref);
    if (dict == nullptr || depth > 3 || found_.size() > 16) return;
    if (std::any_of(found_.begin(), found_.end(), [&](const Found& f) { return f.dict == dict; })) return;
    const bool has_kernels = std::any_of(dict->items.begin(), dict->items.end(), [&](const auto& item) {
      const auto* tensor = pickle_.get<Pickle::Tensor>(item.second);
      return pickle_.get<std::string>(item.first) != nullptr && tensor != nullptr && tensor->shape.size() == 4;
    });
    if (has_kernels) {
      found_.push_back({dict, path});
      return;
    }
    for (const auto& [key, value] : dict->items) {
      const auto* name = pickle_.get<std::string>(key);
      if (name == nullptr || name->size() > 100 || name->find("optim") != std::string::npos ||
          name->find("sched") != std::string::npos || ++visited_ > 1000) {
        continue;
      }
      find_dicts(value, path.empty() ? *name : path + "." + *name, depth + 1);
    }
  }

  /// A scale stored beside the weights, also in a script's options; and this program's own metadata.
  void read_remarks(std::map<std::string, std::string>& metadata) const {
    const auto* root = pickle_.get<Pickle::Dict>(pickle_.root());
    std::set<int64_t> scales;
    const auto look_in = [&](const Pickle::Dict& dict) {
      for (const auto& [key, value] : dict.items) {
        const auto* name = pickle_.get<std::string>(key);
        const auto* number = pickle_.get<int64_t>(value);
        if (name == nullptr || number == nullptr || *number < 2 || *number > 8) continue;
        for (const char* scale : {"scale", "upscale", "scale_factor", "upscale_factor"}) {
          if (*name == scale) scales.insert(*number);
        }
      }
    };
    look_in(*root);
    for (const auto& [key, value] : root->items) {
      const auto* name = pickle_.get<std::string>(key);
      const auto* dict = pickle_.get<Pickle::Dict>(value);
      if (name == nullptr || dict == nullptr) continue;
      for (const char* options : {"config", "args", "opt", "options", "hparams", "hyper_parameters", "cfg"}) {
        if (*name == options) look_in(*dict);
      }
      if (*name != "metadata") continue;
      for (const auto& [inner_key, inner_value] : dict->items) {
        const auto* remark = pickle_.get<std::string>(inner_key);
        const auto* text = pickle_.get<std::string>(inner_value);
        if (remark != nullptr && text != nullptr) metadata[*remark] = *text;
      }
    }
    if (scales.size() == 1) metadata.try_emplace("scale", std::to_string(*scales.begin()));
  }

  ElementType type_of(const Pickle::Tensor& tensor) const {
    return type_of_storage(pickle_.get<Pickle::Storage>(tensor.storage)->type).value();
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
      fail(ErrorCode::model, "{}: tensor '{}' of shape {} exceeds its storage of {} values", source_, name,
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
      fail(ErrorCode::model, "{}: with the {} values of tensor '{}' it exceeds the supported number of values", source_,
           count, name);
    }
    sum += count;
  }

  const std::vector<float>& load_storage(const std::string& name, Pickle::Ref ref) {
    const auto& storage = *pickle_.get<Pickle::Storage>(ref);
    const auto known = loaded_.find(storage.key);
    if (known != loaded_.end()) return known->second;
    const std::optional<ElementType> type = type_of_storage(storage.type);
    if (!type) {
      fail(ErrorCode::model, "{}: tensor '{}' is stored in a {}, which is not supported", source_, name, storage.type);
    }
    count_elements(storage_elements_, name, storage.count);
    const uint64_t size = static_cast<uint64_t>(storage.count) * bytes_of(*type);
    const std::vector<std::byte> bytes = read_(storage.key, size);
    if (bytes.size() != size) {
      fail(ErrorCode::model, "{}: storage '{}' of tensor '{}' should have {} bytes, but has {}", source_, storage.key,
           name, size, bytes.size());
    }
    return loaded_.emplace(storage.key, convert_elements<float>(bytes, *type)).first->second;
  }

  const Pickle& pickle_;
  const StorageReader& read_;
  const std::string& source_;
  std::map<std::string, std::vector<float>> loaded_;
  std::vector<Found> found_;
  int visited_ = 0;
  int64_t tensor_elements_ = 0, storage_elements_ = 0;
};

/// What is taken of a file: the weights, or all tensors.
using Load = StateDict (TensorLoader::*)();

StateDict parse_zip(Bytes bytes, const std::string& source, Load load) {
  const ZipReader archive(bytes, source);
  constexpr std::string_view kPickle = "/data.pkl";
  std::optional<std::string> folder;
  for (const std::string& name : archive.names()) {
    if (name.ends_with(kPickle)) folder = name.substr(0, name.size() - kPickle.size());
    if (name.ends_with("/constants.pkl") || name.find("/code/") != std::string::npos) {
      fail(ErrorCode::model,
           "{}: it is a TorchScript program, not a state_dict. Save its weights with "
           "torch.save(torch.jit.load('{}').state_dict(), ...), or export the model to ONNX",
           source, source);
    }
    if (name.ends_with("exported_program.json") || name.ends_with("/models/model.json")) {
      fail(ErrorCode::model,
           "{}: it is a torch.export program, not a state_dict. Save its weights with "
           "torch.save(torch.export.load('{}').state_dict, ...), or export the model to ONNX",
           source, source);
    }
  }
  if (!folder) {
    fail(ErrorCode::model, "{}: a zip archive without data.pkl; expected a file written by torch.save", source);
  }
  const auto byte_order = archive.read(*folder + "/byteorder", 16);
  if (byte_order && !starts_with(*byte_order, as_bytes("little"))) {
    fail(ErrorCode::model, "{}: its numbers are big-endian, which is not supported; save it on a little-endian machine",
         source);
  }

  const std::vector<std::byte> pickle_bytes =
      archive.read(*folder + std::string(kPickle), Pickle::kLargestBytes).value();
  Bytes rest = pickle_bytes;
  const Pickle pickle(rest, source);
  const StorageReader read = [&](const std::string& key, uint64_t size) {
    return archive.read(*folder + "/data/" + key, size).value_or(std::vector<std::byte>());
  };
  TensorLoader loader(pickle, read, source);
  return (loader.*load)();
}

/// Magic, protocol, facts of the machine, the object, the list of storages' keys; then the storages in this order, each
/// with its number of elements in front.
StateDict parse_legacy(Bytes bytes, const std::string& source, Load load) {
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
    const std::optional<ElementType> type = type_of_storage(found->second->type);
    if (!type) fail(ErrorCode::model, "{}: a {} is not supported", source, found->second->type);
    const uint64_t width = bytes_of(*type);
    int64_t count = 0;
    if (bytes.size() >= sizeof(count)) std::memcpy(&count, bytes.data(), sizeof(count));
    if (bytes.size() < sizeof(count) || count != found->second->count ||
        static_cast<uint64_t>(count) > (bytes.size() - sizeof(count)) / width) {
      fail(ErrorCode::model, "{}: storage '{}' should have {} values, but the file has {} and {} bytes left", source,
           *key, found->second->count, count, bytes.size());
    }
    storages[*key] = bytes.subspan(sizeof(count), count * width);
    bytes = bytes.subspan(sizeof(count) + count * width);
  }
  if (!bytes.empty()) {
    fail(ErrorCode::model, "{}: {} bytes follow its last storage; the file is damaged", source, bytes.size());
  }
  const StorageReader read = [&](const std::string& key, uint64_t) {
    const Bytes found = storages[key];
    return std::vector<std::byte>(found.begin(), found.end());
  };
  TensorLoader loader(pickle, read, source);
  return (loader.*load)();
}

StateDict parse(Bytes bytes, const std::string& source, Load load) {
  const bool is_legacy = starts_with(bytes, std::as_bytes(std::span(kLegacyMagic)));
  return is_legacy ? parse_legacy(bytes, source, load) : parse_zip(bytes, source, load);
}

}  // namespace

bool looks_like_pytorch(Bytes bytes) {
  return starts_with(bytes, as_bytes("PK\x03\x04")) || starts_with(bytes, std::as_bytes(std::span(kLegacyMagic)));
}

StateDict parse_pytorch(Bytes bytes, const std::string& source) { return parse(bytes, source, &TensorLoader::load); }

StateDict parse_pytorch_tensors(Bytes bytes, const std::string& source) {
  return parse(bytes, source, &TensorLoader::load_all);
}

}  // namespace fsrcnn
