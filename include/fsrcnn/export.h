#ifndef FSRCNN_EXPORT_H
#define FSRCNN_EXPORT_H

/* FSRCNN_API: declares what others may call. On Windows that depends on who reads it: the library's own build defines
   FSRCNN_BUILD, and the packages of a static library define FSRCNN_STATIC. */
#if !defined(_WIN32)
#define FSRCNN_API __attribute__((visibility("default")))
#elif defined(FSRCNN_STATIC)
#define FSRCNN_API
#elif defined(FSRCNN_BUILD)
#define FSRCNN_API __declspec(dllexport)
#else
#define FSRCNN_API __declspec(dllimport)
#endif

#endif
