/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles accesses to memory: element offsets, checks of indices, loads.
 *
 * The terms of an offset are added in the order of their levels, what stays
 * fixed longest first, so that the innermost loop adds one. In structured
 * functions every index is compared with its dimension as well, since an index
 * that leaves its row would otherwise read a neighbour unseen.
 */
#include <stdlib.h>

#include "ir/interpret_compile.h"

static uint16_t load_opcode(const struct expr *e, bool is_masked) {
  if (e->arg_count == 1 && e->args[0]->lanes > 1)
    return OP_GATHER;
  if (e->lanes > 1 || is_masked)
    return OP_LOAD_LANES;
  switch (value_bytes(e->dtype)) {
  case 8:
    return OP_LOAD_64;
  case 4:
    return e->dtype == ADZE_F32 ? OP_LOAD_32 : OP_LOAD_OTHER;
  default:
    return OP_LOAD_OTHER;
  }
}

static uint32_t mask_for(struct compiler *c, uint16_t lanes) {
  if (c->mask == SLOT_NONE || lanes == c->mask_lanes)
    return c->mask;
  check(lanes == 1);
  uint32_t any = slot_temporary(c, 1);
  emit(c,
       (struct instruction){
           .opcode = OP_ANY, .lanes = c->mask_lanes, .dst = any, .a = c->mask});
  return any;
}

static enum adze_status load_memory(struct compiler *c, const struct expr *e,
                                    struct node_info *info) {
  int32_t memory;
  uint32_t offset;
  TRY(memory_number(c, e->buffer, &memory));
  TRY(compile_offset(c, e->buffer, e->args, e->arg_count, &offset));
  uint32_t mask = mask_for(c, e->lanes);
  uint32_t dst = slot_temporary(c, e->lanes);
  emit(c, (struct instruction){.opcode = load_opcode(e, mask != SLOT_NONE),
                               .lanes = e->lanes,
                               .dst = dst,
                               .a = offset,
                               .c = mask,
                               .immediate = memory});
  c->last_slot = dst;
  node_set_slot(c, info, dst);
  return ADZE_OK;
}

static size_t stage_of_buffer(const struct compiler *c,
                              const struct buffer *buffer) {
  size_t i = 0;
  while (i < c->calls->count && c->calls->stages[i]->output != buffer)
    i++;
  return i;
}

/* A load of what another stage computes. */
static enum adze_status compile_call(struct compiler *c, const struct expr *e,
                                     struct node_info *info, size_t stage) {
  uint32_t block = slot_temporary(c, e->arg_count > 0 ? e->arg_count : 1);
  for (uint32_t i = 0; i < e->arg_count; i++) {
    uint32_t slot;
    TRY(compile_expr(c, e->args[i], &slot));
    emit(c, (struct instruction){
                .opcode = OP_MOVE, .lanes = 1, .dst = block + i, .a = slot});
  }
  uint32_t dst = slot_temporary(c, 1);
  emit(c, (struct instruction){.opcode = OP_CALL,
                               .lanes = e->arg_count,
                               .dst = dst,
                               .a = block,
                               .immediate = (int32_t)stage});
  node_set_slot(c, info, dst);
  return ADZE_OK;
}

/* Index terms in the order of their levels: what stays fixed longest first. */
struct term {
  const struct expr *value;
  int32_t level;
  size_t position;
};

static int compare_terms(const void *a, const void *b) {
  const struct term *x = a, *y = b;
  if (x->level != y->level)
    return x->level < y->level ? -1 : 1;
  return x->position < y->position ? -1 : x->position > y->position;
}

static enum adze_status sort_terms(struct compiler *c, struct term *terms,
                                   size_t count) {
  for (size_t i = 0; i < count; i++) {
    TRY(node_analyze(c, terms[i].value));
    terms[i].level = node_info_of(c, terms[i].value)->level;
    terms[i].position = i;
  }
  if (count > 1)
    qsort(terms, count, sizeof *terms, compare_terms);
  return ADZE_OK;
}

/* Whether index d lies in the shape or its halo; NULL where it plainly does. */
static const struct expr *in_range(struct compiler *c,
                                   const struct buffer *buffer, size_t d,
                                   const struct expr *index) {
  struct expr_pool *pool = c->pool;
  if (index->kind == EXPR_VARIABLE &&
      index->variable->extent == buffer->shape[d])
    return NULL;
  const struct expr *low = expr_index(pool, -buffer->halo_before[d]);
  const struct expr *high =
      expr_add(pool, buffer->shape[d], expr_index(pool, buffer->halo_after[d]));
  const struct expr *condition = expr_and(
      pool, expr_less_equal(pool, low, index), expr_less(pool, index, high));
  return expr_is_value(condition, 1) ? NULL : condition;
}

static enum adze_status compile_checks(struct compiler *c,
                                       const struct buffer *buffer,
                                       const struct expr *const *indices) {
  struct term terms[LOOP_MAX_RANK];
  size_t count = 0;
  for (size_t d = 0; d < buffer->rank; d++) {
    const struct expr *condition = in_range(c, buffer, d, indices[d]);
    if (condition != NULL)
      terms[count++].value = condition;
  }
  if (count == 0)
    return ADZE_OK;
  TRY(sort_terms(c, terms, count));
  const struct expr *all = terms[0].value;
  for (size_t i = 1; i < count; i++)
    all = expr_and(c->pool, all, terms[i].value);
  uint32_t slot;
  int32_t memory;
  TRY(compile_expr(c, all, &slot));
  TRY(memory_number(c, buffer, &memory));
  emit(c, (struct instruction){
              .opcode = OP_CHECK, .lanes = 1, .a = slot, .immediate = memory});
  return ADZE_OK;
}

enum adze_status compile_offset(struct compiler *c, const struct buffer *buffer,
                                const struct expr *const *indices, size_t count,
                                uint32_t *slot) {
  if (c->function->is_flat) {
    if (count != 1)
      return fail(c->error, ADZE_INTERNAL,
                  "function %s: an access to %s has %zu indices, expected one "
                  "element offset",
                  c->function->name, buffer->name, count);
    return compile_expr(c, indices[0], slot);
  }
  if (count != buffer->rank)
    return fail(c->error, ADZE_INTERNAL,
                "function %s: an access to %s has %zu indices, expected %zu",
                c->function->name, buffer->name, count, buffer->rank);
  TRY(compile_checks(c, buffer, indices));
  struct term terms[LOOP_MAX_RANK + 1];
  terms[0].value = buffer->offset;
  for (size_t d = 0; d < count; d++)
    terms[d + 1].value = expr_mul(c->pool, indices[d], buffer->strides[d]);
  TRY(sort_terms(c, terms, count + 1));
  const struct expr *sum = terms[0].value;
  for (size_t d = 1; d <= count; d++)
    sum = expr_add(c->pool, sum, terms[d].value);
  return compile_expr(c, sum, slot);
}

enum adze_status compile_load(struct compiler *c, const struct expr *e,
                              struct node_info *info) {
  size_t stage = c->calls != NULL ? stage_of_buffer(c, e->buffer) : 0;
  if (c->calls != NULL && stage < c->calls->count)
    return compile_call(c, e, info, stage);
  return load_memory(c, e, info);
}
