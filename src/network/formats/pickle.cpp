#include "network/formats/pickle.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "base/error.hpp"

namespace fsrcnn {
namespace {

/// Longer than any name in a pickle of weights. Names are copied at every use, so one long name, used again and again,
/// must not fill the memory.
constexpr size_t kLongestName = 100;

constexpr std::string_view kStoragePrefix = "torch ", kCudaPrefix = "torch.cuda ";

/// torch.<type>Storage
constexpr std::array<std::string_view, 11> kStorageTypes = {
    "FloatStorage", "DoubleStorage", "HalfStorage", "BFloat16Storage", "LongStorage",        "IntStorage",
    "ShortStorage", "CharStorage",   "ByteStorage", "BoolStorage",     "ComplexFloatStorage"};

/// What puts a tensor over a storage.
constexpr std::array<std::string_view, 5> kTensors = {"torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_tensor",
                                                      "torch._utils _rebuild_parameter", "torch Size",
                                                      "torch.nn.parameter Parameter"};
/// Container classes, which become dicts.
constexpr std::array<std::string_view, 7> kDicts = {
    "collections OrderedDict", "collections Counter", "collections defaultdict", "argparse Namespace",
    "types SimpleNamespace",   "builtins dict",       "__builtin__ dict"};
/// Harmless values beside weights in checkpoints, such as numpy's numbers; they are ignored.
constexpr std::array<std::string_view, 29> kOpaque = {"numpy.core.multiarray scalar",
                                                      "numpy._core.multiarray scalar",
                                                      "numpy.core.multiarray _reconstruct",
                                                      "numpy._core.multiarray _reconstruct",
                                                      "numpy ndarray",
                                                      "numpy dtype",
                                                      "numpy.dtypes Float64DType",
                                                      "numpy.dtypes Float32DType",
                                                      "numpy.dtypes Int64DType",
                                                      "_codecs encode",
                                                      "builtins set",
                                                      "builtins list",
                                                      "builtins int",
                                                      "builtins float",
                                                      "builtins str",
                                                      "builtins complex",
                                                      "__builtin__ set",
                                                      "__builtin__ list",
                                                      "__builtin__ int",
                                                      "__builtin__ float",
                                                      "builtins object",
                                                      "__builtin__ object",
                                                      "copy_reg _reconstructor",
                                                      "copyreg _reconstructor",
                                                      "torch device",
                                                      "torch float32",
                                                      "torch float16",
                                                      "pathlib PosixPath",
                                                      "pathlib WindowsPath"};

template <class List>
bool is_among(const List& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

std::string_view storage_type(std::string_view name) {
  for (const std::string_view prefix : {kStoragePrefix, kCudaPrefix}) {
    if (name.starts_with(prefix) && is_among(kStorageTypes, name.substr(prefix.size()))) {
      return name.substr(prefix.size());
    }
  }
  return {};
}

/// A class of a model, by what Python's programmers call modules and classes.
bool looks_like_model(std::string_view module, std::string_view name) {
  if (module.starts_with("torch.nn.") || module.starts_with("torch.jit")) return true;
  constexpr std::array<std::string_view, 12> kSystem = {"os",         "posix",     "nt",          "sys",
                                                        "subprocess", "builtins",  "runpy",       "shutil",
                                                        "socket",     "importlib", "__builtin__", "pty"};
  return !is_among(kSystem, module.substr(0, module.find('.'))) && !name.empty() && name[0] >= 'A' && name[0] <= 'Z';
}

}  // namespace

/// The stack machine. Instructions are those of Python's pickletools, protocols 2 to 5, without the ones that make
/// instances or ask for extensions.
class PickleMachine {
 public:
  PickleMachine(Pickle& pickle, Bytes& bytes, const std::string& source)
      : values_(pickle.values_), bytes_(bytes), source_(source) {}

  Pickle::Ref run() {
    while (!step(take(1)[0])) {
    }
    return pop();
  }

 private:
  using Ref = Pickle::Ref;

  [[noreturn]] void fail_damaged(std::string_view what) const {
    fail(ErrorCode::model, "{}: its pickle is damaged: {}", source_, what);
  }

