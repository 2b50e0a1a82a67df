#ifndef FSRCNN_FSRCNN_H
#define FSRCNN_FSRCNN_H

/* The C functions of the library, API 1.0. Nothing here prints, exits or throws.

   Versions    The major version changes when programs must be changed, and the name of the shared library changes with
               it. The minor version counts additions. FSRCNN_API_VERSION is the version that a program was compiled
               with; fsrcnn_version() returns that of the library in use.
   Structs     Set every unused field to zero, including the reserved ones: fsrcnn_plane p = {0}; zero means the
               default of every field that has one. Those without must be set: sizes, `one` and stride_bytes of a plane,
               stride, dilation and groups of an operator. New fields are taken from the reserved ones, which must be
               zero. So old programs run with new libraries, and an old library refuses fields that it does not know.
   Failure     A function that returns int returns FSRCNN_OK or one of FSRCNN_ERROR_...; one that returns a pointer
               returns NULL on failure. fsrcnn_last_error_code() and fsrcnn_last_error() describe the last call that
               failed on this thread. Arguments are checked before any work, and the message names the wrong one. After
               a failure the contents of outputs are undefined. Invalid or destroyed handles, and memory that is
               smaller than stated, are not detected.
   Threads     All functions may be called from any thread. Several threads may use one upscaler or operator at once,
               and share its threads. An fsrcnn_rows takes rows from one thread at a time (others are refused).
               Do not destroy anything that another thread uses. Handles keep the objects they were made from alive, so
               they may be destroyed in any order. NULL may be destroyed.
   Callbacks   A sink is called on the thread that pushes. A progress callback is called on any thread, but for one
               frame never on two at once; it delays the other threads. Both may use the upscaler (without waiting for
               other threads), and destroy the handles of their call, which still runs to its end. They must not wait
               for other threads that use the upscaler, push to the rows that called them (which is refused), or exit
               by an exception or longjmp.
   fork        A child process may use everything; it starts its own threads. A frame, push or operator that was running
               in the parent does not continue in the child, and its memory is lost there. A callback that forks must
               not return in the child. */

#include <stddef.h>
#include <stdint.h>

#include "fsrcnn/export.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FSRCNN_C_API FSRCNN_API

#define FSRCNN_API_MAJOR 1
#define FSRCNN_API_MINOR 0
#define FSRCNN_API_PATCH 0
/* For comparisons: FSRCNN_API_VERSION >= FSRCNN_MAKE_VERSION(1, 2, 0). */
#define FSRCNN_MAKE_VERSION(major, minor, patch) ((major) * 0x10000 + (minor) * 0x100 + (patch))
#define FSRCNN_API_VERSION FSRCNN_MAKE_VERSION(FSRCNN_API_MAJOR, FSRCNN_API_MINOR, FSRCNN_API_PATCH)

/* FSRCNN_API_VERSION of the library in use. */
FSRCNN_C_API int fsrcnn_version(void);
/* The version of the product, as text: "0.2.0". */
FSRCNN_C_API const char* fsrcnn_version_string(void);

enum {
  FSRCNN_OK = 0,
  FSRCNN_ERROR_OTHER = 1,     /* out of memory */
  FSRCNN_ERROR_USAGE = 2,     /* an invalid argument */
  FSRCNN_ERROR_INPUT = 3,     /* invalid or mismatched planes, tensors or parameters */
  FSRCNN_ERROR_MODEL = 4,     /* invalid or unsupported weights */
  FSRCNN_ERROR_IO = 5,        /* reading a file failed, or a sink did not return 0 */
  FSRCNN_ERROR_LIMIT = 6,     /* a limit was exceeded */
  FSRCNN_ERROR_CANCELLED = 7  /* by fsrcnn_cancel_request, or a progress callback did not return 0 */
};

/* Code and message of the last call that failed on this thread. The message is valid until the next failure on it. */
FSRCNN_C_API int fsrcnn_last_error_code(void);
FSRCNN_C_API const char* fsrcnn_last_error(void);

