/* Preloaded into a program, it counts the threads that C++ makes (std::thread, not those of other libraries), and at the end
   writes their number into the file of the name FSRCNN_THREAD_COUNT. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_int count;

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*begin)(void *), void *argument) {
  Dl_info caller;
  if (dladdr(__builtin_return_address(0), &caller) != 0 && strstr(caller.dli_fname, "libstdc++") != NULL) ++count;
  int (*const real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) =
      (int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))dlsym(RTLD_NEXT, "pthread_create");
  return real(thread, attributes, begin, argument);
}

__attribute__((destructor)) static void tell(void) {
  const char *const name = getenv("FSRCNN_THREAD_COUNT");
  FILE *const file = name == NULL ? NULL : fopen(name, "w");
  if (file == NULL) return;
  fprintf(file, "%d\n", count);
  fclose(file);
}
