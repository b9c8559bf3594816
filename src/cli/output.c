/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as people read them: three digits and a unit. */
#include "cli/output.h"

#include "base/text.h"

static const char *scaled_text(struct arena *arena, double value,
                               const char *plain, const char *suffix) {
  static const char *const prefixes[] = {"", "k", "M", "G", "T", "P", "E"};
  size_t prefix = 0;
  while (value >= 999.5 && prefix + 1 < ARRAY_COUNT(prefixes)) {
    value /= 1000;
    prefix++;
  }
  if (prefix == 0)
    return arena_printf(arena, "%.0f%s", value, plain);
  return arena_printf(arena, "%.*f %s%s",
                      value < 9.995   ? 2
                      : value < 99.95 ? 1
                                      : 0,
                      value, prefixes[prefix], suffix);
}

const char *bytes_text(struct arena *arena, uint64_t bytes) {
  return scaled_text(arena, (double)bytes, bytes == 1 ? " byte" : " bytes",
                     "B");
}

const char *count_text(struct arena *arena, double count) {
  return scaled_text(arena, count, "", "");
}

const char *tensor_text(struct arena *arena,
                        const struct adze_tensor_info *info) {
  struct text text = {.arena = arena};
  text_format(&text, "%s[", adze_dtype_name(info->dtype));
  for (int i = 0; i < info->rank; i++) {
    text_add(&text, i ? "," : "");
    if (info->dims[i] >= 0)
      text_format(&text, "%lld", (long long)info->dims[i]);
    else
      text_add(&text, info->dim_names[i] ? info->dim_names[i] : "?");
  }
  text_add(&text, "]");
  return text_string(&text);
}