/* ---- models and CPUs ------------------------------------------------------------------------------------------- */

/* A built-in model. Only the library makes these; more fields may follow. */
typedef struct fsrcnn_model {
  const char* name;    /* "fsrcnn-x2" */
  const char* purpose; /* what it was trained for, as text */
  int scale;
  int channels; /* input and output planes: 1 (luma) or 3 (RGB) */
  int general;  /* not 0: the default model for its scale */
} fsrcnn_model;

/* The built-in models; the first one is the default. Always valid; NULL if the index is out of range. */
FSRCNN_C_API int fsrcnn_model_count(void);
FSRCNN_C_API const fsrcnn_model* fsrcnn_model_at(int index);

/* Implementations that this machine supports, fastest first; "reference", plain loops, is last. */
FSRCNN_C_API int fsrcnn_cpu_count(void);
FSRCNN_C_API const char* fsrcnn_cpu_at(int index);

/* ---- threads, options, upscalers ------------------------------------------------------------------------------- */

/* Threads shared by several upscalers and operators, which together use no more. threads: 1 to 1024, or 0 for one per
   core. With 1 all work runs on the calling thread. */
typedef struct fsrcnn_executor fsrcnn_executor;
FSRCNN_C_API fsrcnn_executor* fsrcnn_executor_create(int threads);
FSRCNN_C_API void fsrcnn_executor_destroy(fsrcnn_executor* executor);
FSRCNN_C_API int fsrcnn_executor_threads(const fsrcnn_executor* executor);

/* Zero or NULL: the default. */
typedef struct fsrcnn_options {
  const char* cpu; /* one of fsrcnn_cpu_at; NULL or "": $FSRCNN_CPU, or the fastest */
  int threads;     /* 1 to 1024 of its own; 0: the executor's, or the process's, one per core */
  int scale;       /* for weights that do not state it */
  int exact;       /* not 0: direct convolutions only; 0: transforms, within 1e-5 of full scale */
  const fsrcnn_executor* executor; /* requires threads = 0 */
  int extend_edges; /* not 0: outside the picture is its mirror image, as far as the network looks, so that borders look
                       like the rest; for display. 0: the network's own padding alone, as PyTorch computes it */
  float guard;      /* 0 to 1: the share that is taken away of overshoot beside edges, white lines and ghosts: of what
                       each output pixel has beyond the range of the 3x3 input pixels around it, widened by half of that
                       range, at the edge of an even surface by a sixteenth; channel by channel, for display. 0: nothing,
                       as PyTorch computes it */
  uint64_t reserved[5];
} fsrcnn_options;

typedef struct fsrcnn_upscaler fsrcnn_upscaler;

/* model: the name of a built-in model, or a .safetensors file: an FSRCNN with the tensor names of
   yjn870/FSRCNN-pytorch, a related network that its names or shapes determine (SRVGGNetCompact, ECBSR, ESPCN, ...), or
   any network that `fsrcnn convert FILE NAME.safetensors` has written, also from ONNX. The built-in models are for
   luma; a network of 3 channels (R, G, B), fsrcnn_upscaler_channels, comes from a file whose first layer reads and
   whose last layer makes 3. options may be NULL. */
FSRCNN_C_API fsrcnn_upscaler* fsrcnn_upscaler_create(const char* model, const fsrcnn_options* options);
/* The bytes of such a file; they are copied. */
FSRCNN_C_API fsrcnn_upscaler* fsrcnn_upscaler_create_from_memory(const void* weights, size_t bytes,
                                                                 const fsrcnn_options* options);
FSRCNN_C_API void fsrcnn_upscaler_destroy(fsrcnn_upscaler* upscaler);
/* 0 if upscaler is NULL. */
FSRCNN_C_API int fsrcnn_upscaler_scale(const fsrcnn_upscaler* upscaler);
FSRCNN_C_API int fsrcnn_upscaler_threads(const fsrcnn_upscaler* upscaler);
/* Planes of a frame, in and out: 1 (luma) or 3 (R, G, B). */
FSRCNN_C_API int fsrcnn_upscaler_channels(const fsrcnn_upscaler* upscaler);
/* The implementation in use; valid as long as the upscaler. */
FSRCNN_C_API const char* fsrcnn_upscaler_cpu(const fsrcnn_upscaler* upscaler);