  // Reading.
  Bytes take(uint64_t count) {
    if (count > bytes_.size()) fail_damaged("it ends too early");
    const Bytes taken = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return taken;
  }
  template <class T>
  T number() {
    static_assert(std::endian::native == std::endian::little);
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  std::string text(uint64_t count) {
    const Bytes taken = take(count);
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }
  std::string line() {
    const auto end = std::find(bytes_.begin(), bytes_.end(), std::byte{'\n'});
    if (end == bytes_.end()) fail_damaged("a name is not terminated");
    std::string name = text(end - bytes_.begin());
    take(1);
    return name;
  }

  // The stack.
  void push(Pickle::Value value) {
    values_.push_back(std::move(value));
    stack_.push_back(static_cast<Ref>(values_.size() - 1));
  }
  Ref top() const {
    if (stack_.size() <= base()) fail_damaged("its stack is empty");
    return stack_.back();
  }
  Ref pop() {
    const Ref ref = top();
    stack_.pop_back();
    return ref;
  }
  size_t base() const { return marks_.empty() ? 0 : marks_.back(); }
  std::vector<Ref> pop_to_mark() {
    if (marks_.empty()) fail_damaged("a mark is missing");
    std::vector<Ref> items(stack_.begin() + static_cast<ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return items;
  }
  template <class T>
  T& as(Ref ref, const char* expected) {
    T* value = std::get_if<T>(&values_[ref]);
    if (value == nullptr) fail_damaged(fmt::format("expected {}, found something else", expected));
    return *value;
  }

  // What instructions do.
  void push_tuple(size_t count) {
    Pickle::Sequence sequence;
    for (size_t i = 0; i < count; ++i) sequence.items.insert(sequence.items.begin(), pop());
    push(std::move(sequence));
  }
  void append(const std::vector<Ref>& items) {
    auto& list = as<Pickle::Sequence>(top(), "a list").items;
    list.insert(list.end(), items.begin(), items.end());
  }
  void set_items(const std::vector<Ref>& items) {
    if (items.size() % 2 != 0) fail_damaged("a key has no value");
    auto& dict = as<Pickle::Dict>(top(), "a dict").items;
    for (size_t i = 0; i < items.size(); i += 2) dict.emplace_back(items[i], items[i + 1]);
  }
  void append_one() {
    const Ref item = pop();
    append({item});
  }
  void set_item() {
    const Ref value = pop(), key = pop();
    set_items({key, value});
  }
  /// Attributes of a namespace are its content. Those of others, such as a state_dict's _metadata, hold no weights.
  void build() {
    const Ref state = pop();
    const Ref object = top();
    if (std::holds_alternative<Pickle::Opaque>(values_[object])) return;
    auto& dict = as<Pickle::Dict>(object, "a dict");
    const auto* attributes = std::get_if<Pickle::Dict>(&values_[state]);
    // Small ones alone: they are copied.
    const bool copies = dict.is_namespace && attributes != nullptr && attributes != &dict;
    if (copies && attributes->items.size() <= 256) dict.items = attributes->items;
  }
  /// NEWOBJ: an instance of an allowed class, without arguments.
  void make_object() {
    pop();
    const std::string name = as<Pickle::Global>(pop(), "a class").name;
    push_instance(name);
  }
  void push_instance(const std::string& name) {
    if (is_among(kDicts, name)) {
      push(Pickle::Dict{{}, name.ends_with("Namespace")});
    } else if (is_among(kOpaque, name)) {
      push(Pickle::Opaque{});
    } else {
      fail_damaged(fmt::format("'{}' cannot be created this way", name));
    }
  }
  void remember(uint64_t index) { memo_[index] = top(); }
  void recall(uint64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) fail_damaged("it reads a memo entry that was never written");
    stack_.push_back(found->second);
  }
  void push_global(std::string_view module, std::string_view name) {
    if (module.size() + name.size() > kLongestName) fail_damaged("it refers to a name that is too long");
    std::string full = fmt::format("{} {}", module, name);
    if (!is_among(kTensors, full) && !is_among(kDicts, full) && !is_among(kOpaque, full) &&
        storage_type(full).empty()) {
      if (looks_like_model(module, name)) {
        fail(ErrorCode::model,
             "{}: it is a pickled model that needs the class '{}.{}', not a state_dict; no code was run. Load it where "
             "that class is available and save the weights with torch.save(model.state_dict(), ...)",
             source_, module, name);
      }
      fail(ErrorCode::model,
           "{}: its pickle asks for '{}.{}', which weights never need; the file may be malicious; no code was run. If "
           "you trust it, save a plain state_dict with torch.save(model.state_dict(), ...)",
           source_, module, name);
    }
    push(Pickle::Global{std::move(full)});
  }
  void named_global() {
    const std::string module = line();
    push_global(module, line());
  }
  void stack_global() {
    const Ref name = pop(), module = pop();
    push_global(as<std::string>(module, "a module's name"), as<std::string>(name, "a name"));
  }
  void push_long(size_t count) {
    const Bytes digits = take(count);
    if (count > sizeof(int64_t)) {
      push(Pickle::Opaque{});
      return;
    }
    const bool negative = count > 0 && (digits[count - 1] & std::byte{0x80}) != std::byte{0};
    int64_t value = negative ? -1 : 0;
    if (count > 0) std::memcpy(&value, digits.data(), count);
    push(value);
  }

  /// A tuple that is copied at every use. One long tuple, used again and again, must not fill the memory.
  std::vector<Ref> short_tuple(Ref ref, const char* expected) {
    const std::vector<Ref>& items = as<Pickle::Sequence>(ref, expected).items;
    if (items.size() > 16) fail_damaged(fmt::format("expected {}, found one of {}", expected, items.size()));
    return items;
  }
  std::vector<int64_t> integers(Ref ref) {
    std::vector<int64_t> numbers;
    for (const Ref item : short_tuple(ref, "a tuple of a few integers")) {
      numbers.push_back(as<int64_t>(item, "an integer"));
    }
    return numbers;
  }

  /// ('storage', <type>, key, location, count, ...): where the bytes of tensors are.
  void push_storage() {
    const std::vector<Ref> id = short_tuple(pop(), "a storage's tuple");
    if (id.size() < 5 || as<std::string>(id[0], "the word 'storage'") != "storage") {
      fail_damaged("a storage is damaged");
    }
    const std::string& type = as<Pickle::Global>(id[1], "a storage's type").name;
    const std::string& key = as<std::string>(id[2], "a storage's key");
    if (storage_type(type).empty() || key.size() > kLongestName) fail_damaged("a storage is damaged");
    push(Pickle::Storage{std::string(storage_type(type)), key, as<int64_t>(id[4], "a storage's size")});
  }

  void reduce() {
    const Ref arguments_ref = pop();
    const std::string function = as<Pickle::Global>(pop(), "a function").name;
    const std::vector<Ref> arguments = short_tuple(arguments_ref, "a tuple of a few arguments");
    if (function == "collections Counter" && arguments.size() == 1) {
      as<Pickle::Dict>(arguments[0], "a dict");
      stack_.push_back(arguments[0]);
    } else if (is_among(kDicts, function)) {
      push_instance(function);
    } else if (function.ends_with(" _reconstructor") && !arguments.empty()) {
      push_instance(as<Pickle::Global>(arguments[0], "a class").name);
    } else if (is_among(kOpaque, function)) {
      push(Pickle::Opaque{});
    } else if (function.starts_with("torch._utils _rebuild_tensor") && arguments.size() >= 4) {
      as<Pickle::Storage>(arguments[0], "a tensor's storage");
      push(Pickle::Tensor{arguments[0], as<int64_t>(arguments[1], "a tensor's offset"), integers(arguments[2]),
                          integers(arguments[3])});
    } else if (function == "torch._utils _rebuild_parameter" && !arguments.empty()) {
      as<Pickle::Tensor>(arguments[0], "a parameter's tensor");
      stack_.push_back(arguments[0]);
    } else if (function == "torch Size" && !arguments.empty()) {
      stack_.push_back(arguments[0]);
    } else {
      fail_damaged(fmt::format("'{}' cannot be called this way", function));
    }
  }

  /// Runs one instruction; true at the end of the program.
  bool step(std::byte instruction);

  std::vector<Pickle::Value>& values_;
  Bytes& bytes_;
  const std::string& source_;
  std::vector<Ref> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint64_t, Ref> memo_;
};

bool PickleMachine::step(std::byte instruction) {
  switch (std::to_integer<uint8_t>(instruction)) {
    case 0x80: take(1); break;                                                            // PROTO
    case 0x95: take(8); break;                                                            // FRAME
    case '.': return true;                                                                // STOP
    case '(': marks_.push_back(stack_.size()); break;                                     // MARK
    case '0': pop(); break;                                                               // POP
    case '1': pop_to_mark(); break;                                                       // POP_MARK
    case 'N': push(Pickle::None{}); break;                                                // NONE
    case 0x88: push(true); break;                                                         // NEWTRUE
    case 0x89: push(false); break;                                                        // NEWFALSE
    case 'J': push(int64_t{number<int32_t>()}); break;                                    // BININT
    case 'K': push(int64_t{number<uint8_t>()}); break;                                    // BININT1
    case 'M': push(int64_t{number<uint16_t>()}); break;                                   // BININT2
    case 0x8a: push_long(number<uint8_t>()); break;                                       // LONG1
    case 'G': push(std::bit_cast<double>(__builtin_bswap64(number<uint64_t>()))); break;  // BINFLOAT, big endian
    case 'X':                                                                             // BINUNICODE
    case 'T': push(text(number<uint32_t>())); break;                                      // BINSTRING, Python 2
    case 0x8c:                                                                            // SHORT_BINUNICODE
    case 'U': push(text(number<uint8_t>())); break;                                       // SHORT_BINSTRING, Python 2
    case 'B': take(number<uint32_t>()), push(Pickle::Opaque{}); break;                    // BINBYTES
    case 'C': take(number<uint8_t>()), push(Pickle::Opaque{}); break;                     // SHORT_BINBYTES
    case ')':                                                                             // EMPTY_TUPLE
    case ']': push(Pickle::Sequence{}); break;                                            // EMPTY_LIST
    case '}': push(Pickle::Dict{}); break;                                                // EMPTY_DICT
    case 0x85: push_tuple(1); break;                                                      // TUPLE1
    case 0x86: push_tuple(2); break;                                                      // TUPLE2
    case 0x87: push_tuple(3); break;                                                      // TUPLE3
    case 't':                                                                             // TUPLE
    case 'l': push(Pickle::Sequence{pop_to_mark()}); break;                               // LIST
    case 'a': append_one(); break;                                                        // APPEND
    case 'e': append(pop_to_mark()); break;                                               // APPENDS
    case 's': set_item(); break;                                                          // SETITEM
    case 'u': set_items(pop_to_mark()); break;                                            // SETITEMS
    case 'q': remember(number<uint8_t>()); break;                                         // BINPUT
    case 'r': remember(number<uint32_t>()); break;                                        // LONG_BINPUT
    case 0x94: remember(memo_.size()); break;                                             // MEMOIZE
    case 'h': recall(number<uint8_t>()); break;                                           // BINGET
    case 'j': recall(number<uint32_t>()); break;                                          // LONG_BINGET
    case 'c': named_global(); break;                                                      // GLOBAL
    case 0x93: stack_global(); break;                                                     // STACK_GLOBAL
    case '2': stack_.push_back(top()); break;                                             // DUP
    case 0x81: make_object(); break;                                                      // NEWOBJ
    case 0x8b: push_long(number<uint32_t>()); break;                                      // LONG4
    case 0x8f: push(Pickle::Sequence{}); break;                                           // EMPTY_SET
    case 0x90: append(pop_to_mark()); break;                                              // ADDITEMS
    case 0x91: push(Pickle::Sequence{pop_to_mark()}); break;                              // FROZENSET
    case 'Q': push_storage(); break;                                                      // BINPERSID
    case 'R': reduce(); break;                                                            // REDUCE
    case 'b': build(); break;                                                             // BUILD
    default:
      fail_damaged(
          fmt::format("instruction 0x{:02x} is unknown, or not allowed in weights", std::to_integer<int>(instruction)));
  }
  return false;
}

Pickle::Pickle(Bytes& bytes, const std::string& source) {
  Bytes rest = bytes.first(std::min(bytes.size(), kLargestBytes));
  const size_t given = rest.size();
  root_ = PickleMachine(*this, rest, source).run();
  bytes = bytes.subspan(given - rest.size());
}

}  // namespace fsrcnn
