#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

namespace fsrcnn {

/// The number of forks between this process and the one that loaded the library.
uint64_t fork_count() noexcept;

/// An object with threads or locks. A forked child gets a new one at its first use: the parent's threads do not exist
/// there, and its locks may be held forever. The child does not touch the parent's object.
template <class T>
class PerProcess {
 public:
  explicit PerProcess(std::function<std::unique_ptr<T>()> make)
      : make_(std::move(make)), slot_(new Slot{fork_count(), make_(), nullptr}) {}
  ~PerProcess() {
    Slot* slot = slot_.load();
    if (slot->process == fork_count()) {
      Slot* const of_parent = slot->of_parent;
      delete slot;
      slot = of_parent;
    }
    if (slot != nullptr) abandon(slot);
  }
  PerProcess(const PerProcess&) = delete;
  PerProcess& operator=(const PerProcess&) = delete;

  /// Several threads may call at once.
  T& get() {
    Slot* slot = slot_.load(std::memory_order_acquire);
    if (slot->process == fork_count()) return *slot->value;
    auto fresh = std::make_unique<Slot>(Slot{fork_count(), make_(), slot});
    // If several threads come here first, one wins, and the others use its value.
    if (!slot_.compare_exchange_strong(slot, fresh.get(), std::memory_order_acq_rel)) return *slot->value;
    return *fresh.release()->value;
  }

 private:
  struct Slot {
    uint64_t process;
    std::unique_ptr<T> value;
    Slot* of_parent;
    Slot* abandoned_before = nullptr;
  };

  // The parent's object can neither be used nor destroyed in a child. It stays referenced, so that leak checkers do not
  // report it.
  static void abandon(Slot* slot) {
    static std::atomic<Slot*> last;
    slot->abandoned_before = last.load();
    while (!last.compare_exchange_weak(slot->abandoned_before, slot)) {
    }
  }

  std::function<std::unique_ptr<T>()> make_;
  std::atomic<Slot*> slot_;
};

}  // namespace fsrcnn
