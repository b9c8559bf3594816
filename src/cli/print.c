/* SPDX-License-Identifier: Apache-2.0 */
/* Results in a few lines. Values are printed with the digits that their type
 * holds and no more. */
#include "cli/print.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

void print_summary(struct arena *arena, const struct array *array) {
  size_t count = array_count(array), bad = 0;
  double low = INFINITY, high = -INFINITY, sum = 0;
  for (size_t i = 0; i < count; i++) {
    double value = array_get(array, i);
    if (isnan(value)) {
      bad++;
      continue;
    }
    low = fmin(low, value);
    high = fmax(high, value);
    sum += value;
  }
  printf("%s %s", array->name,
         array_type_text(arena, array->dtype, array->rank, array->dims));
  if (count > bad)
    printf("  min %.6g  mean %.6g  max %.6g", low, sum / (double)(count - bad),
           high);
  if (bad)
    printf("  NaN %zu of %zu", bad, count);
  putchar('\n');
}

/* A value and where it stands; sorted by falling value, then by place. NaNs
 * come last. */
struct ranked {
  double value;
  size_t index;
};

static int larger_first(const void *a, const void *b) {
  const struct ranked *left = a, *right = b;
  int nan = isnan(left->value) - isnan(right->value);
  if (nan)
    return nan;
  if (left->value < right->value || left->value > right->value)
    return left->value < right->value ? 1 : -1;
  return (left->index > right->index) - (left->index < right->index);
}

/* Where each line of a text starts and ends. */
struct label {
  const char *start;
  size_t size;
};

struct labels {
  struct label *items;
  size_t count;
};

static void split_lines(struct arena *arena, const struct file_map *map,
                        struct labels *out) {
  VEC(struct label) lines = {0};
  char *text =
      arena_copy(arena, map->size ? (const void *)map->data : "", map->size);
  for (const char *at = text, *end = text + map->size; at < end;) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    const char *stop = newline ? newline : end;
    size_t size = (size_t)(stop - at);
    while (size && (at[size - 1] == '\r' || at[size - 1] == ' '))
      size--;
    vec_push(arena, &lines, ((struct label){at, size}));
    at = stop + 1;
  }
  *out = (struct labels){lines.data, lines.count};
}

static void unmap(void *map) { file_map_close(map); }

static enum adze_status read_labels(struct arena *arena, const char *path,
                                    struct labels *out,
                                    struct adze_error *error) {
  struct file_map *map = ARENA_NEW(arena, struct file_map);
  TRY(file_map_open(path, map, error));
  arena_defer(arena, unmap, map);
  split_lines(arena, map, out);
  return ADZE_OK;
}

enum adze_status print_top(struct arena *arena, const struct array *array,
                           size_t top, const char *labels,
                           struct adze_error *error) {
  struct labels names = {0};
  size_t count = array_count(array);
  struct ranked *ranked = ARENA_ARRAY(arena, struct ranked, count);
  if (labels)
    TRY(read_labels(arena, labels, &names, error));
  for (size_t i = 0; i < count; i++)
    ranked[i] = (struct ranked){array_get(array, i), i};
  qsort(ranked, count, sizeof *ranked, larger_first);
  for (size_t i = 0; i < count && i < top; i++) {
    printf("%12.6g  %6zu", ranked[i].value, ranked[i].index);
    if (ranked[i].index < names.count)
      printf("  %.*s", (int)names.items[ranked[i].index].size,
             names.items[ranked[i].index].start);
    putchar('\n');
  }
  return ADZE_OK;
}

/* `text` in the middle of 12 columns. */
static void print_centred(const char *text) {
  int size = (int)strlen(text), left = size < 12 ? (12 - size) / 2 : 0;
  int right = size < 12 ? 12 - size - left : 0;
  printf("%*s%s%*s ", left, "", text, right, "");
}

void print_time_table(const struct statistics *ms) {
  static const char *const names[] = {"mean (ms)", "median (ms)", "max (ms)",
                                      "min (ms)", "std (ms)"};
  const double values[] = {ms->mean, ms->median, ms->max, ms->min, ms->std};
  puts("Execution time summary:");
  for (size_t i = 0; i < 5; i++)
    print_centred(names[i]);
  putchar('\n');
  for (size_t i = 0; i < 5; i++) {
    char value[40];
    snprintf(value, sizeof value, "%.4f", values[i]);
    print_centred(value);
  }
  putchar('\n');
}
