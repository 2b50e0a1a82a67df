/* Preloaded into a program, it makes one call of write, pwrite, writev, fsync or rename fail as on a full disk: the
   FSRCNN_FAIL_AT-th of those that concern ordinary files. It says so on standard error. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int now(const char *call) {
  static atomic_long count;
  const char *const at = getenv("FSRCNN_FAIL_AT");
  if (at == NULL || atomic_fetch_add(&count, 1) + 1 != atol(at)) return 0;
  char text[64];
  snprintf(text, sizeof(text), "[%s fails on purpose]\n", call);
  ssize_t (*const real)(int, const void *, size_t) = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
  if (real(STDERR_FILENO, text, strlen(text)) < 0) abort();
  errno = ENOSPC;
  return 1;
}

static int is_file(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

#define REAL(name, result, ...) ((result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *data, size_t size) {
  if (is_file(fd) && now("write")) return -1;
  return REAL(write, ssize_t, int, const void *, size_t)(fd, data, size);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
  if (is_file(fd) && now("pwrite")) return -1;
  return REAL(pwrite, ssize_t, int, const void *, size_t, off_t)(fd, data, size, at);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
  if (is_file(fd) && now("pwrite64")) return -1;
  return REAL(pwrite64, ssize_t, int, const void *, size_t, off64_t)(fd, data, size, at);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
  if (is_file(fd) && now("writev")) return -1;
  return REAL(writev, ssize_t, int, const struct iovec *, int)(fd, parts, count);
}
int fsync(int fd) {
  if (is_file(fd) && now("fsync")) return -1;
  return REAL(fsync, int, int)(fd);
}
int rename(const char *from, const char *to) {
  struct stat status;
  if (stat(from, &status) == 0 && S_ISREG(status.st_mode) && now("rename")) return -1;
  return REAL(rename, int, const char *, const char *)(from, to);
}
