/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed pictures to RGB, through FFmpeg's decoders.
 *
 * The decoder is chosen by the first bytes of the file, never by its name, and
 * gets the whole file as one packet; no demuxer is needed. The decoders are
 * told to stop at the first error, because by default they hide damage as a
 * video player should and a measuring program should not. Sizes are bounded
 * before the decoder allocates. What the decoders print is silenced by an
 * offset on their context, not by av_log_set_level, which belongs to the
 * program that we are part of.
 *
 * JPEG stores chroma at half resolution, centred between the luma samples and
 * in full range; swscale is told both, so that colours equal libjpeg's to
 * within rounding. Its bicubic filter is asked for, because with the bilinear
 * one it takes a short cut that is wrong by up to half a pixel vertically.
 */
#include <limits.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include "adze/image.h"
#include "base/lazy.h"
#include "media/orientation.h"
#include "media/probe.h"

extern struct lazy_library lazy_ffmpeg;

/* Lifts every level (at most 56) above any that a program asks for, and stays
 * below 256, since the levels' upper bits mean colours. */
#define SILENT_OFFSET 128

struct format_row {
  const char *name;
  enum AVCodecID codec;
  size_t magic_size;
  const char *magic;
  probe_function *probe;
};

static const struct format_row formats[] = {
    {"JPEG", AV_CODEC_ID_MJPEG, 3, "\xff\xd8\xff", probe_jpeg},
    {"PNG", AV_CODEC_ID_PNG, 8, "\x89PNG\r\n\x1a\n", probe_png},
    {"BMP", AV_CODEC_ID_BMP, 2, "BM", probe_bmp},
};

static const struct format_row *find_format(const uint8_t *data, size_t size) {
  for (size_t i = 0; i < ARRAY_COUNT(formats); i++)
    if (size >= formats[i].magic_size &&
        memcmp(data, formats[i].magic, formats[i].magic_size) == 0)
      return &formats[i];
  return NULL;
}

/* What a decoding holds; released in one place. */
struct decoding {
  const char *name;
  const struct format_row *format;
  AVCodecContext *context;
  AVPacket *packet;
  AVFrame *frame;
  struct SwsContext *scaler;
};

static void decoding_release(struct decoding *decoding) {
  sws_freeContext(decoding->scaler);
  av_frame_free(&decoding->frame);
  av_packet_free(&decoding->packet);
  avcodec_free_context(&decoding->context);
}

static enum adze_status out_of_memory(const struct decoding *decoding,
                                      struct adze_error *error) {
  return fail(error, ADZE_OUT_OF_MEMORY, "%s: no memory to decode this %s",
              decoding->name, decoding->format->name);
}

static enum adze_status damaged(const struct decoding *decoding,
                                struct adze_error *error) {
  return fail(error, ADZE_INVALID_DATA,
              "%s: this %s is damaged or was cut short", decoding->name,
              decoding->format->name);
}

static enum adze_status check_size(const struct decoding *decoding,
                                   const void *data, size_t size,
                                   struct adze_error *error) {
  struct probe probe;
  if (!decoding->format->probe(data, size, &probe) || probe.width <= 0 ||
      probe.height <= 0)
    return damaged(decoding, error);
  if (size > INT_MAX / 2)
    return fail(error, ADZE_LIMIT, "%s: a picture file of %zu bytes is too big",
                decoding->name, size);
  if (probe.width > ADZE_IMAGE_MAX_SIDE || probe.height > ADZE_IMAGE_MAX_SIDE ||
      probe.width * probe.height > ADZE_IMAGE_MAX_PIXELS)
    return fail(error, ADZE_LIMIT,
                "%s: %lld x %lld pixels exceed the limit of %d a side and %lld "
                "in all",
                decoding->name, (long long)probe.width, (long long)probe.height,
                ADZE_IMAGE_MAX_SIDE, (long long)ADZE_IMAGE_MAX_PIXELS);
  return ADZE_OK;
}

static enum adze_status open_decoder(struct decoding *decoding,
                                     struct adze_error *error) {
  const AVCodec *codec = avcodec_find_decoder(decoding->format->codec);
  if (!codec)
    return fail(error, ADZE_UNAVAILABLE,
                "%s: this machine's FFmpeg has no decoder for %s",
                decoding->name, decoding->format->name);
  AVCodecContext *context = avcodec_alloc_context3(codec);
  if (!context)
    return out_of_memory(decoding, error);
  decoding->context = context;
  context->log_level_offset = SILENT_OFFSET;
  context->thread_count = 1;
  context->max_pixels = ADZE_IMAGE_MAX_PIXELS;
  context->err_recognition = AV_EF_EXPLODE | AV_EF_CRCCHECK | AV_EF_BITSTREAM |
                             AV_EF_BUFFER | AV_EF_CAREFUL;
  if (avcodec_open2(context, codec, NULL) < 0)
    return out_of_memory(decoding, error);
  return ADZE_OK;
}

