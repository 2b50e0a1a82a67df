/* Preloaded into a program, it makes the decoder of JPEG 2000 die as FSRCNN_DECODER_DIES says: by "abort", by taking all
   "memory", or by a "wait" without an end. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void die(void) {
  const char *const how = getenv("FSRCNN_DECODER_DIES");
  if (how == NULL || strcmp(how, "abort") == 0) abort();
  while (strcmp(how, "wait") == 0) pause();
  /* Addresses alone; where nothing limits them, there are some TB. */
  for (int i = 0; i < 4096; ++i) {
    if (malloc((size_t)1 << 30) == NULL) abort();
  }
}

/* libopenjp2's: one of these decodes the samples, depending on libvips' version and on tiles. */
int opj_decode(void *codec, void *stream, void *image) {
  (void)codec, (void)stream, (void)image;
  die();
  return 0;
}
int opj_get_decoded_tile(void *codec, void *stream, void *image, uint32_t tile) {
  (void)codec, (void)stream, (void)image, (void)tile;
  die();
  return 0;
}
