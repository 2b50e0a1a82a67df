/* The forms in which programs were written against the first headers: they must compile and run as they are. */

#include <string.h>

#include <fsrcnn/fsrcnn.h>

static void count_rows(void* user, const fsrcnn_plane* rows) { *(int64_t*)user += rows->height; }

/* What went wrong; "" if nothing did. */
const char* old_source_runs(void) {
  fsrcnn_options o = {0, 2, 0, 0};
  fsrcnn_upscaler* u = fsrcnn_upscaler_create("fsrcnn-x2", &o);
  if (u == NULL) return fsrcnn_last_error();
  unsigned char in[32 * 32], out[64 * 64];
  memset(in, 128, sizeof in);
  memset(out, 7, sizeof out);
  fsrcnn_plane pi = {in, 32, 32, 32, FSRCNN_U8, 255, 0}, po = {out, 64, 64, 64, FSRCNN_U8, 255, 0};
  if (fsrcnn_upscale(u, &pi, &po) != FSRCNN_OK) return fsrcnn_last_error();
  if (out[64 * 32 + 32] < 127 || out[64 * 32 + 32] > 129) return "gray does not stay gray";

  const fsrcnn_plane format = {.type = FSRCNN_U8, .one = 255};
  int64_t rows_out = 0;
  fsrcnn_rows* rows = fsrcnn_rows_create(u, 32, 32, &format, &format, count_rows, &rows_out);
  if (rows == NULL) return fsrcnn_last_error();
  for (int y = 0; y < 32; ++y) {
    const fsrcnn_plane next = {in + 32 * y, 32, 1, 32, FSRCNN_U8, 255};
    if (fsrcnn_rows_push(rows, &next) != FSRCNN_OK) return fsrcnn_last_error();
  }
  fsrcnn_rows_destroy(rows);
  if (rows_out != 64) return "there are not 64 rows";

  float w[4] = {1, 1, 1, 1}, b[1] = {0}, x[1] = {3}, y[4] = {0};
  int64_t ws[4] = {1, 1, 2, 2}, xs[4] = {1, 1, 1, 1};
  fsrcnn_conv_transpose2d_params p = {{2, 2}, {0, 0}, {0, 0}, {1, 1}, 1};
  fsrcnn_conv_transpose2d* op = fsrcnn_conv_transpose2d_create(w, ws, b, &p, &o);
  if (op == NULL || fsrcnn_conv_transpose2d_run_f32(op, x, xs, y) != FSRCNN_OK) return fsrcnn_last_error();
  fsrcnn_conv_transpose2d_destroy(op);
  if (y[0] != 3 || y[3] != 3) return "the operator's result is wrong";
  fsrcnn_upscaler_destroy(u);
  return "";
}
