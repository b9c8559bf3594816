/* SPDX-License-Identifier: Apache-2.0 */
/* Equal kernels are found before they are scheduled: the stages are written
 * out with variables and buffers numbered by their first appearance, so names
 * do not matter. A network of 325 convolutions has some 40 different ones. */
#include <inttypes.h>
#include <string.h>

#include "driver/compilation.h"

struct key {
  struct text text;
  struct map numbers;  /* object address to number + 1 */
  struct map exprs;    /* expr id + 1 to number + 1 */
  uint64_t next_number, next_expr;
};

static uint64_t number_of(struct key *key, const void *object) {
  uint64_t address = (uint64_t)(uintptr_t)object;
  uint64_t known =
      (uint64_t)(uintptr_t)map_get_key(&key->numbers, address);
  if (!known) {
    known = ++key->next_number;
    map_set_key(&key->numbers, address, (void *)(uintptr_t)known);
  }
  return known;
}

static void key_expr(struct key *key, const struct expr *e);

static void key_payload(struct key *key, const struct expr *e) {
  uint64_t bits = 0;
  switch ((int)e->kind) {
  case EXPR_INTEGER:
    text_format(&key->text, "=%" PRId64, e->integer);
    break;
  case EXPR_REAL:
    memcpy(&bits, &e->real, sizeof bits);
    text_format(&key->text, "=%" PRIx64, bits);
    break;
  case EXPR_VARIABLE:
    if (e->variable->symbol >= 0)
      text_format(&key->text, "s%d", (int)e->variable->symbol);
    else
      text_format(&key->text, "v%" PRIu64, number_of(key, e->variable));
    break;
  case EXPR_LOAD:
    text_format(&key->text, "b%" PRIu64, number_of(key, e->buffer));
    break;
  default:
    break;
  }
}

static void key_expr(struct key *key, const struct expr *e) {
  if (!e) {
    text_add(&key->text, "~");
    return;
  }
  uint64_t known =
      (uint64_t)(uintptr_t)map_get_key(&key->exprs, (uint64_t)e->id + 1);
  if (known) {
    text_format(&key->text, "#%" PRIu64, known);
    return;
  }
  text_format(&key->text, "(%d.%d.%d", (int)e->kind, (int)e->dtype,
              (int)e->lanes);
  key_payload(key, e);
  for (size_t i = 0; i < e->arg_count; i++)
    key_expr(key, e->args[i]);
  text_add(&key->text, ")");
  map_set_key(&key->exprs, (uint64_t)e->id + 1,
              (void *)(uintptr_t)++key->next_expr);
}

static void key_buffer(struct key *key, const struct buffer *buffer) {
  text_format(&key->text, "B%" PRIu64 ":%d:%d:", number_of(key, buffer),
              (int)buffer->dtype, (int)buffer->scope);
  for (size_t i = 0; i < buffer->rank; i++) {
    key_expr(key, buffer->shape[i]);
    key_expr(key, buffer->strides[i]);
    text_format(&key->text, "h%" PRId64 ",%" PRId64, buffer->halo_before[i],
                buffer->halo_after[i]);
  }
  key_expr(key, buffer->offset);
}

char *kernel_key(struct arena *arena, const char *kind,
                 struct stage *const *stages, size_t stage_count,
                 struct buffer *const *parameters, size_t parameter_count) {
  struct key key = {.text = {.arena = arena}};
  map_init(&key.numbers, arena);
  map_init(&key.exprs, arena);
  text_add(&key.text, kind);
  for (size_t i = 0; i < parameter_count; i++)
    key_buffer(&key, parameters[i]);
  for (size_t i = 0; i < stage_count; i++) {
    const struct stage *stage = stages[i];
    text_format(&key.text, "S%d", (int)stage->reduce);
    key_buffer(&key, stage->output);
    for (size_t a = 0; a < stage->axis_count; a++) {
      text_format(&key.text, "v%" PRIu64, number_of(&key, stage->axes[a]));
      key_expr(&key, stage->axes[a]->extent);
    }
    for (size_t r = 0; r < stage->reduction_count; r++) {
      text_format(&key.text, "r%" PRIu64,
                  number_of(&key, stage->reductions[r]));
      key_expr(&key, stage->reductions[r]->extent);
    }
    key_expr(&key, stage->initial);
    key_expr(&key, stage->body);
  }
  return key.text.data;
}
