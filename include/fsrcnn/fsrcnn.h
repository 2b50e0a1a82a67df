#ifndef FSRCNN_FSRCNN_H
#define FSRCNN_FSRCNN_H

/* The C functions of the library; fsrcnn.hpp has their meaning in full. Nothing here prints, exits or throws. */

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FSRCNN_C_API __attribute__((visibility("default")))

/* Results. fsrcnn_last_error() tells more. */
enum {
  FSRCNN_OK = 0,
  FSRCNN_ERROR_OTHER = 1, /* out of memory */
  FSRCNN_ERROR_USAGE = 2,
  FSRCNN_ERROR_INPUT = 3,
  FSRCNN_ERROR_MODEL = 4,
  FSRCNN_ERROR_IO = 5,
  FSRCNN_ERROR_LIMIT = 6
};

/* What the last function that failed on this thread has to say; valid until the next one fails. */
FSRCNN_C_API const char* fsrcnn_last_error(void);

/* All zero or null: chosen by the library. */
typedef struct fsrcnn_options {
  const char* cpu; /* "avx512", "avx2", "sse4", "neon", "scalar" or "reference" */
  int threads;
  int scale; /* for weights that do not tell it */
  int exact; /* not 0: direct convolutions only */
} fsrcnn_options;

enum { FSRCNN_U8 = 0, FSRCNN_U16 = 1, FSRCNN_F32 = 2 };

/* Samples in rows stride_bytes apart. one: the sample that stands for 1.0, e.g. 255; full_range, if not 0: that stands
   for white, with 0 for black, instead of BT.601's limited range. */
typedef struct fsrcnn_plane {
  void* data;
  int64_t width, height, stride_bytes;
  int type;
  float one;
  int full_range;
} fsrcnn_plane;

typedef struct fsrcnn_upscaler fsrcnn_upscaler;

/* model: "fsrcnn-x2" or a .safetensors file. Null on failure. */
FSRCNN_C_API fsrcnn_upscaler* fsrcnn_upscaler_create(const char* model, const fsrcnn_options* options);
FSRCNN_C_API void fsrcnn_upscaler_destroy(fsrcnn_upscaler* upscaler);
FSRCNN_C_API int fsrcnn_upscaler_scale(const fsrcnn_upscaler* upscaler);
/* The instruction set that runs; valid as long as the upscaler. */
FSRCNN_C_API const char* fsrcnn_upscaler_cpu(const fsrcnn_upscaler* upscaler);

/* A luma plane to one of scale times its width and height. */
FSRCNN_C_API int fsrcnn_upscale(fsrcnn_upscaler* upscaler, const fsrcnn_plane* input, const fsrcnn_plane* output);
/* The same for floats in [0, 1]. */
FSRCNN_C_API int fsrcnn_upscale_f32(fsrcnn_upscaler* upscaler, const float* input, int64_t width, int64_t height,
                                    int64_t input_stride_bytes, float* output, int64_t output_stride_bytes);

/* A picture row by row. sink is called with the next rows of the output, which are gone after the call. */
typedef struct fsrcnn_rows fsrcnn_rows;
typedef void (*fsrcnn_sink)(void* user, const fsrcnn_plane* rows);

/* width, height: of the LR picture. Of the formats type, one and full_range count. The upscaler must outlive the rows. */
FSRCNN_C_API fsrcnn_rows* fsrcnn_rows_create(fsrcnn_upscaler* upscaler, int64_t width, int64_t height,
                                             const fsrcnn_plane* input_format, const fsrcnn_plane* output_format,
                                             fsrcnn_sink sink, void* user);
FSRCNN_C_API void fsrcnn_rows_destroy(fsrcnn_rows* rows);
FSRCNN_C_API int fsrcnn_rows_push(fsrcnn_rows* rows, const fsrcnn_plane* next);

/* torch.nn.ConvTranspose2d with its weights packed once. Pairs are (vertical, horizontal). */
typedef struct fsrcnn_conv_transpose2d_params {
  int64_t stride[2], padding[2], output_padding[2], dilation[2], groups;
} fsrcnn_conv_transpose2d_params;
typedef struct fsrcnn_conv_transpose2d fsrcnn_conv_transpose2d;

/* weight_shape: (in, out/groups, kh, kw); bias: one value for each output channel, or null. Null on failure. */
FSRCNN_C_API fsrcnn_conv_transpose2d* fsrcnn_conv_transpose2d_create(const float* weight, const int64_t weight_shape[4],
                                                                     const float* bias,
                                                                     const fsrcnn_conv_transpose2d_params* params,
                                                                     const fsrcnn_options* options);
FSRCNN_C_API void fsrcnn_conv_transpose2d_destroy(fsrcnn_conv_transpose2d* op);
/* output_shape: room for four numbers. */
FSRCNN_C_API int fsrcnn_conv_transpose2d_output_shape(const fsrcnn_conv_transpose2d* op, const int64_t input_shape[4],
                                                      int64_t output_shape[4]);
FSRCNN_C_API int fsrcnn_conv_transpose2d_run_f32(fsrcnn_conv_transpose2d* op, const float* input,
                                                 const int64_t input_shape[4], float* output);

#ifdef __cplusplus
}
#endif

#endif