/* ---- frames ---------------------------------------------------------------------------------------------------- */

enum { FSRCNN_U8 = 0, FSRCNN_U16 = 1, FSRCNN_F32 = 2 };

/* Samples of one channel of a picture. */
typedef struct fsrcnn_plane {
  void* data;            /* the first sample of the first row, aligned to its type */
  int64_t width, height; /* in samples; at least 1 */
  int64_t stride_bytes;  /* distance between rows, a multiple of the sample's size; its absolute value is at least the
                            bytes of a row, and it is negative for planes stored bottom-up */
  int type;
  float one;      /* the sample value of 1.0, which must be set: from 1 to the type's maximum, e.g. 255, or 1020 for
                     10 bits; for FSRCNN_F32 any from FLT_MIN to FLT_MAX */
  int full_range; /* not 0: full-range luma, as in JPEG: 0 is black and `one` white. 0: BT.601's limited range */
  uint32_t reserved[9];
} fsrcnn_plane;

/* Upscales a luma plane, for networks with one channel. output: scale times the width and height of the input, without
   overlapping it; integers are rounded to nearest. Output pixels whose receptive field contains NaN or infinity are NaN
   (0 as integers). */
FSRCNN_C_API int fsrcnn_upscale(fsrcnn_upscaler* upscaler, const fsrcnn_plane* input, const fsrcnn_plane* output);
/* The same for floats in [0, 1]. */
FSRCNN_C_API int fsrcnn_upscale_f32(fsrcnn_upscaler* upscaler, const float* input, int64_t width, int64_t height,
                                    int64_t input_stride_bytes, float* output, int64_t output_stride_bytes);

/* Receives the share of the frame done, from 0 to 1; it never decreases. Returns 0 to continue, anything else to
   cancel. */
typedef int (*fsrcnn_progress)(void* user, double share);

/* Cancels frames from other threads: frames that were given this handle, running or not yet started, end with
   FSRCNN_ERROR_CANCELLED within a few rows. fsrcnn_cancel_request may be called any number of times. */
typedef struct fsrcnn_cancel fsrcnn_cancel;
FSRCNN_C_API fsrcnn_cancel* fsrcnn_cancel_create(void);
FSRCNN_C_API void fsrcnn_cancel_destroy(fsrcnn_cancel* cancel);
FSRCNN_C_API int fsrcnn_cancel_request(fsrcnn_cancel* cancel);

typedef struct fsrcnn_frame {
  const fsrcnn_plane* input;  /* `channels` planes of the same size, type and level */
  const fsrcnn_plane* output; /* as many planes; they overlap neither the input nor each other */
  int channels;               /* the network's; 0: 1 */
  /* Both or neither: an earlier frame of the same size, type and level. Where both inputs are equal byte for byte, its
     output is copied. previous_output may be the output of this frame: then equal parts are left unchanged. */
  const fsrcnn_plane *previous_input, *previous_output;
  fsrcnn_progress progress; /* may be NULL */
  void* user;               /* for progress */
  const fsrcnn_cancel* cancel; /* may be NULL */
  uint64_t reserved[8];
} fsrcnn_frame;

/* As fsrcnn_upscale, for any number of channels. */
FSRCNN_C_API int fsrcnn_upscale_frame(fsrcnn_upscaler* upscaler, const fsrcnn_frame* frame);

/* ---- rows ------------------------------------------------------------------------------------------------------ */

/* Upscales a picture row by row, from top to bottom, in memory that does not depend on its height. */
typedef struct fsrcnn_rows fsrcnn_rows;

/* width, height: of the LR picture. The formats' type, one and full_range apply to all channels; their other fields are
   ignored. */
