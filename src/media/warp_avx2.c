/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of warping a box with AVX2: eight bytes, and eight pixels, at once.
 * Operations and their order are those of warp_plain.c, and none is fused. */
#include "media/warp.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

AVX2 static inline __m256 floats_of(const uint8_t *bytes) {
  __m128i eight = _mm_loadl_epi64((const __m128i *)(const void *)bytes);
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(eight));
}

AVX2 static void mix(const uint8_t *restrict upper,
                     const uint8_t *restrict lower, float upper_share,
                     float lower_share, size_t count, float *restrict out) {
  __m256 above = _mm256_set1_ps(upper_share);
  __m256 below = _mm256_set1_ps(lower_share);
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    __m256 first = _mm256_mul_ps(above, floats_of(upper + i));
    __m256 second = _mm256_mul_ps(below, floats_of(lower + i));
    _mm256_storeu_ps(out + i, _mm256_add_ps(first, second));
  }
  for (; i < count; i++)
    out[i] = upper_share * (float)upper[i] + lower_share * (float)lower[i];
}

/* Two pixels, four columns apart: red, green, blue and something. */
AVX2 static inline __m256 pixels_of(const float *mixed,
                                    const struct warp_column *columns) {
  const float *near = mixed + columns[0].first;
  const float *far = mixed + columns[4].first;
  __m256 left = _mm256_loadu2_m128(far, near);
  __m256 right = _mm256_loadu2_m128(far + 3, near + 3);
  __m256 share = _mm256_set_m128(_mm_broadcast_ss(&columns[4].share),
                                 _mm_broadcast_ss(&columns[0].share));
  return _mm256_add_ps(left, _mm256_mul_ps(_mm256_sub_ps(right, left), share));
}

AVX2 static inline void store_plane(const struct warp_row *row, int channel,
                                    __m256 values, float *out) {
  values = _mm256_sub_ps(values, _mm256_set1_ps(row->mean[channel]));
  values = _mm256_mul_ps(values, _mm256_set1_ps(row->scale[channel]));
  _mm256_storeu_ps(out + row->strides[channel], values);
}

AVX2 static void spread(const struct warp_row *shared, int x, float *out) {
  const struct warp_row copy = *shared, *row = &copy; /* no store changes it */
  if (row->column_stride == 1)
    for (; x + 8 <= row->width; x += 8) {
      const struct warp_column *columns = row->columns + x;
      __m256 p = pixels_of(row->mixed, columns);
      __m256 q = pixels_of(row->mixed, columns + 1);
      __m256 r = pixels_of(row->mixed, columns + 2);
      __m256 s = pixels_of(row->mixed, columns + 3);
      __m256 a = _mm256_unpacklo_ps(p, q), b = _mm256_unpacklo_ps(r, s);
      __m256 c = _mm256_unpackhi_ps(p, q), d = _mm256_unpackhi_ps(r, s);
      store_plane(row, 0, _mm256_shuffle_ps(a, b, 0x44), out + x);
      store_plane(row, 1, _mm256_shuffle_ps(a, b, 0xee), out + x);
      store_plane(row, 2, _mm256_shuffle_ps(c, d, 0x44), out + x);
    }
  warp_steps_plain.spread(row, x, out);
}

const struct warp_steps *warp_steps_avx2(void) {
  static const struct warp_steps steps = {mix, spread};
  return __builtin_cpu_supports("avx2") ? &steps : NULL;
}

#else

const struct warp_steps *warp_steps_avx2(void) { return NULL; }

#endif
