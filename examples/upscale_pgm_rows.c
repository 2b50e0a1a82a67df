/* upscale_pgm_rows IN.pgm OUT.pgm: the same as upscale_pgm with the C interface, and row by row, so that a picture of
   any height fits into memory. */

#include <stdio.h>
#include <stdlib.h>

#include <fsrcnn/fsrcnn.h>

/* Not 0 if a row could not be written: then fsrcnn_rows_push fails. */
static int write_rows(void* user, const fsrcnn_plane* rows) {
  const size_t width = (size_t)rows->width;
  for (int64_t y = 0; y < rows->height; ++y) {
    if (fwrite((const char*)rows->data + y * rows->stride_bytes, 1, width, (FILE*)user) != width) return 1;
  }
  return 0;
}

static int run(FILE* in, FILE* out, fsrcnn_upscaler* upscaler) {
  long width = 0, height = 0;
  if (fscanf(in, "P5 %ld %ld 255", &width, &height) != 2 || fgetc(in) == EOF || width < 1 || height < 1 ||
      width > 65536 || height > 10000000) {
    fprintf(stderr, "upscale_pgm_rows: the input is no PGM file of 8 bits (P5, 255)\n");
    return FSRCNN_ERROR_INPUT;
  }
  const int scale = fsrcnn_upscaler_scale(upscaler);
  fprintf(out, "P5\n%ld %ld\n255\n", scale * width, scale * height);

  const fsrcnn_plane format = {.type = FSRCNN_U8, .one = 255};
  const fsrcnn_rows_options options = {.width = width, .height = height, .input_format = format,
                                       .output_format = format, .sink = write_rows, .user = out};
  fsrcnn_rows* rows = fsrcnn_rows_open(upscaler, &options);
  unsigned char* row = malloc((size_t)width);
  int result = row == NULL ? FSRCNN_ERROR_OTHER : FSRCNN_OK;
  if (rows == NULL) {
    result = fsrcnn_last_error_code();
    fprintf(stderr, "upscale_pgm_rows: %s\n", fsrcnn_last_error());
  }
  for (long y = 0; y < height && result == FSRCNN_OK; ++y) {
    if (fread(row, 1, (size_t)width, in) != (size_t)width) {
      fprintf(stderr, "upscale_pgm_rows: the input ends after %ld of %ld rows\n", y, height);
      result = FSRCNN_ERROR_INPUT;
      break;
    }
    const fsrcnn_plane next = {.data = row, .width = width, .height = 1, .stride_bytes = width, .type = FSRCNN_U8};
    result = fsrcnn_rows_push(rows, &next);
    if (result != FSRCNN_OK) fprintf(stderr, "upscale_pgm_rows: %s\n", fsrcnn_last_error());
  }
  free(row);
  fsrcnn_rows_destroy(rows);
  return result;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: upscale_pgm_rows IN.pgm OUT.pgm\n");
    return FSRCNN_ERROR_USAGE;
  }
  fsrcnn_upscaler* upscaler = fsrcnn_upscaler_create("fsrcnn-x2", NULL);
  if (upscaler == NULL) {
    fprintf(stderr, "upscale_pgm_rows: %s\n", fsrcnn_last_error());
    return fsrcnn_last_error_code();
  }
  FILE* in = fopen(argv[1], "rb");
  FILE* out = in == NULL ? NULL : fopen(argv[2], "wb");
  int result = FSRCNN_ERROR_IO;
  if (out == NULL) {
    fprintf(stderr, "upscale_pgm_rows: %s cannot be opened\n", in == NULL ? argv[1] : argv[2]);
  } else {
    result = run(in, out, upscaler);
    if (fclose(out) != 0 && result == FSRCNN_OK) result = FSRCNN_ERROR_IO;
  }
  if (in != NULL) fclose(in);
  fsrcnn_upscaler_destroy(upscaler);
  return result;
}
