#include "picture/decoder_rights.hpp"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <thread>
#include <vector>

#include "base/tensor.hpp"
#include "picture/decoder_process.hpp"

namespace fsrcnn {
namespace {

// Numbers of system calls belong to an architecture.
#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#elif defined(__riscv) && __riscv_xlen == 64
constexpr uint32_t kArchitecture = AUDIT_ARCH_RISCV64;
#else
constexpr uint32_t kArchitecture = 0;
#endif

// What is refused. Which calls a decoder makes depends on versions of many libraries, so this is no list of what is
// allowed. Newer architectures lack the older forms of some.
constexpr uint32_t kRefused[] = {
#ifdef SYS_fork
    SYS_fork, SYS_vfork, SYS_creat, SYS_unlink, SYS_rename, SYS_mkdir, SYS_rmdir, SYS_link, SYS_symlink, SYS_mknod,
    SYS_chmod, SYS_chown, SYS_lchown, SYS_utime, SYS_utimes, SYS_futimesat,
#endif
#ifdef SYS_renameat
    SYS_renameat,
#endif
    // Files.
    SYS_unlinkat, SYS_renameat2, SYS_mkdirat, SYS_linkat, SYS_symlinkat, SYS_mknodat, SYS_fchmod, SYS_fchmodat,
    SYS_fchown, SYS_fchownat, SYS_truncate, SYS_utimensat, SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, SYS_removexattr,
    SYS_lremovexattr, SYS_fremovexattr, SYS_open_by_handle_at, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot,
    SYS_open_tree, SYS_move_mount, SYS_fsopen, SYS_fsmount,
    // The network.
    SYS_socket, SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4,
    // Other programs and processes.
    SYS_execve, SYS_execveat, SYS_unshare, SYS_setns, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kill,
    SYS_tkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_pidfd_open, SYS_pidfd_send_signal, SYS_pidfd_getfd,
    // Rarer doors into the kernel.
    SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_io_uring_setup, SYS_add_key, SYS_request_key, SYS_keyctl,
    SYS_shmget, SYS_msgget, SYS_semget, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load,
    SYS_reboot};

// Since 424, all architectures give new calls the same numbers. Of those from this one on the C library knows that a
// kernel may lack them.
constexpr uint32_t kFirstUnknown = 450;

/// A filter of system calls, instruction by instruction.
class Filter {
 public:
  Filter() {
    load(offsetof(seccomp_data, arch));
    add(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0);
    refuse();  // calls in the manner of another architecture
    load(offsetof(seccomp_data, nr));
#ifdef __x86_64__
    constexpr uint32_t kX32 = 0x40000000;  // another manner of the same
    add(BPF_JMP | BPF_JGE | BPF_K, kX32, 0, 1);
    refuse();
#endif
  }

  void refuse_call(uint32_t call, uint32_t error = EPERM) {
    add(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1);
    refuse(error);
  }
  void refuse_from(uint32_t call, uint32_t error) {
    add(BPF_JMP | BPF_JGE | BPF_K, call, 0, 1);
    refuse(error);
  }
  /// Refuses a call if any of these bits of an argument are set; or, with `unless`, if none is.
  void refuse_bits(uint32_t call, int argument, uint32_t bits, bool unless = false) {
    add(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 4);
    load_argument(argument);
    add(BPF_JMP | BPF_JSET | BPF_K, bits, unless ? 1 : 0, unless ? 0 : 1);
    refuse();
    allow();
  }
  /// Refuses a call unless an argument has this value.
  void refuse_others(uint32_t call, int argument, uint32_t value) {
    add(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 4);
    load_argument(argument);
    add(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0);
    refuse();
    allow();
  }
  void allow() { add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW); }

  /// For all threads of this process, and those that they start.
  void apply() {
    const sock_fprog program{static_cast<uint16_t>(code_.size()), code_.data()};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return;
    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
  }

 private:
  void add(int code, uint32_t k, int if_true = 0, int if_false = 0) {
    code_.push_back({static_cast<uint16_t>(code), static_cast<uint8_t>(if_true), static_cast<uint8_t>(if_false), k});
  }
  void load(size_t at) { add(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(at)); }
  void load_argument(int number) {  // its lower half
    load(offsetof(seccomp_data, args) + 8 * static_cast<size_t>(number) +
         (std::endian::native == std::endian::big ? 4 : 0));
  }
  void refuse(uint32_t error = EPERM) { add(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error); }

  std::vector<sock_filter> code_;
};

}  // namespace

void drop_rights() {
  constexpr rlimit kNone = {0, 0};
  setrlimit(RLIMIT_CORE, &kNone);  // or each crash would leave a file somewhere
  if (kArchitecture == 0) return;
  Filter filter;
  for (const uint32_t call : kRefused) filter.refuse_call(call);
  // A filter cannot see what these point to; without them the C library takes the older form.
  filter.refuse_call(SYS_clone3, ENOSYS);
  filter.refuse_call(SYS_openat2, ENOSYS);
  filter.refuse_from(kFirstUnknown, ENOSYS);
  filter.refuse_bits(SYS_clone, 0, CLONE_THREAD, true);
  constexpr uint32_t kWriting = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
  filter.refuse_bits(SYS_openat, 2, kWriting);
#ifdef SYS_open
  filter.refuse_bits(SYS_open, 1, kWriting);
#endif
  filter.refuse_others(SYS_tgkill, 0, static_cast<uint32_t>(getpid()));
  filter.refuse_others(SYS_prlimit64, 0, 0);
  filter.allow();
  filter.apply();
}

void limit_memory(int64_t pixels, int64_t file_bytes) {
  // A decoder may have several copies, of floats, of more channels than come out; and threads have stacks.
  constexpr int64_t kProgram = 1 << 30, kThread = 16 << 20, kPixel = 64, kFileByte = 4;
  if (kSanitized) return;
  const int64_t bytes = std::min(physical_memory_bytes(), kProgram + kThread * std::thread::hardware_concurrency() +
                                                              kPixel * pixels + kFileByte * file_bytes);
  rlimit limit{};
  if (getrlimit(RLIMIT_DATA, &limit) != 0) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, static_cast<rlim_t>(bytes));
  setrlimit(RLIMIT_DATA, &limit);
}

}  // namespace fsrcnn