typedef struct fsrcnn_rows_options {
  int64_t width, height;
  int channels; /* the network's; 0: 1 */
  fsrcnn_plane input_format, output_format;
  /* Called with the next rows of the output, one plane per channel, which are valid only during the call. Returns 0 to
     continue. After anything else this and every later fsrcnn_rows_push fail with FSRCNN_ERROR_IO, so that rows are
     never lost unnoticed. NULL: use fsrcnn_rows_push_into. */
  int (*sink)(void* user, const fsrcnn_plane* rows);
  void* user;
  uint64_t reserved[8];
} fsrcnn_rows_options;
FSRCNN_C_API fsrcnn_rows* fsrcnn_rows_open(fsrcnn_upscaler* upscaler, const fsrcnn_rows_options* options);

/* The same for one channel, with a sink that cannot fail. */
typedef void (*fsrcnn_sink)(void* user, const fsrcnn_plane* rows);
FSRCNN_C_API fsrcnn_rows* fsrcnn_rows_create(fsrcnn_upscaler* upscaler, int64_t width, int64_t height,
                                             const fsrcnn_plane* input_format, const fsrcnn_plane* output_format,
                                             fsrcnn_sink sink, void* user);
FSRCNN_C_API void fsrcnn_rows_destroy(fsrcnn_rows* rows);

/* Pushes the next rows, one plane per channel, with the picture's width and input type (`one` and full_range are taken
   from the format). The picture's last row completes the output. Rows that do not match are refused, and correct ones
   can follow; after any other failure every later push fails. */
FSRCNN_C_API int fsrcnn_rows_push(fsrcnn_rows* rows, const fsrcnn_plane* next);
/* The same for rows that were opened without a sink (others are refused): writes the completed rows to `output`, one
   plane per channel, which must have exactly fsrcnn_rows_completed_by(rows, next->height) rows. If that is 0, output is
   ignored and may be NULL. */
FSRCNN_C_API int fsrcnn_rows_push_into(fsrcnn_rows* rows, const fsrcnn_plane* next, const fsrcnn_plane* output);
/* How many output rows a push of `count` rows completes; -1 on failure. */
FSRCNN_C_API int64_t fsrcnn_rows_completed_by(const fsrcnn_rows* rows, int64_t count);

/* ---- operators ------------------------------------------------------------------------------------------------- */

/* torch.nn.ConvTranspose2d with its weights packed once. Pairs are (vertical, horizontal). PyTorch's defaults are
   stride 1, padding 0, output_padding 0, dilation 1 and groups 1; stride, dilation and groups of 0 are refused.
   output_padding is smaller than stride or dilation. */
typedef struct fsrcnn_conv_transpose2d_params {
  int64_t stride[2], padding[2], output_padding[2], dilation[2], groups;
  uint64_t reserved[4];
} fsrcnn_conv_transpose2d_params;
typedef struct fsrcnn_conv_transpose2d fsrcnn_conv_transpose2d;

/* weight_shape: (in, out/groups, kh, kw); bias: one value per output channel, or NULL. Only the options cpu, threads
   and executor apply. */
FSRCNN_C_API fsrcnn_conv_transpose2d* fsrcnn_conv_transpose2d_create(const float* weight, const int64_t weight_shape[4],
                                                                     const float* bias,
                                                                     const fsrcnn_conv_transpose2d_params* params,
                                                                     const fsrcnn_options* options);
FSRCNN_C_API void fsrcnn_conv_transpose2d_destroy(fsrcnn_conv_transpose2d* op);
/* output_shape: memory for four numbers. */
FSRCNN_C_API int fsrcnn_conv_transpose2d_output_shape(const fsrcnn_conv_transpose2d* op, const int64_t input_shape[4],
                                                      int64_t output_shape[4]);
FSRCNN_C_API int fsrcnn_conv_transpose2d_run_f32(fsrcnn_conv_transpose2d* op, const float* input,
                                                 const int64_t input_shape[4], float* output);

#ifdef __cplusplus
}
#endif

#endif
