/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows in an arena. The old copies stay behind until the arena is
 * reset; as capacity doubles, they add up to less than the text itself. */
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* Room for `more` bytes and a NUL. */
static void reserve(struct text *text, size_t more) {
  size_t needed;
  if (!size_add(text->size, more, &needed) || !size_add(needed, 1, &needed))
    guard_out_of_memory();
  if (needed <= text->capacity)
    return;
  size_t capacity = text->capacity ? text->capacity : 64;
  while (capacity < needed)
    if (!size_mul(capacity, 2, &capacity))
      guard_out_of_memory();
  char *data = arena_alloc(text->arena, capacity);
  if (text->size)
    memcpy(data, text->data, text->size);
  text->data = data;
  text->capacity = capacity;
}

void text_add_n(struct text *text, const char *data, size_t size) {
  reserve(text, size);
  if (size)
    memcpy(text->data + text->size, data, size);
  text->size += size;
  text->data[text->size] = '\0';
}

void text_add(struct text *text, const char *string) {
  text_add_n(text, string, strlen(string));
}

void text_format(struct text *text, const char *format, ...) {
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  reserve(text, 64);
  size_t room = text->capacity - text->size;
  int size = vsnprintf(text->data + text->size, room, format, arguments);
  va_end(arguments);
  if (size < 0) {
    va_end(again);
    guard_out_of_memory();
  }
  if ((size_t)size >= room) {
    reserve(text, (size_t)size);
    vsnprintf(text->data + text->size, (size_t)size + 1, format, again);
  }
  va_end(again);
  text->size += (size_t)size;
}

const char *text_string(const struct text *text) {
  return text->data ? text->data : "";
}