static enum adze_status read_frame(struct decoding *decoding, const void *data,
                                   size_t size, struct adze_error *error) {
  decoding->packet = av_packet_alloc();
  decoding->frame = av_frame_alloc();
  if (!decoding->packet || !decoding->frame ||
      av_new_packet(decoding->packet, (int)size) < 0)
    return out_of_memory(decoding, error);
  memcpy(decoding->packet->data, data, size);
  int result = avcodec_send_packet(decoding->context, decoding->packet);
  if (result >= 0)
    result = avcodec_receive_frame(decoding->context, decoding->frame);
  if (result == AVERROR(EAGAIN)) {
    result = avcodec_send_packet(decoding->context, NULL);
    if (result >= 0)
      result = avcodec_receive_frame(decoding->context, decoding->frame);
  }
  if (result == AVERROR(ENOMEM))
    return out_of_memory(decoding, error);
  const AVFrame *frame = decoding->frame;
  if (result < 0 || frame->width <= 0 || frame->height <= 0 ||
      frame->decode_error_flags || (frame->flags & AV_FRAME_FLAG_CORRUPT))
    return damaged(decoding, error);
  return ADZE_OK;
}

/* swscale's name of a layout without JPEG's range in it, which is deprecated
 * there and passed beside it. */
static enum AVPixelFormat plain_format(enum AVPixelFormat format) {
  if (format == AV_PIX_FMT_YUVJ420P)
    return AV_PIX_FMT_YUV420P;
  if (format == AV_PIX_FMT_YUVJ422P)
    return AV_PIX_FMT_YUV422P;
  if (format == AV_PIX_FMT_YUVJ444P)
    return AV_PIX_FMT_YUV444P;
  if (format == AV_PIX_FMT_YUVJ440P)
    return AV_PIX_FMT_YUV440P;
  if (format == AV_PIX_FMT_YUVJ411P)
    return AV_PIX_FMT_YUV411P;
  return format;
}

/* Where the first chroma sample lies between the luma samples, in swscale's
 * 256ths: in the middle of the 1, 2 or 4 that it belongs to. */
static int chroma_position(int shift) { return 128 * ((1 << shift) - 1); }

static enum adze_status open_scaler(struct decoding *decoding,
                                    struct adze_error *error) {
  const AVFrame *frame = decoding->frame;
  enum AVPixelFormat format = plain_format(frame->format);
  const AVPixFmtDescriptor *layout = av_pix_fmt_desc_get(format);
  if (!layout || !sws_isSupportedInput(format))
    return fail(error, ADZE_UNSUPPORTED,
                "%s: the pixel layout of this %s is not supported",
                decoding->name, decoding->format->name);
  struct SwsContext *scaler = sws_alloc_context();
  if (!scaler)
    return out_of_memory(decoding, error);
  decoding->scaler = scaler;
  const struct {
    const char *name;
    int value;
  } options[] = {
      {"srcw", frame->width},
      {"srch", frame->height},
      {"src_format", format},
      {"dstw", frame->width},
      {"dsth", frame->height},
      {"dst_format", AV_PIX_FMT_RGB24},
      {"sws_flags", SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT |
                        SWS_FULL_CHR_H_INP},
      {"src_h_chr_pos", chroma_position(layout->log2_chroma_w)},
      {"src_v_chr_pos", chroma_position(layout->log2_chroma_h)},
  };
  for (size_t i = 0; i < ARRAY_COUNT(options); i++)
    check(av_opt_set_int(scaler, options[i].name, options[i].value, 0) >= 0);
  const int *coefficients = sws_getCoefficients(SWS_CS_ITU601);
  if (sws_init_context(scaler, NULL, NULL) < 0)
    return out_of_memory(decoding, error);
  /* Full range on both sides. Fails, and is not needed, when there is no YUV in
   * the picture. */
  (void)sws_setColorspaceDetails(scaler, coefficients, 1, coefficients, 1, 0,
                                 1 << 16, 1 << 16);
  return ADZE_OK;
}

static enum adze_status convert(struct decoding *decoding,
                                struct adze_image *out,
                                struct adze_error *error) {
  const AVFrame *frame = decoding->frame;
  TRY(open_scaler(decoding, error));
  struct adze_image image;
  if (adze_image_create(frame->width, frame->height, &image, error) != ADZE_OK)
    return fail_prefix(error, decoding->name);
  uint8_t *planes[4] = {image.pixels};
  int strides[4] = {(int)image.stride};
  int rows = sws_scale(decoding->scaler, (const uint8_t *const *)frame->data,
                       frame->linesize, 0, frame->height, planes, strides);
  if (rows != frame->height) {
    adze_image_release(&image);
    return damaged(decoding, error);
  }
  *out = image;
  return ADZE_OK;
}

static enum adze_status decode(struct decoding *decoding, const void *data,
                               size_t size, struct adze_image *out,
                               struct adze_error *error) {
  TRY(check_size(decoding, data, size, error));
  TRY(open_decoder(decoding, error));
  TRY(read_frame(decoding, data, size, error));
  struct adze_image image;
  TRY(convert(decoding, &image, error));
  if (decoding->format->codec == AV_CODEC_ID_MJPEG) {
    enum adze_status status =
        orientation_apply(orientation_of_jpeg(data, size), &image, error);
    if (status != ADZE_OK) {
      adze_image_release(&image);
      return fail_prefix(error, decoding->name);
    }
  }
  *out = image;
  return ADZE_OK;
}

enum adze_status adze_image_decode(const void *data, size_t size,
                                   const char *name, struct adze_image *out,
                                   struct adze_error *error) {
  struct decoding decoding = {.name = name, .format = find_format(data, size)};
  if (!decoding.format)
    return fail(error, ADZE_UNSUPPORTED,
                "%s: not a picture in a format that is supported (JPEG, PNG, "
                "BMP)",
                name);
  TRY(lazy_library_open(&lazy_ffmpeg, error));
  enum adze_status status = decode(&decoding, data, size, out, error);
  decoding_release(&decoding);
  return status;
}
