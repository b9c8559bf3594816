/* SPDX-License-Identifier: Apache-2.0 */
/* Register buffers become locals: one for each constant offset and width that
 * is stored. So nothing relies on a compiler's luck with stack slots. Vectors
 * of one buffer must not overlap without being the same. */
#include "base/map.h"
#include "lower/steps.h"

struct promotion {
  struct lowering *lowering;
  struct map locals;           /* buffer, offset, lanes */
  struct map members;          /* buffer, element: the local that holds it */
  const struct buffer *failed; /* not indexed by constants, or */
  const struct buffer *mixed;  /* in vectors that overlap */
};

static uint64_t local_key(const struct buffer *buffer, int64_t offset,
                          uint16_t lanes) {
  return ((uint64_t)buffer->id << 40) | ((uint64_t)offset << 16) | lanes;
}

static const struct local *local_of(struct promotion *promotion,
                                    const struct buffer *buffer,
                                    const struct expr *offset, uint16_t lanes) {
  int64_t number;
  if (!expr_get_integer(offset, &number) || number < 0 || number >= 1 << 24) {
    promotion->failed = buffer;
    return NULL;
  }
  uint64_t key = local_key(buffer, number, lanes);
  struct local *local = map_get_key(&promotion->locals, key);
  for (uint16_t lane = 0; lane < lanes && !local; lane++)
    if (map_get_key(&promotion->members, local_key(buffer, number + lane, 0)))
      promotion->mixed = buffer;
  if (!local) {
    local = local_new(promotion->lowering->function,
                      arena_printf(promotion->lowering->arena, "%s_%lld",
                                   buffer->name, (long long)number),
                      buffer->dtype, lanes);
    map_set_key(&promotion->locals, key, (void *)(uintptr_t)local);
    for (uint16_t lane = 0; lane < lanes; lane++)
      map_set_key(&promotion->members, local_key(buffer, number + lane, 0),
                  (void *)(uintptr_t)local);
  }
  return local;
}

static const struct expr *promote_node(void *context, const struct expr *node) {
  struct promotion *promotion = context;
  if (node->kind != EXPR_LOAD || node->buffer->scope != BUFFER_REGISTER)
    return node;
  const struct local *local =
      local_of(promotion, node->buffer, node->args[0], node->lanes);
  return local ? expr_local(promotion->lowering->pool, local) : node;
}
static const struct expr *promote_expr(void *context, const struct expr *e) {
  struct promotion *promotion = context;
  return expr_map(promotion->lowering->pool, e, promote_node, promotion);
}
static void promote_store(void *context, struct statement *statement) {
  struct promotion *promotion = context;
  if (statement->kind != STATEMENT_STORE ||
      statement->store.buffer->scope != BUFFER_REGISTER)
    return;
  const struct local *local =
      local_of(promotion, statement->store.buffer, statement->store.indices[0],
               statement->store.value->lanes);
  if (!local)
    return;
  const struct expr *value = statement->store.value;
  statement->kind = STATEMENT_SET;
  statement->set.local = local;
  statement->set.value = value;
}

enum adze_status lower_registers(struct lowering *lowering) {
  struct function *function = lowering->function;
  struct promotion promotion = {.lowering = lowering};
  map_init(&promotion.locals, lowering->arena);
  map_init(&promotion.members, lowering->arena);
  statement_map_exprs(function->body, promote_expr, &promotion);
  statement_walk(function->body, promote_store, &promotion);
  if (promotion.failed)
    return fail(lowering->error, ADZE_INTERNAL,
                "%s: register buffer %s is not indexed by constants",
                function->name, promotion.failed->name);
  if (promotion.mixed)
    return fail(lowering->error, ADZE_INTERNAL,
                "%s: register buffer %s is used in vectors that overlap",
                function->name, promotion.mixed->name);
  size_t kept = 0;
  for (size_t i = 0; i < function->buffers.count; i++)
    if (function->buffers.data[i]->scope != BUFFER_REGISTER)
      function->buffers.data[kept++] = function->buffers.data[i];
  function->buffers.count = kept;
  return ADZE_OK;
}
